"""Deletions: what of a stream has to go, its removal from every table, and the record that stays.

A deletion is decided in one transaction: rows that speak of persons go, and segments move to ``deleted_segments``,
which keeps their hash and times. Files go afterwards; until then the deletion is unfinished.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, delete, exists, insert, select, update

from core.clock import iso, parse_iso
from core.records import Segment
from store import outbox as told
from store.retention import forget_trades
from store.tables import (
    alerts,
    dead_letters,
    deleted_segments,
    deletions,
    epochs,
    gaps,
    holes,
    jobs,
    measures,
    outbox,
    segments,
    streams,
    timeline_events,
    utterances,
)
from store.vectors import forget_utterances

DELETED_EVENT = "stream.deleted"
_SQL_VARIABLES = 500

Range = tuple[int, int]
"""From and to in stream milliseconds."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion as decided: of which stream, when, by whom, under which plan, and what it took."""

    id: str
    stream: str
    decided_at: datetime
    decided_by: str
    plan: str
    record: dict[str, Any]
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Doomed:
    """Keys of the rows of one stream that a deletion takes, in order."""

    utterances: tuple[int, ...] = ()
    alerts: tuple[str, ...] = ()
    timeline: tuple[int, ...] = ()
    outbox: tuple[int, ...] = ()
    gaps: tuple[int, ...] = ()
    measures: tuple[int, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether any row has to go."""
        rows = (self.utterances, self.alerts, self.timeline, self.outbox, self.gaps, self.measures)
        return any(rows)


NOTHING = Doomed()


def touches(start_ms: int, end_ms: int, kept: Sequence[Range]) -> bool:
    """Whether ``[start_ms, end_ms]`` reaches into a kept range."""
    return any(start_ms < until and max(end_ms, start_ms + 1) > since for since, until in kept)


def find_doomed(connection: Connection, stream: str, kept: Sequence[Range]) -> Doomed:
    """Rows of a stream that lie outside ``kept``; with nothing kept, all of them."""
    found = partial(_outside, connection, stream=stream, kept=kept)
    raised = found(alerts)
    return Doomed(
        utterances=found(utterances),
        alerts=raised,
        timeline=found(timeline_events, times=("at_ms", "at_ms")),
        outbox=_told(connection, stream, set(raised) if kept else None),
        gaps=found(gaps),
        measures=() if kept else _measures(connection, stream),
    )


def _measures(connection: Connection, stream: str) -> tuple[int, ...]:
    """What was asked of the platform has no place in a stream, so it goes with the whole."""
    query = select(measures.c.id).where(measures.c.stream == stream).order_by(measures.c.id)
    return tuple(connection.execute(query).scalars())


def _outside(
    connection: Connection,
    table: Table,
    *,
    stream: str,
    kept: Sequence[Range],
    times: tuple[str, str] = ("start_ms", "end_ms"),
) -> tuple[Any, ...]:
    """Keys of a stream's rows in a table that lie outside ``kept``, in order."""
    query = select(table.c.id, *(table.c[name] for name in times)).where(table.c.stream == stream)
    rows = connection.execute(query.order_by(table.c.id)).all()
    return tuple(row[0] for row in rows if not touches(row[1], row[2], kept))


def _told(connection: Connection, stream: str, only: set[str] | None) -> tuple[int, ...]:
    """Outbox rows of these alerts; without a choice all of the stream, but for the word of earlier deletions."""
    query = select(outbox.c.cursor, outbox.c.alert_id).where(outbox.c.stream == stream, outbox.c.event != DELETED_EVENT)
    rows = connection.execute(query.order_by(outbox.c.cursor)).all()
    return tuple(row.cursor for row in rows if only is None or row.alert_id in only)


def decide(
    connection: Connection, deletion: Deletion, taken: Sequence[Segment], doomed: Doomed, *, whole: bool
) -> None:
    """Make a deletion irrevocable: rows go, segments are listed as deleted, the outside is told.

    ``whole``: nothing of the stream is kept, so what describes it goes as well; its name and numbers stay.
    """
    row = {"id": deletion.id, "stream": deletion.stream, "decided_by": deletion.decided_by, "plan": deletion.plan}
    row |= {"decided_at": iso(deletion.decided_at), "record": json.dumps(deletion.record, ensure_ascii=False)}
    connection.execute(insert(deletions).values(row))
    _take_rows(connection, doomed)
    _take_segments(connection, deletion, [segment.sequence for segment in taken])
    # What lies on disk and is in no list must not be taken for the rest of an interrupted recording.
    connection.execute(update(epochs).where(epochs.c.stream == deletion.stream).values(complete=1))
    if whole:
        _take_description(connection, deletion.stream)
    # The word of it is the newest event, so that nobody's cursor lies beyond the outbox.
    event = {"event": DELETED_EVENT, "stream": deletion.stream, "deletion": deletion.id, **deletion.record}
    told.append_event(connection, event)


def _take_rows(connection: Connection, doomed: Doomed) -> None:
    for column, keys in (
        (dead_letters.c.cursor, doomed.outbox),
        (outbox.c.cursor, doomed.outbox),
        (alerts.c.id, doomed.alerts),
        (timeline_events.c.id, doomed.timeline),
        (gaps.c.id, doomed.gaps),
        (measures.c.id, doomed.measures),
    ):
        for first in range(0, len(keys), _SQL_VARIABLES):
            block = keys[first : first + _SQL_VARIABLES]
            connection.execute(delete(column.table).where(column.in_(block)))
    forget_utterances(connection, doomed.utterances)


def _take_segments(connection: Connection, deletion: Deletion, sequences: Sequence[int]) -> None:
    names = [column.name for column in segments.columns]
    for first in range(0, len(sequences), _SQL_VARIABLES):
        block = list(sequences[first : first + _SQL_VARIABLES])
        mine = (segments.c.stream == deletion.stream) & segments.c.sequence.in_(block)
        rows = connection.execute(select(segments).where(mine)).mappings().all()
        if rows:
            taken = [{name: row[name] for name in names} | {"deletion": deletion.id} for row in rows]
            connection.execute(insert(deleted_segments), taken)
        connection.execute(delete(segments).where(mine))
    meets = (segments.c.start_ms < holes.c.end_ms) & (segments.c.end_ms > holes.c.start_ms)
    held = exists().where((segments.c.stream == holes.c.stream) & meets)
    connection.execute(delete(holes).where((holes.c.stream == deletion.stream) & ~held))


def _take_description(connection: Connection, stream: str) -> None:
    blank = {"source": "", "host": "", "room": "", "title": "", "product": ""}
    connection.execute(update(streams).where(streams.c.name == stream).values(blank))
    connection.execute(update(epochs).where(epochs.c.stream == stream).values(source=""))
    connection.execute(update(jobs).where(jobs.c.stream == stream).values(path=""))
    forget_trades(connection, stream)


def finish(connection: Connection, deletion_id: str, when: datetime) -> None:
    """Everything a deletion took is gone."""
    connection.execute(update(deletions).where(deletions.c.id == deletion_id).values(finished_at=iso(when)))


def list_deletions(connection: Connection, *, stream: str = "", unfinished: bool = False) -> list[Deletion]:
    """Deletions in the order in which they were decided; of one stream, or unfinished ones only."""
    query = select(deletions).order_by(deletions.c.decided_at, deletions.c.id)
    if stream:
        query = query.where(deletions.c.stream == stream)
    if unfinished:
        query = query.where(deletions.c.finished_at.is_(None))
    return [_record(row) for row in connection.execute(query).mappings()]


def _record(row: RowMapping) -> Deletion:
    finished = parse_iso(row["finished_at"]) if row["finished_at"] else None
    times = {"decided_at": parse_iso(row["decided_at"]), "finished_at": finished}
    return Deletion(**dict(row) | times | {"record": json.loads(row["record"])})


def segments_of(connection: Connection, deletion_id: str) -> list[Segment]:
    """The segments a deletion took, in order."""
    query = select(deleted_segments).where(deleted_segments.c.deletion == deletion_id)
    rows = connection.execute(query.order_by(deleted_segments.c.sequence)).mappings()
    return [_segment(row) for row in rows]


def last_deleted(connection: Connection, stream: str) -> Segment | None:
    """The newest segment of a stream that was deleted: a stream that goes on counts on from it."""
    query = select(deleted_segments).where(deleted_segments.c.stream == stream)
    row = connection.execute(query.order_by(deleted_segments.c.sequence.desc()).limit(1)).mappings().one_or_none()
    return _segment(row) if row else None


def _segment(row: RowMapping) -> Segment:
    fields = {name: row[name] for name in Segment.__slots__}
    return Segment(**fields | {"wall_start": parse_iso(row["wall_start"])})
