"""Retention: which clock a stream is kept by, and the trades whose completion some clocks run from."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from core.clock import iso, parse_iso, utc_now
from store.tables import retention_classes, streams, trades


class RetentionClass(StrEnum):
    """Until when a stream is kept. ``keep``, the default: for good.

    The others are the clocks of 直播电商监督管理办法: ``live`` runs from the end of the live (art. 27, 31), ``trade``
    from the completion of the last trade (art. 16), ``later`` from whichever of the two came later.
    """

    KEEP = "keep"
    LIVE = "live"
    TRADE = "trade"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade that came out of a stream, by a reference of the shop's own; open while it has no end."""

    stream: str
    reference: str
    completed_at: datetime | None = None


def put_class(connection: Connection, stream: str, chosen: RetentionClass) -> None:
    """Set or change the class of a stream."""
    row = {"stream": stream, "class": chosen.value, "set_at": iso(utc_now())}
    statement = insert(retention_classes).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["stream"], set_=row))


def list_classes(connection: Connection) -> dict[str, RetentionClass | None]:
    """All streams by name with their class; ``None`` where nobody set one."""
    joined = streams.outerjoin(retention_classes, retention_classes.c.stream == streams.c.name)
    query = select(streams.c.name, retention_classes.c["class"]).select_from(joined).order_by(streams.c.name)
    return {name: RetentionClass(chosen) if chosen else None for name, chosen in connection.execute(query)}


def get_class(connection: Connection, stream: str) -> RetentionClass | None:
    """The class that was set for a stream, if any."""
    query = select(retention_classes.c["class"]).where(retention_classes.c.stream == stream)
    found = connection.execute(query).scalar_one_or_none()
    return RetentionClass(found) if found else None


def put_trade(connection: Connection, trade: Trade) -> None:
    """Note a trade, or that a known one was completed (or is open again)."""
    completed = iso(trade.completed_at) if trade.completed_at else None
    row = {"stream": trade.stream, "reference": trade.reference, "completed_at": completed}
    statement = insert(trades).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["stream", "reference"], set_=row))


def list_trades(connection: Connection, stream: str) -> list[Trade]:
    """All trades of a stream by reference."""
    query = select(trades).where(trades.c.stream == stream).order_by(trades.c.reference)
    return [
        Trade(row["stream"], row["reference"], parse_iso(row["completed_at"]) if row["completed_at"] else None)
        for row in connection.execute(query).mappings()
    ]


def forget_trades(connection: Connection, stream: str) -> None:
    """Delete the trades of a stream."""
    connection.execute(delete(trades).where(trades.c.stream == stream))
