"""What was made of utterances: the classes they are alerted for, and those that turned out to be lawful."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from core.records import AlertStatus, ReviewState
from store.tables import alert_reviews, alerts

LAWFUL = "lawful_in_context"
"""The reason of alerts that what was said next makes lawful (pipeline/lifecycle.py)."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Classes of an utterance's standing alerts; of those withdrawn, lawful in context, or dismissed by a person."""

    standing: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()


def judgements_of(connection: Connection, ids: Sequence[int]) -> dict[int, Judged]:
    """By utterance id; those without any alert are left out. A few thousand ids at most."""
    table, steps = alerts, alert_reviews
    latest = select(steps.c.state).where(steps.c.alert_id == table.c.id).order_by(steps.c.id.desc()).limit(1)
    state = latest.scalar_subquery()
    query = select(table.c.utterance_id, table.c.category, table.c.status, table.c.reason, state)
    found: dict[int, tuple[set[str], set[str]]] = {}
    for identifier, category, status, reason, reviewed in connection.execute(
        query.where(table.c.utterance_id.in_(ids))
    ):
        lawful = status == AlertStatus.WITHDRAWN.value or reason == LAWFUL or reviewed == ReviewState.DISMISSED.value
        found.setdefault(identifier, (set(), set()))[lawful].add(category)
    return {
        identifier: Judged(frozenset(standing), frozenset(cleared - standing))
        for identifier, (standing, cleared) in found.items()
    }
