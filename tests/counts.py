"""How often tests with chance in them repeat: some of it in the ordinary run, all of it with FULL_TESTS=1.

What chance picks differs from run to run; the seed is named at the top of the run, and TEST_SEED brings it back.
"""

import os
import random

FULL = bool(os.environ.get("FULL_TESTS"))
SEED = os.environ.setdefault("TEST_SEED", str(random.randrange(10**6)))
"""Set in the environment, so that every process of the run has the same."""


def times(ordinary: int, full: int) -> int:
    """How often this time."""
    return full if FULL else ordinary


def chance(what: str) -> random.Random:
    """Chance for one test, the same for the same seed."""
    return random.Random(f"{SEED} {what}")
