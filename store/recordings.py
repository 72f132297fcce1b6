"""Recordings: epochs, segments, gaps, and the cursor up to which speech is transcribed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update
from sqlalchemy.dialects.sqlite import insert

from core.clock import iso, parse_iso
from core.records import Epoch, Gap, Segment
from store.tables import epochs, gaps, segments


def _epoch(row: RowMapping) -> Epoch:
    fields: dict[str, Any] = {k: v for k, v in row.items() if k != "transcribed_ms"}
    return Epoch(**fields | {"wall_start": parse_iso(row["wall_start"]), "complete": bool(row["complete"])})


def _segment(row: RowMapping) -> Segment:
    fields: dict[str, Any] = dict(row)
    return Segment(**fields | {"wall_start": parse_iso(row["wall_start"])})


def _gap(row: RowMapping) -> Gap:
    fields: dict[str, Any] = {k: v for k, v in row.items() if k != "id"}
    return Gap(**fields | {"wall_start": parse_iso(row["wall_start"]), "wall_end": parse_iso(row["wall_end"])})


def put_epoch(connection: Connection, epoch: Epoch) -> None:
    """Insert an epoch, or update what is known of it (codecs, completeness); its cursor stays."""
    row = {
        "stream": epoch.stream,
        "number": epoch.number,
        "offset_ms": epoch.offset_ms,
        "pts_origin_ms": epoch.pts_origin_ms,
        "wall_start": iso(epoch.wall_start),
        "source": epoch.source,
        "video_codec": epoch.video_codec,
        "audio_codec": epoch.audio_codec,
        "content_sha256": epoch.content_sha256,
        "complete": int(epoch.complete),
    }
    changed = {k: v for k, v in row.items() if k not in ("stream", "number", "wall_start")}
    statement = insert(epochs).values(row | {"transcribed_ms": epoch.offset_ms})
    connection.execute(statement.on_conflict_do_update(index_elements=["stream", "number"], set_=changed))


def list_epochs(connection: Connection, stream: str) -> list[Epoch]:
    """All epochs of a stream in order."""
    query = select(epochs).where(epochs.c.stream == stream).order_by(epochs.c.number)
    return [_epoch(row) for row in connection.execute(query).mappings()]


def last_epoch(connection: Connection, stream: str) -> Epoch | None:
    """The newest epoch of a stream."""
    query = select(epochs).where(epochs.c.stream == stream).order_by(epochs.c.number.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return _epoch(row) if row else None


def unfinished_epochs(connection: Connection, stream: str) -> list[Epoch]:
    """The epochs of a stream whose end was never noted, in order."""
    query = select(epochs).where(epochs.c.stream == stream, epochs.c.complete == 0).order_by(epochs.c.number)
    return [_epoch(row) for row in connection.execute(query).mappings()]


def transcribed_ms(connection: Connection, stream: str, epoch: int) -> int:
    """Stream time before which everything of this epoch is transcribed and stored."""
    query = select(epochs.c.transcribed_ms).where(epochs.c.stream == stream, epochs.c.number == epoch)
    return int(connection.execute(query).scalar_one())


def advance_cursor(connection: Connection, stream: str, epoch: int, transcribed: int) -> None:
    """Move the cursor forward; never back."""
    connection.execute(
        update(epochs)
        .where(epochs.c.stream == stream, epochs.c.number == epoch, epochs.c.transcribed_ms < transcribed)
        .values(transcribed_ms=transcribed)
    )


def add_segment(connection: Connection, segment: Segment) -> bool:
    """Append a segment. False when its sequence number is already listed (a repeated call)."""
    row = {name: getattr(segment, name) for name in segment.__slots__} | {"wall_start": iso(segment.wall_start)}
    result = connection.execute(insert(segments).values(row).on_conflict_do_nothing())
    return result.rowcount == 1


def list_segments(
    connection: Connection, stream: str, *, start_ms: int = 0, end_ms: int | None = None, epoch: int | None = None
) -> list[Segment]:
    """Segments that overlap ``[start_ms, end_ms)`` of stream time, in order."""
    query = select(segments).where(segments.c.stream == stream, segments.c.end_ms > start_ms)
    if end_ms is not None:
        query = query.where(segments.c.start_ms < end_ms)
    if epoch is not None:
        query = query.where(segments.c.epoch == epoch)
    return [_segment(row) for row in connection.execute(query.order_by(segments.c.sequence)).mappings()]


def segments_after(connection: Connection, stream: str, sequence: int | None) -> list[Segment]:
    """Segments with a greater sequence number, in order; all where ``None`` is given."""
    query = select(segments).where(segments.c.stream == stream).order_by(segments.c.sequence)
    if sequence is not None:
        query = query.where(segments.c.sequence > sequence)
    return [_segment(row) for row in connection.execute(query).mappings()]


def last_segment(connection: Connection, stream: str) -> Segment | None:
    """The newest segment of a stream."""
    query = select(segments).where(segments.c.stream == stream).order_by(segments.c.sequence.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return _segment(row) if row else None


def add_gap(connection: Connection, gap: Gap) -> None:
    """Append a gap; the same gap twice is one."""
    row = {name: getattr(gap, name) for name in gap.__slots__}
    row |= {"wall_start": iso(gap.wall_start), "wall_end": iso(gap.wall_end)}
    connection.execute(insert(gaps).values(row).on_conflict_do_nothing())


def list_gaps(connection: Connection, stream: str) -> list[Gap]:
    """All gaps of a stream in order."""
    query = select(gaps).where(gaps.c.stream == stream).order_by(gaps.c.start_ms)
    return [_gap(row) for row in connection.execute(query).mappings()]


def bytes_since(connection: Connection, moment: datetime) -> int:
    """Bytes of the segments whose recording began at or after a moment, of all streams."""
    total = func.coalesce(func.sum(segments.c.size), 0)
    return int(connection.execute(select(total).where(segments.c.wall_start >= iso(moment))).scalar_one())


def recorded_ms(connection: Connection, stream: str) -> int:
    """Milliseconds of this stream held in segments."""
    total = func.coalesce(func.sum(segments.c.end_ms - segments.c.start_ms), 0)
    return int(connection.execute(select(total).where(segments.c.stream == stream)).scalar_one())
