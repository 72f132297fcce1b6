"""Holes in transcripts: stretches that are recorded, and that recognition could make nothing of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.dialects.sqlite import insert

from core.clock import iso, parse_iso
from store.tables import holes


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch of stream time in ms, why it has no text, and when that was given up."""

    stream: str
    epoch: int
    start_ms: int
    end_ms: int
    reason: str
    at: datetime


def _hole(row: RowMapping) -> Hole:
    fields: dict[str, Any] = {name: row[name] for name in ("stream", "epoch", "start_ms", "end_ms", "reason")}
    return Hole(**fields, at=parse_iso(row["at"]))


def add_hole(connection: Connection, hole: Hole) -> bool:
    """Append a hole. False when one is known that begins there."""
    row = {name: getattr(hole, name) for name in Hole.__slots__} | {"at": iso(hole.at)}
    return connection.execute(insert(holes).values(row).on_conflict_do_nothing()).rowcount == 1


def list_holes(connection: Connection, stream: str) -> list[Hole]:
    """All holes of a stream in order of time."""
    query = select(holes).where(holes.c.stream == stream).order_by(holes.c.start_ms)
    return [_hole(row) for row in connection.execute(query).mappings()]
