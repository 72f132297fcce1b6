"""What was made of utterances: the classes they are alerted for, and those that turned out to be lawful."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from core.records import AlertStatus, ReviewState

LAWFUL = "lawful_in_context"
"""The reason of alerts that what was said next makes lawful (pipeline/lifecycle.py)."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Classes of an utterance's standing alerts; of those withdrawn, lawful in context, or dismissed by a person."""

    standing: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()


# Asked with every search: plain SQL is not put together anew each time.
_ASKED = text(
    "SELECT utterance_id, category, status = :withdrawn OR reason = :lawful OR :dismissed ="
    " (SELECT state FROM alert_reviews r WHERE r.alert_id = a.id ORDER BY r.id DESC LIMIT 1) AS cleared"
    " FROM alerts a WHERE utterance_id IN (SELECT value FROM json_each(:ids))"
)
_WORDS = {"withdrawn": AlertStatus.WITHDRAWN.value, "lawful": LAWFUL, "dismissed": ReviewState.DISMISSED.value}


def judgements_of(connection: Connection, ids: Sequence[int]) -> dict[int, Judged]:
    """By utterance id; those without any alert are left out."""
    found: dict[int, tuple[set[str], set[str]]] = {}
    for identifier, category, cleared in connection.execute(_ASKED, _WORDS | {"ids": json.dumps(list(ids))}):
        found.setdefault(identifier, (set(), set()))[bool(cleared)].add(category)
    return {
        identifier: Judged(frozenset(standing), frozenset(cleared - standing))
        for identifier, (standing, cleared) in found.items()
    }
