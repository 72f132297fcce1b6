"""What people note for retention: the class of a stream, its trades, the end of a live; each with an audit entry."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from core.clock import iso, plus_ms, utc_now
from core.errors import ConflictError, NotFoundError, UsageError
from core.records import Stream
from evidence.audit import Actor, append_audit
from ingest.layout import stream_path
from ingest.lock import StreamLock
from store import deletions, recordings, retention, streams
from store.engine import Database
from store.retention import RetentionClass, Trade

_REFERENCE_LENGTH = 200


def note_class(db: Database, data_dir: Path, stream: str, chosen: RetentionClass, actor: Actor) -> None:
    """Set the class of a stream. Raises `NotFoundError`."""
    with db.write() as connection:
        _known(connection, stream)
        before = retention.get_class(connection, stream)
        retention.put_class(connection, stream, chosen)
    detail = {"stream": stream, "class": chosen.value, "before": before.value if before else None}
    append_audit(data_dir, actor, "retention.class", detail)


def note_trade(db: Database, data_dir: Path, trade: Trade, actor: Actor) -> None:
    """Note a trade or its completion. Raises `NotFoundError`, `UsageError` (empty reference, a time to come)."""
    if not trade.reference.strip() or len(trade.reference) > _REFERENCE_LENGTH:
        raise UsageError(
            "trade_reference", "交易编号不能为空或过长。", "A trade needs a reference, and not a long one."
        )
    _refuse_future(trade.completed_at)
    with db.write() as connection:
        _known(connection, trade.stream)
        retention.put_trade(connection, trade)
    completed = iso(trade.completed_at) if trade.completed_at else None
    detail = {"stream": trade.stream, "trade": trade.reference, "completed": completed}
    append_audit(data_dir, actor, "retention.trade", detail)


def note_end(
    db: Database, data_dir: Path, stream: str, when: datetime | None, *, reason: str, actor: Actor
) -> datetime:
    """Note the end of a live whose recorder was killed and never came back; by default the end of its last segment.

    Raises `ConflictError` when it is being recorded or has an end, `UsageError` for an end before the last segment.
    """
    if not reason.strip():
        raise UsageError("end_reason", "请写明依据。", "Say how that is known.")
    _refuse_future(when)
    with db.read() as connection:
        _known(connection, stream)
    with StreamLock(stream_path(data_dir, stream)), db.write() as connection:
        record = _known(connection, stream)
        if record.ended_at is not None:
            raise ConflictError("stream_ended", f"“{stream}”已有结束时刻。", f"“{stream}” has an end already.")
        last = recordings.last_segment(connection, stream) or deletions.last_deleted(connection, stream)
        recorded = plus_ms(last.wall_start, last.end_ms - last.start_ms) if last else None
        end = when or recorded or utc_now()
        if recorded is not None and end < recorded:
            raise UsageError(
                "end_too_early", f"录像到 {iso(recorded)} 才结束。", f"The recording goes on until {iso(recorded)}."
            )
        streams.end_stream(connection, stream, end)
    append_audit(data_dir, actor, "retention.ended", {"stream": stream, "ended": iso(end), "reason": reason})
    return end


def _refuse_future(moment: datetime | None) -> None:
    if moment is not None and moment > utc_now() + timedelta(minutes=5):
        raise UsageError("future", f"{iso(moment)} 还没有到。", f"{iso(moment)} is still to come.")


def _known(connection: Connection, stream: str) -> Stream:
    record = streams.get_stream(connection, stream)
    if record is None:
        raise NotFoundError("stream_unknown", f"没有名为“{stream}”的直播流。", f"There is no stream named “{stream}”.")
    return record
