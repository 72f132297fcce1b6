"""The leaves of a segment log: flat JSON objects whose canonical bytes are the leaf data.

Canonical: keys sorted, no spaces, UTF-8, one line. Every leaf has ``index`` (its place), ``kind`` and
``logged`` (when it was appended, UTC). Kinds: session, change, segment, skip, gap, clock, end, delete.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from core.clock import iso, parse_iso
from core.records import Gap, ModelIdentity, Segment, Stream

Leaf = dict[str, Any]
How = Literal["recorded", "received"]
"""``recorded``: taken from a live source as it came; ``received``: a file from elsewhere, taken in."""

_STREAM_FOLDER_PARTS = 2


def canonical(fields: Leaf) -> bytes:
    """The one form of a JSON object."""
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")


def parse_leaf(line: bytes) -> Leaf | None:
    """The leaf of a line; ``None`` when it is no JSON object in canonical form with index, kind and time."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("index"), int):
        return None
    known = isinstance(fields.get("kind"), str) and parse_moment(fields.get("logged")) is not None
    return fields if known and canonical(fields) == line else None


def parse_moment(value: object) -> datetime | None:
    """A UTC time in the one form of `core.clock.iso`; ``None`` for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = parse_iso(value)
    except ValueError:
        return None
    return moment if iso(moment) == value else None


@dataclass(frozen=True, slots=True)
class Rules:
    """A rule pack in force."""

    pack: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Session:
    """A run of the recorder: how it came by the media, and what judged it.

    ``source`` is the address as it may be shown, without credentials.
    """

    stream: Stream
    source: str
    how: How
    program: str
    model: ModelIdentity
    rules: tuple[Rules, ...] = ()


def session_leaf(session: Session) -> Leaf:
    """A recorder starts."""
    return {
        "kind": "session",
        "stream": session.stream.name,
        "shop": session.stream.shop,
        "host": session.stream.host,
        "source": session.source,
        "how": session.how,
        "program": session.program,
        "model": {"name": session.model.name, "sha256": session.model.sha256},
        "rules": [{"pack": r.pack, "version": r.version, "sha256": r.sha256} for r in session.rules],
    }


def change_leaves(before: Leaf, now: Leaf) -> list[Leaf]:
    """One leaf for each of model and rules that differs from the session before."""
    return [
        {"kind": "change", "what": what, "before": before.get(what), "now": now[what]}
        for what in ("model", "rules")
        if before.get(what) != now[what]
    ]


def segment_leaf(segment: Segment, how: How, logged: datetime, *, late: bool) -> Leaf:
    """A closed segment. ``time``: its start by the recorder's clock, or for received media when it was taken in.

    Media read faster than its own pace would place a segment's start after its end was on disk; the hash
    cannot be younger than ``logged``, so neither is ``time``. ``late``: appended after a crash, not when it closed.
    """
    begun = min(segment.wall_start, logged) if how == "recorded" else logged
    return {
        "kind": "segment",
        "sequence": segment.sequence,
        "epoch": segment.epoch,
        "file": "/".join(segment.path.split("/")[_STREAM_FOLDER_PARTS:]),
        "sha256": segment.sha256,
        "bytes": segment.size,
        "pts_start_ms": segment.pts_start_ms,
        "pts_end_ms": segment.pts_end_ms,
        "start_ms": segment.start_ms,
        "end_ms": segment.end_ms,
        "how": how,
        "late": late,
        "time": iso(begun),
    }


_NUMBER, _MOMENT = "[0-9]+", "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z"
_SEGMENT = re.compile(
    rf'{{"bytes":{_NUMBER},"end_ms":{_NUMBER},"epoch":{_NUMBER},"file":"[0-9]+/[0-9]+\.[a-z]+",'
    rf'"how":"(recorded|received)","index":{_NUMBER},"kind":"segment","late":(true|false),"logged":"{_MOMENT}",'
    rf'"pts_end_ms":{_NUMBER},"pts_start_ms":{_NUMBER},"sequence":{_NUMBER},"sha256":"[0-9a-f]{{64}}",'
    rf'"start_ms":{_NUMBER},"time":"{_MOMENT}"}}'
)


def is_segment_leaf(leaf: Leaf) -> bool:
    """Whether a leaf has the one form of a segment's; verify.sh has the same pattern."""
    return _SEGMENT.fullmatch(canonical(leaf).decode("utf-8", "replace")) is not None


_RECEIVED = {"file": str, "name": str, "what": str, "sha256": str, "bytes": int, "giver": str, "time": str}
_HELD = re.compile(r"(received/[0-9a-f]{32}[.a-z0-9]*)?")


def is_received_leaf(leaf: Leaf) -> bool:
    """Whether a leaf has the form of a received file's."""
    right = leaf["kind"] == "received" and all(type(leaf.get(name)) is kind for name, kind in _RECEIVED.items())
    if not right or not leaf["what"].isascii() or not leaf["what"].islower() or not leaf["what"].isalpha():
        return False
    return _HELD.fullmatch(leaf["file"]) is not None and parse_moment(leaf["time"]) is not None


def skip_leaf(first: int, last: int) -> Leaf:
    """Sequence numbers that were never given to a playable segment."""
    return {"kind": "skip", "first": first, "last": last}


def gap_leaf(gap: Gap) -> Leaf:
    """A stretch that was not recorded."""
    return {
        "kind": "gap",
        "epoch": gap.epoch,
        "reason": gap.reason,
        "start_ms": gap.start_ms,
        "end_ms": gap.end_ms,
        "from": iso(gap.wall_start),
        "to": iso(gap.wall_end),
    }


def clock_leaf(step_ms: int) -> Leaf:
    """The machine's clock was set: ``step_ms`` is wall time minus elapsed time since the last look."""
    return {"kind": "clock", "step_ms": step_ms}


def received_leaf(fields: Leaf, taken: datetime) -> Leaf:
    """A file from elsewhere: its ``name`` there, ``what`` it is, ``sha256``, ``bytes``, who gave it (``giver``).

    ``file`` is where it lies in the stream's folder; empty where only its hash was kept. ``time``: of receipt.
    """
    return fields | {"kind": "received", "how": "received", "time": iso(taken)}


def end_leaf(reason: str) -> Leaf:
    """The recorder stops."""
    return {"kind": "end", "reason": reason}


def delete_leaf(
    deletion: str, segments: list[list[int]], *, files: list[str], retention: str, due: str | None, plan: str
) -> Leaf:
    """Segments, as runs of sequence numbers, and received files were deleted when due; their own leaves stay."""
    return {
        "kind": "delete",
        "deletion": deletion,
        "segments": segments,
        "files": files,
        "class": retention,
        "due": due,
        "plan": plan,
    }


def deleted_files(leaves: Sequence[Leaf]) -> set[str]:
    """Files beside a log that were deleted, as it says itself: segments and received ones."""
    told = [leaf for leaf in leaves if leaf["kind"] == "delete"]
    runs = [run for leaf in told for run in leaf["segments"]]
    gone = {number for first, last in runs for number in range(first, last + 1)}
    segments = {leaf["file"] for leaf in leaves if leaf["kind"] == "segment" and leaf["sequence"] in gone}
    return segments | {name for leaf in told for name in leaf["files"]}
