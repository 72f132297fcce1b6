"""How often threads of one process take turns on Python's interpreter lock."""

import sys

_SWITCH_S = 0.0005


def short_turns() -> None:
    """Let threads take turns every half millisecond.

    Telling an event, or answering a search, takes dozens of turns, and each waits so long for every thread that
    computes: with Python's 5 ms a flood of searches held events up for most of a second.
    """
    sys.setswitchinterval(_SWITCH_S)
