"""The timeline of a stream: what was posted to it, and what was on the shelf at a moment."""

from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from core.clock import iso, ms_between, parse_iso
from core.records import Product, TimelineEvent, TimelineKind
from store.recordings import list_epochs
from store.tables import timeline_events


def _record(row: RowMapping) -> TimelineEvent:
    fields: dict[str, Any] = dict(row)
    return TimelineEvent(
        **fields | {"kind": TimelineKind(row["kind"]), "wall_time": parse_iso(row["wall_time"])},
    )


def add_event(connection: Connection, event: TimelineEvent) -> int:
    """Store a posted event and return its id."""
    row = {name: getattr(event, name) for name in event.__slots__ if name != "id"}
    row |= {"kind": event.kind.value, "wall_time": iso(event.wall_time)}
    (key,) = connection.execute(insert(timeline_events).values(row)).inserted_primary_key or (0,)
    return int(key)


def list_events(
    connection: Connection,
    stream: str,
    *,
    start_ms: int = 0,
    end_ms: int | None = None,
    kind: TimelineKind | None = None,
    after: int = 0,
    limit: int = 1000,
) -> list[TimelineEvent]:
    """Events in ``[start_ms, end_ms)`` of stream time, in order of time; from the one after id ``after``."""
    table = timeline_events
    query = select(table).where(table.c.stream == stream, table.c.at_ms >= start_ms)
    if end_ms is not None:
        query = query.where(table.c.at_ms < end_ms)
    if kind is not None:
        query = query.where(table.c.kind == kind.value)
    if after:
        mark = select(table.c.at_ms).where(table.c.id == after).scalar_subquery()
        query = query.where((table.c.at_ms > mark) | ((table.c.at_ms == mark) & (table.c.id > after)))
    query = query.order_by(table.c.at_ms, table.c.id).limit(limit)
    return [_record(row) for row in connection.execute(query).mappings()]


def product_at(connection: Connection, stream: str, stream_ms: int) -> Product | None:
    """What was last put on the shelf at or before ``stream_ms``; None where nothing ever was.

    A product without a name was taken off: nothing is on the shelf then.
    """
    table = timeline_events
    query = (
        select(table.c.text, table.c.product_class)
        .where(table.c.stream == stream, table.c.kind == TimelineKind.PRODUCT.value, table.c.at_ms <= stream_ms)
        .order_by(table.c.at_ms.desc(), table.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Product(row[0], row[1])


def stream_ms_at(connection: Connection, stream: str, wall_time: str) -> int:
    """Stream time of a moment on the recorder's clock (ISO): its place in the epoch that had begun by then.

    0 before the first epoch. During a gap stream time runs on, as it does everywhere else.
    """
    moment = parse_iso(wall_time)
    begun = [epoch for epoch in list_epochs(connection, stream) if epoch.wall_start <= moment]
    if not begun:
        return 0
    latest = max(begun, key=lambda epoch: epoch.wall_start)
    return latest.offset_ms + ms_between(latest.wall_start, moment)
