"""The outbox: what is told to the outside, written in the transaction that made it true.

Cursors grow by commit: there is one writer, so whoever has read up to a cursor never misses an earlier one.
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from core.clock import iso, utc_now
from core.records import Alert
from core.shapes import Json, alert_json
from store.tables import outbox, outbox_pruned, saved_searches, search_matches, streams

SEARCH_MATCHED = "search.matched"
"""What a saved search found (index/saved.py)."""


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """One thing to tell. ``payload`` is the JSON text that every receiver gets; ``event_id`` is unique everywhere."""

    cursor: int
    event_id: str
    stream: str
    event: str
    alert_id: str
    at: str
    payload: str


def append(connection: Connection, event_name: str, alert: Alert, more: Json | None = None) -> int:
    """Append what became of ``alert`` and return its cursor; call it in the transaction that stores the alert.

    ``more``: further fields of the event.
    """
    return _insert(connection, alert.stream, event_name, alert_json(alert) | (more or {}), alert.id)


def append_event(connection: Connection, event: Json) -> int:
    """Append another event of a stream (its ``event`` and ``stream`` name it), such as a warning."""
    return _insert(connection, event["stream"], event["event"], event, "")


def _insert(connection: Connection, stream: str, name: str, fields: Json, alert_id: str) -> int:
    event_id, at = uuid.uuid4().hex, iso(utc_now())
    body = {"event": name, "event_id": event_id, **fields, "at": at}
    row: dict[str, Any] = {
        "event_id": event_id,
        "stream": stream,
        "event": name,
        "alert_id": alert_id,
        "at": at,
        "payload": json.dumps(body, ensure_ascii=False),
    }
    (cursor,) = connection.execute(insert(outbox).values(row)).inserted_primary_key or (0,)
    return int(cursor)


def _record(row: RowMapping) -> OutboxEvent:
    return OutboxEvent(**row)


def after(
    connection: Connection, cursor: int, limit: int, stream: str = "", shop: str = "", *, searches: bool = True
) -> list[OutboxEvent]:
    """Events after ``cursor`` in order, at most ``limit``; of one stream or of one shop's streams if named.

    What a saved search found is told to those who may see the search: to a shop what its own searches found, and to
    nobody without ``searches``.
    """
    query = select(outbox).where(outbox.c.cursor > cursor).order_by(outbox.c.cursor).limit(limit)
    if stream:
        query = query.where(outbox.c.stream == stream)
    if shop:
        query = query.where(outbox.c.stream.in_(select(streams.c.name).where(streams.c.shop == shop)))
        mine = select(search_matches.c.cursor).join(saved_searches).where(saved_searches.c.shop == shop)
        query = query.where((outbox.c.event != SEARCH_MATCHED) | outbox.c.cursor.in_(mine))
    if not searches:
        query = query.where(outbox.c.event != SEARCH_MATCHED)
    return [_record(row) for row in connection.execute(query).mappings()]


def get(connection: Connection, cursor: int) -> OutboxEvent | None:
    """The event with this cursor."""
    row = connection.execute(select(outbox).where(outbox.c.cursor == cursor)).mappings().one_or_none()
    return _record(row) if row else None


def newest(connection: Connection) -> int:
    """The last cursor; 0 when nothing was ever told."""
    return int(connection.execute(select(func.max(outbox.c.cursor))).scalar_one() or 0)


def pruned(connection: Connection) -> int:
    """The last cursor of what was pruned for its age; whoever saw less than that may have missed something."""
    return int(connection.execute(select(outbox_pruned.c.cursor)).scalar_one())


def streams_after(connection: Connection, cursor: int) -> set[str]:
    """Names of the streams with events after ``cursor``."""
    query = select(outbox.c.stream).where(outbox.c.cursor > cursor).distinct()
    return set(connection.execute(query).scalars())
