"""Rooms: streams as a moderator sees them at one look: how far recorded and heard, and what is open."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from core.clock import iso
from core.records import AlertStatus, ReviewState, Severity, Stream
from store import streams as stored
from store.tables import alert_reviews, alerts, segments, streams


@dataclass(frozen=True, slots=True)
class Room:
    """A stream with the end of its recording (ms in the stream) and its open alerts, the grave ones apart."""

    stream: Stream
    recorded_to_ms: int
    open_alerts: int
    open_high: int


def list_rooms(connection: Connection, *, shop: str, ended_after: datetime) -> list[Room]:
    """Streams that run or ended after ``ended_after``, the running ones first, then by name."""
    query = select(streams.c.name).where(streams.c.ended_at.is_(None) | (streams.c.ended_at > iso(ended_after)))
    if shop:
        query = query.where(streams.c.shop == shop)
    names = list(connection.execute(query.order_by(streams.c.ended_at.is_not(None), streams.c.name)).scalars())
    recorded = _recorded(connection, names)
    counts = _open_counts(connection, names)
    known = (stored.get_stream(connection, name) for name in names)
    return [
        Room(stream, recorded.get(stream.name, 0), *counts.get(stream.name, (0, 0)))
        for stream in known
        if stream is not None
    ]


def _recorded(connection: Connection, names: list[str]) -> dict[str, int]:
    query = select(segments.c.stream, func.max(segments.c.end_ms)).where(segments.c.stream.in_(names))
    return {name: int(end) for name, end in connection.execute(query.group_by(segments.c.stream))}


def _open_counts(connection: Connection, names: list[str]) -> dict[str, tuple[int, int]]:
    """How many alerts of each stream nobody has reviewed and nothing has withdrawn, and how many of them are high."""
    latest = select(func.max(alert_reviews.c.id).label("id")).group_by(alert_reviews.c.alert_id).subquery()
    settled = (
        select(alert_reviews.c.alert_id)
        .join(latest, alert_reviews.c.id == latest.c.id)
        .where(alert_reviews.c.state != ReviewState.OPEN.value)
    )
    high = func.count().filter(alerts.c.severity == Severity.HIGH.value)
    query = (
        select(alerts.c.stream, func.count(), high)
        .where(alerts.c.stream.in_(names), alerts.c.status != AlertStatus.WITHDRAWN.value)
        .where(alerts.c.id.not_in(settled))
        .group_by(alerts.c.stream)
    )
    return {name: (int(count), int(grave)) for name, count, grave in connection.execute(query)}
