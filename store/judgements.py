"""What was made of utterances: the classes they are alerted for, and those that turned out to be lawful."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from core.records import AlertStatus, ReviewState
from store.tables import alert_reviews, alerts


@dataclass(frozen=True, slots=True)
class Judged:
    """Classes of an utterance's standing alerts, and of those that were withdrawn or dismissed by a person."""

    standing: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()


def judgements_of(connection: Connection, ids: Sequence[int]) -> dict[int, Judged]:
    """By utterance id; those without any alert are left out. A few thousand ids at most."""
    table = alerts
    steps = alert_reviews
    latest = select(steps.c.state).where(steps.c.alert_id == table.c.id).order_by(steps.c.id.desc()).limit(1)
    state = latest.scalar_subquery()
    query = select(table.c.utterance_id, table.c.category, table.c.status, state).where(table.c.utterance_id.in_(ids))
    found: dict[int, tuple[set[str], set[str]]] = {}
    for identifier, category, status, reviewed in connection.execute(query):
        cleared = status == AlertStatus.WITHDRAWN.value or reviewed == ReviewState.DISMISSED.value
        found.setdefault(identifier, (set(), set()))[cleared].add(category)
    return {
        identifier: Judged(frozenset(standing), frozenset(cleared - standing))
        for identifier, (standing, cleared) in found.items()
    }
