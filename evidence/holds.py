"""Legal holds: placed and lifted in the database and in the audit chain; what either says is held, is held.

So a row removed from the database lifts nothing, and neither does an audit chain that was shortened.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from core.clock import iso, parse_iso, utc_now
from core.errors import NotFoundError, UsageError
from evidence.audit import Actor, append_audit, read_audit
from store import deletions, holds, streams
from store.cases import open_exhibits
from store.deletions import Deletion
from store.engine import Database
from store.holds import Hold

PLACED, LIFTED = "hold.place", "hold.lift"
_EXHIBIT = "exhibit:"


@dataclass(frozen=True, slots=True)
class HoldOrder:
    """What a person wants kept, for which case and why. Without times: the whole stream."""

    case: str
    stream: str
    reason: str
    start_ms: int | None = None
    end_ms: int | None = None


def place_hold(db: Database, data_dir: Path, order: HoldOrder, actor: Actor) -> tuple[Hold, list[Deletion]]:
    """Keep a stretch from now on; the hold, and earlier deletions of the stream, which it cannot undo.

    Raises `UsageError` without case or reason or with times in the wrong order, `NotFoundError` for an unknown stream.
    """
    _check(order)
    hold = Hold(
        id=uuid4().hex[:12],
        case=order.case.strip(),
        stream=order.stream,
        start_ms=order.start_ms,
        end_ms=order.end_ms,
        reason=order.reason.strip(),
        placed_by=actor.name,
        placed_at=parse_iso(iso(utc_now())),
    )
    with db.write() as connection:
        if streams.get_stream(connection, order.stream) is None:
            raise _unknown_stream(order.stream)
        holds.add_hold(connection, hold)
        before = deletions.list_deletions(connection, stream=order.stream)
    append_audit(data_dir, actor, PLACED, {"hold": hold.id, **_told(hold)})
    return hold, before


def _check(order: HoldOrder) -> None:
    if not order.case.strip() or not order.reason.strip():
        raise UsageError("hold_reason", "请写明案号和事由。", "A hold needs a case and a reason.")
    since, until = order.start_ms or 0, order.end_ms
    if since < 0 or (until is not None and until <= since):
        raise UsageError("hold_range", "结束须晚于开始，且不能为负。", "The end must come after the start, from 0 on.")


def lift_holds(db: Database, data_dir: Path, name: str, reason: str, actor: Actor) -> list[Hold]:
    """Lift the hold of that id, or all of that case. Raises `NotFoundError` when none stands, `UsageError`."""
    if not reason.strip():
        raise UsageError("hold_reason", "解除保全须写明事由。", "Lifting a hold needs a reason.")
    standing = standing_holds(db, data_dir)
    found = [hold for hold in standing if name in {hold.id, hold.case} and not hold.id.startswith(_EXHIBIT)]
    if not found:
        raise NotFoundError("hold_unknown", f"没有生效的保全 {name}。", f"No hold {name} stands.")
    for hold in found:
        now = utc_now()
        with db.write() as connection:
            holds.lift(connection, hold.id, actor.name, now, reason.strip())
        append_audit(
            data_dir, actor, LIFTED, {"hold": hold.id, "case": hold.case, "stream": hold.stream, "reason": reason}
        )
    return found


def standing_holds(db: Database, data_dir: Path) -> list[Hold]:
    """All holds that stand. Raises `ConflictError` when the audit chain is broken: then nobody can tell."""
    with db.read() as connection:
        return standing_in(connection, data_dir)


def standing_in(connection: Connection, data_dir: Path) -> list[Hold]:
    """The same within a transaction."""
    known = {hold.id: hold for hold in holds.list_holds(connection)}
    placed, lifted = _audited(data_dir)
    names = {hold_id for hold_id, hold in known.items() if hold.lifted_at is None} | (placed.keys() - lifted)
    # Of a hold that the database lacks, or calls lifted although nobody lifted it, the audit chain tells.
    found = [replace(known.get(name) or placed[name], lifted_at=None) for name in names]
    return sorted([*found, *_exhibited(connection)], key=lambda hold: (hold.placed_at, hold.id))


def _exhibited(connection: Connection) -> list[Hold]:
    """What the exhibits of open cases show is held without anybody's order, until the case is closed."""
    return [
        Hold(
            id=f"{_EXHIBIT}{exhibit.id}",
            case=exhibit.case_id,
            stream=exhibit.stream,
            start_ms=exhibit.start_ms,
            end_ms=exhibit.end_ms,
            reason=exhibit.title,
            placed_by=exhibit.added_by,
            placed_at=exhibit.added_at,
        )
        for exhibit in open_exhibits(connection)
    ]


def _audited(data_dir: Path) -> tuple[dict[str, Hold], set[str]]:
    placed: dict[str, Hold] = {}
    lifted: set[str] = set()
    for line in read_audit(data_dir):
        if b'"kind":"hold.' not in line:
            continue
        entry = json.loads(line)
        detail = entry["detail"]
        if entry["kind"] == LIFTED:
            lifted.add(detail["hold"])
        else:
            placed[detail["hold"]] = _read(detail, entry["by"], parse_iso(entry["logged"]))
    return placed, lifted


def _told(hold: Hold) -> dict[str, Any]:
    return {
        "case": hold.case,
        "stream": hold.stream,
        "start_ms": hold.start_ms,
        "end_ms": hold.end_ms,
        "reason": hold.reason,
    }


def _read(detail: dict[str, Any], by: str, when: datetime) -> Hold:
    fields = {name: detail[name] for name in ("case", "stream", "start_ms", "end_ms", "reason")}
    return Hold(id=detail["hold"], placed_by=by, placed_at=when, **fields)


def hold_json(hold: Hold) -> dict[str, Any]:
    """A hold as people and machines see it."""
    return {
        "hold": hold.id,
        **_told(hold),
        "placed_by": hold.placed_by,
        "placed_at": iso(hold.placed_at),
        "lifted_by": hold.lifted_by,
        "lifted_at": iso(hold.lifted_at) if hold.lifted_at else None,
        "lift_reason": hold.lift_reason,
    }


def _unknown_stream(name: str) -> NotFoundError:
    return NotFoundError("stream_unknown", f"没有名为“{name}”的直播流。", f"There is no stream named “{name}”.")
