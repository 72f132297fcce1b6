"""Backfills that a person asked for over the API, in the order they were asked for; they survive a restart."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from core.clock import iso, parse_iso, utc_now
from core.shapes import Json
from store.tables import backfills


class BackfillState(StrEnum):
    """``running`` after a crash means: begin again, what is done is skipped."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = frozenset({BackfillState.WAITING, BackfillState.RUNNING})


@dataclass(frozen=True, slots=True)
class Backfill:
    """A file, a folder or an address to work through; ``detail`` says how far it is."""

    source: str
    shop: str
    product: str
    created_by: str
    created_at: datetime
    state: BackfillState = BackfillState.WAITING
    detail: Json | None = None
    number: int = 0
    updated_at: datetime | None = None


def add_backfill(connection: Connection, wanted: Backfill) -> int:
    """Insert one and return its number."""
    row = {
        "source": wanted.source,
        "shop": wanted.shop,
        "product": wanted.product,
        "state": wanted.state.value,
        "detail": json.dumps(wanted.detail or {}, ensure_ascii=False),
        "created_by": wanted.created_by,
        "created_at": iso(wanted.created_at),
        "updated_at": iso(wanted.created_at),
    }
    (number,) = connection.execute(insert(backfills).values(row)).inserted_primary_key or (0,)
    return int(number)


def put_progress(
    connection: Connection, number: int, state: BackfillState, detail: Json, *, source: str | None = None
) -> None:
    """Store how far it is; ``source`` replaces what is kept of where it came from."""
    values = {"state": state.value, "detail": json.dumps(detail, ensure_ascii=False), "updated_at": iso(utc_now())}
    values |= {} if source is None else {"source": source}
    connection.execute(update(backfills).where(backfills.c.number == number).values(values))


def get_backfill(connection: Connection, number: int) -> Backfill | None:
    """The one with this number."""
    row = connection.execute(select(backfills).where(backfills.c.number == number)).mappings().first()
    return None if row is None else _record(row)


def list_backfills(connection: Connection, *, before: int | None = None, limit: int = 100) -> list[Backfill]:
    """The newest first, those with numbers below ``before``."""
    query = select(backfills).order_by(backfills.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(backfills.c.number < before)
    return [_record(row) for row in connection.execute(query).mappings()]


def next_backfill(connection: Connection) -> Backfill | None:
    """The oldest that has yet to end."""
    query = select(backfills).where(backfills.c.state.in_([state.value for state in OPEN]))
    row = connection.execute(query.order_by(backfills.c.number).limit(1)).mappings().first()
    return None if row is None else _record(row)


def count_open(connection: Connection) -> int:
    """How many have yet to end."""
    query = select(func.count()).where(backfills.c.state.in_([state.value for state in OPEN]))
    return int(connection.execute(query).scalar_one())


def _record(row: RowMapping) -> Backfill:
    return Backfill(
        source=row["source"],
        shop=row["shop"],
        product=row["product"],
        created_by=row["created_by"],
        created_at=parse_iso(row["created_at"]),
        state=BackfillState(row["state"]),
        detail=json.loads(row["detail"]),
        number=row["number"],
        updated_at=parse_iso(row["updated_at"]),
    )
