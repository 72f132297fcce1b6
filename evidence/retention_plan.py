"""What a retention run would delete, file by file and row by row, under a hash that changes when any of it does.

A dry run prints a plan; the real run makes the same plan again, refuses another hash, and decides stream by stream
with the same function inside the transaction that deletes. There is no second way to come to a decision.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from core.clock import iso, seconds
from core.records import Segment
from evidence.holds import standing_in
from evidence.leaves import canonical
from evidence.retention import Decision, Reason, RetentionPolicy, StreamFacts, decide_on
from evidence.segment_log import log_path, read_log
from ingest.layout import stream_folder, stream_path
from store import recordings, retention, streams
from store.deletions import NOTHING, Doomed, find_doomed
from store.engine import Database
from store.holds import Hold

CLIPS = "clips"


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What of one stream goes: segments, clips (ids) made of them, rows of the database, and files that were received.

    ``received``: files beside the log, by their names there. What they speak of has no time, so they go with the whole.
    """

    decision: Decision
    doomed: Doomed = NOTHING
    clips: tuple[str, ...] = ()
    received: tuple[str, ...] = ()

    @property
    def stream(self) -> str:
        """Name of the stream."""
        return self.decision.stream

    @property
    def anything(self) -> bool:
        """Whether there is anything to delete."""
        return self.decision.reason is Reason.DUE and bool(
            self.decision.segments or self.clips or self.received or self.doomed.anything
        )

    @property
    def whole(self) -> bool:
        """Whether nothing of the stream is kept."""
        return not self.decision.kept

    @property
    def hash(self) -> str:
        """Hash of exactly what goes."""
        return hashlib.sha256(_exact(self)).hexdigest()

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the files that go, relative to the data directory."""
        clips = [f"{CLIPS}/{clip}{suffix}" for clip in self.clips for suffix in (".json", ".mp4")]
        received = [f"streams/{stream_folder(self.stream)}/{name}" for name in self.received]
        return (*(segment.path for segment in self.decision.segments), *clips, *received)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that goes, and how every stream with a class stands."""

    streams: tuple[StreamPlan, ...]
    standing: tuple[Decision, ...]

    @property
    def hash(self) -> str:
        """Hash of everything that goes: keys of rows, paths and hashes of files. Not of the time it was asked."""
        return plan_hash(entry.hash for entry in self.streams)


def plan_hash(entries: Iterable[str]) -> str:
    """The hash of a plan by the hashes of its entries, in whatever order they are done."""
    return hashlib.sha256("\n".join(sorted(entries)).encode()).hexdigest()


def make_plan(db: Database, data_dir: Path, now: datetime, policy: RetentionPolicy) -> Plan:
    """What may go at ``now``. Raises `ConflictError` when the audit chain is broken: it tells of holds."""
    with db.read() as connection:
        holds = standing_in(connection, data_dir)
        made = [
            plan_stream(connection, data_dir, name, holds, now, policy) for name in retention.list_classes(connection)
        ]
    return Plan(tuple(entry for entry in made if entry.anything), tuple(entry.decision for entry in made))


def plan_stream(  # noqa: PLR0917 - where, what, and the three things that decide
    connection: Connection, data_dir: Path, stream: str, holds: Iterable[Hold], now: datetime, policy: RetentionPolicy
) -> StreamPlan:
    """What of one stream goes, as the transaction of ``connection`` sees it."""
    facts = _facts(connection, stream, holds, policy)
    decision = decide_on(facts, now, policy.years)
    if decision.reason is not Reason.DUE:
        return StreamPlan(decision)
    facts = replace(facts, segments=_segments(connection, stream))
    decision = decide_on(facts, now, policy.years)
    doomed = find_doomed(connection, stream, decision.kept)
    staying = {s.sequence for s in facts.segments} - {s.sequence for s in decision.segments}
    received = () if decision.kept else received_files(data_dir, stream)
    return StreamPlan(decision, doomed, clips_of(data_dir, stream, staying), received)


