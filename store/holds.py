"""Holds: what a case keeps from being deleted, until somebody lifts it. None is ever removed from the list."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select, update

from core.clock import iso, parse_iso
from store.tables import holds


@dataclass(frozen=True, slots=True)
class Hold:
    """A stretch of a stream kept for a case; without times the whole stream. Times are stream milliseconds."""

    id: str
    case: str
    stream: str
    start_ms: int | None
    end_ms: int | None
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_by: str = ""
    lifted_at: datetime | None = None
    lift_reason: str = ""


def add_hold(connection: Connection, hold: Hold) -> None:
    """Store a new hold."""
    row = {name: getattr(hold, name) for name in Hold.__slots__}
    row |= {"placed_at": iso(hold.placed_at), "lifted_at": iso(hold.lifted_at) if hold.lifted_at else None}
    connection.execute(insert(holds).values(row))


def lift(connection: Connection, hold_id: str, by: str, when: datetime, reason: str) -> bool:
    """Mark a standing hold as lifted; False when there is none of that id."""
    standing = (holds.c.id == hold_id) & holds.c.lifted_at.is_(None)
    changed = {"lifted_by": by, "lifted_at": iso(when), "lift_reason": reason}
    return connection.execute(update(holds).where(standing).values(changed)).rowcount == 1


def list_holds(
    connection: Connection, *, stream: str = "", case: str = "", hold_id: str = "", standing: bool = False
) -> list[Hold]:
    """Holds in the order in which they were placed; of one stream, case or id, or standing ones only."""
    query = select(holds).order_by(holds.c.placed_at, holds.c.id)
    for column, value in ((holds.c.stream, stream), (holds.c.case, case), (holds.c.id, hold_id)):
        if value:
            query = query.where(column == value)
    if standing:
        query = query.where(holds.c.lifted_at.is_(None))
    return [_record(row) for row in connection.execute(query).mappings()]


def _record(row: RowMapping) -> Hold:
    lifted = parse_iso(row["lifted_at"]) if row["lifted_at"] else None
    return Hold(**dict(row) | {"placed_at": parse_iso(row["placed_at"]), "lifted_at": lifted})
