"""Measures: what a moderator asked of the platform against a room, and what came of it; told through the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from core.clock import iso, parse_iso
from core.errors import ConflictError, NotFoundError
from core.shapes import Json
from store import outbox
from store.tables import measures


class MeasureKind(StrEnum):
    """Steps of 直播电商监督管理办法 arts. 12-13: warn the host, limit traffic, suspend the room, end it."""

    WARN = "warn"
    LIMIT = "limit"
    SUSPEND = "suspend"
    END = "end"


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure. ``answered_at`` is none while the platform has not said what became of it."""

    stream: str
    kind: MeasureKind
    reason: str
    asked_by: str
    asked_at: datetime
    alert_id: str = ""
    answer: str = ""
    remedy: str = ""
    answered_by: str = ""
    answered_at: datetime | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class MeasureAnswer:
    """What the platform did, what remedy there is, and who wrote it down."""

    answer: str
    remedy: str
    by: str
    at: datetime


def measure_json(measure: Measure) -> Json:
    """A measure as people and machines see it."""
    return {
        "id": measure.id,
        "stream": measure.stream,
        "alert_id": measure.alert_id,
        "kind": measure.kind.value,
        "reason": measure.reason,
        "asked_by": measure.asked_by,
        "asked_at": iso(measure.asked_at),
        "answer": measure.answer,
        "remedy": measure.remedy,
        "answered_by": measure.answered_by,
        "answered_at": iso(measure.answered_at) if measure.answered_at else None,
    }


def ask(connection: Connection, measure: Measure) -> Measure:
    """Store a measure and tell of it as ``measure.asked``, which webhooks carry, signed, to the platform."""
    row = {name: getattr(measure, name) for name in measure.__slots__ if name != "id"}
    row |= {"kind": measure.kind.value, "asked_at": iso(measure.asked_at), "answered_at": None}
    (key,) = connection.execute(insert(measures).values(row)).inserted_primary_key or (0,)
    stored = get_measure(connection, measure.stream, int(key))
    outbox.append_event(connection, {"event": "measure.asked", **measure_json(stored)})
    return stored


def answer(connection: Connection, stream: str, key: int, said: MeasureAnswer) -> Measure:
    """Record what the platform did and the remedy, once. Raises `NotFoundError`, `ConflictError`."""
    if get_measure(connection, stream, key).answered_at is not None:
        raise ConflictError("measure_answered", "这项措施已有答复。", "This measure has been answered.")
    given = {"answer": said.answer, "remedy": said.remedy, "answered_by": said.by, "answered_at": iso(said.at)}
    connection.execute(update(measures).where(measures.c.id == key).values(given))
    stored = get_measure(connection, stream, key)
    outbox.append_event(connection, {"event": "measure.answered", **measure_json(stored)})
    return stored


def get_measure(connection: Connection, stream: str, key: int) -> Measure:
    """The measure against a room with that number. Raises `NotFoundError`."""
    query = select(measures).where(measures.c.id == key, measures.c.stream == stream)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFoundError("measure_unknown", f"没有第 {key} 项措施。", f"There is no measure {key}.")
    return _measure(row)


def list_measures(connection: Connection, stream: str) -> list[Measure]:
    """The measures against one room, oldest first."""
    query = select(measures).where(measures.c.stream == stream).order_by(measures.c.id)
    return [_measure(row) for row in connection.execute(query).mappings()]


def _measure(row: Mapping[Any, Any]) -> Measure:
    made = {
        "kind": MeasureKind(row["kind"]),
        "asked_at": parse_iso(row["asked_at"]),
        "answered_at": parse_iso(row["answered_at"]) if row["answered_at"] else None,
    }
    return Measure(**{name: row[name] for name in Measure.__slots__} | made)