def received_files(data_dir: Path, stream: str) -> tuple[str, ...]:
    """Files from elsewhere that lie beside the log of a stream, by the names they have in it."""
    names = {leaf["file"] for leaf in read_log(log_path(data_dir, stream)).leaves if leaf["kind"] == "received"}
    folder = stream_path(data_dir, stream)
    return tuple(sorted(name for name in names if name and (folder / name).is_file()))


def _facts(connection: Connection, stream: str, holds: Iterable[Hold], policy: RetentionPolicy) -> StreamFacts:
    record = streams.get_stream(connection, stream)
    return StreamFacts(
        stream=stream,
        retention=retention.get_class(connection, stream) or policy.default,
        ended_at=record.ended_at if record else None,
        trades=tuple(retention.list_trades(connection, stream)),
        holds=tuple(hold for hold in holds if hold.stream == stream),
    )


def _segments(connection: Connection, stream: str) -> tuple[Segment, ...]:
    found = recordings.list_segments(connection, stream)
    return tuple(sorted(found, key=lambda segment: (segment.start_ms, segment.sequence)))


def decisions(connection: Connection, holds: Iterable[Hold], now: datetime, policy: RetentionPolicy) -> list[Decision]:
    """How every stream stands, without looking at what it holds: quick, for health checks."""
    holds = list(holds)
    names = retention.list_classes(connection)
    return [decide_on(_facts(connection, name, holds, policy), now, policy.years) for name in names]


def clips_of(data_dir: Path, stream: str, staying: set[int]) -> tuple[str, ...]:
    """Ids of kept clips of a stream that were made of a segment that does not stay."""
    found = []
    for path in sorted((data_dir / CLIPS).glob("*.json")):
        try:
            about = json.loads(path.read_text("utf-8"))
            mine = about["stream"] == stream
            made_of = set(about["segments"])
        except (OSError, ValueError, KeyError, TypeError):
            # No record of a clip: the shelf does not serve it either.
            continue
        if mine and not made_of <= staying:
            found.append(path.stem)
    return tuple(found)


def ranges_of(segments: Iterable[Segment]) -> list[list[int]]:
    """Sequence numbers as few runs ``[first, last]``."""
    runs: list[list[int]] = []
    for sequence in sorted(segment.sequence for segment in segments):
        if runs and sequence == runs[-1][1] + 1:
            runs[-1][1] = sequence
        else:
            runs.append([sequence, sequence])
    return runs


def record_of(entry: StreamPlan) -> dict[str, Any]:
    """What is kept on record of a deletion: numbers and times, nothing that speaks of a person."""
    decision = entry.decision
    due = decision.due
    return {
        "class": decision.retention.value,
        "due": iso(due) if due else None,
        "whole": entry.whole,
        "segments": ranges_of(decision.segments),
        "bytes": sum(segment.size for segment in decision.segments),
        "utterances": len(entry.doomed.utterances),
        "alerts": len(entry.doomed.alerts),
        "timeline": len(entry.doomed.timeline),
        "clips": len(entry.clips),
        "received": list(entry.received),
    }


def plan_json(entry: StreamPlan) -> dict[str, Any]:
    """A line of a plan: the record that will stay, and the files that will go."""
    seconds_gone = seconds(sum(s.end_ms - s.start_ms for s in entry.decision.segments))
    return {"stream": entry.stream, **record_of(entry), "seconds": seconds_gone, "files": list(entry.files)}


def decision_json(decision: Decision) -> dict[str, Any]:
    """How a stream stands: its class, when it falls due, and why it is kept."""
    return {
        "stream": decision.stream,
        "class": decision.retention.value,
        "state": decision.reason.value,
        "due": iso(decision.due) if decision.due else None,
    }


def _exact(entry: StreamPlan) -> bytes:
    doomed = entry.doomed
    return canonical(
        plan_json(entry)
        | {
            "hashes": [segment.sha256 for segment in entry.decision.segments],
            "rows": [doomed.utterances, doomed.alerts, doomed.timeline, doomed.outbox, doomed.gaps, doomed.measures],
            "clip_ids": entry.clips,
        }
    )
