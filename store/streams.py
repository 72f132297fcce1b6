"""Streams: one row per selling session, named by the operator."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update
from sqlalchemy.dialects.sqlite import insert

from core.clock import iso, parse_iso, utc_now
from core.records import Stream
from store.tables import streams


def _record(row: RowMapping) -> Stream:
    fields: dict[str, Any] = dict(row)
    fields["created_at"] = parse_iso(row["created_at"])
    fields["ended_at"] = parse_iso(row["ended_at"]) if row["ended_at"] else None
    return Stream(**fields)


def open_stream(connection: Connection, stream: Stream) -> Stream:
    """Insert ``stream`` or reopen it under its name; filled-in fields win over stored ones."""
    created = stream.created_at or utc_now()
    row = {
        "name": stream.name,
        "source": stream.source,
        "shop": stream.shop,
        "host": stream.host,
        "room": stream.room,
        "title": stream.title,
        "product": stream.product,
        "created_at": iso(created),
        "ended_at": None,
    }
    changed = {k: v for k, v in row.items() if k not in ("name", "created_at") and (v or k == "ended_at")}
    connection.execute(insert(streams).values(row).on_conflict_do_update(index_elements=["name"], set_=changed))
    return get_stream(connection, stream.name) or replace(stream, created_at=created)


def end_stream(connection: Connection, name: str, when: datetime) -> None:
    """Mark the end of a stream."""
    connection.execute(update(streams).where(streams.c.name == name).values(ended_at=iso(when)))


def get_stream(connection: Connection, name: str) -> Stream | None:
    """The stream of that name, if there is one."""
    row = connection.execute(select(streams).where(streams.c.name == name)).mappings().one_or_none()
    return _record(row) if row else None


def has_stream(connection: Connection, name: str) -> bool:
    """Whether there is a stream of that name."""
    return connection.exec_driver_sql("SELECT 1 FROM streams WHERE name = ?", (name,)).first() is not None


def list_streams(connection: Connection, *, shop: str = "", after: str = "", limit: int = 1000) -> list[Stream]:
    """Streams by name, from the one after ``after``; of one shop if named."""
    query = select(streams).where(streams.c.name > after).order_by(streams.c.name).limit(limit)
    if shop:
        query = query.where(streams.c.shop == shop)
    return [_record(row) for row in connection.execute(query).mappings()]
