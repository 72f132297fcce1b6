"""Which stretches of a stream are recorded without a break, and which segments hold a stretch.

All times are stream milliseconds (core/records.py). A stretch never crosses an epoch: another run of
the recorder is another clock, and pretending otherwise would make a clip that never happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.clock import timecode
from core.errors import BadInputError, NotFoundError, Sentence
from core.records import Epoch, Gap, Segment
from store import recordings, streams
from store.engine import Database

# Within one epoch the end of a segment (last frame + its duration) and the start of the next differ by rounding
# and by the frame rate; anything longer is a hole.
_JOIN_MS = 1000
# A request may end this much after the last frame: durations are rounded when they are shown to people.
_SLACK_MS = 100
# Parts shorter than this are not worth offering.
_SHORTEST_PART_MS = 100
# How far beyond the stretch the neighbouring segments are looked for; segments are 2 to 4 s, rarely longer.
_NEIGHBOUR_MS = 30_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of one epoch that is recorded from ``start_ms`` to ``end_ms`` without a hole."""

    epoch: int
    start_ms: int
    end_ms: int

    def __str__(self) -> str:
        return f"{timecode(self.start_ms)}–{timecode(self.end_ms)}"


@dataclass(frozen=True, slots=True)
class Cover:
    """The segments that hold a stretch. ``spare`` are the direct neighbours, used where they are sound."""

    epoch: Epoch
    needed: tuple[Segment, ...]
    before: Segment | None
    after: Segment | None


def stretches(segments: Sequence[Segment], gaps: Sequence[Gap] = ()) -> list[Stretch]:
    """Join segments (in order of time) into stretches without a hole or a recorded gap."""
    joined: list[Stretch] = []
    for segment in segments:
        last = joined[-1] if joined else None
        if last is not None and _continues(last, segment, gaps):
            joined[-1] = Stretch(last.epoch, last.start_ms, max(last.end_ms, segment.end_ms))
        else:
            joined.append(Stretch(segment.epoch, segment.start_ms, segment.end_ms))
    return joined


def _continues(last: Stretch, segment: Segment, gaps: Sequence[Gap]) -> bool:
    if segment.epoch != last.epoch or segment.start_ms - last.end_ms > _JOIN_MS:
        return False
    return not any(last.end_ms <= gap.start_ms + 1 and gap.end_ms <= segment.start_ms + 1 for gap in gaps)


def clip_parts(db: Database, stream: str, start_ms: int, end_ms: int) -> list[Stretch]:
    """The parts of ``[start_ms, end_ms)`` that can each be cut as one clip, in order.

    Raises `NotFoundError` for an unknown stream.
    """
    with db.read() as connection:
        if streams.get_stream(connection, stream) is None:
            raise NotFoundError(
                "stream_unknown", f"没有名为“{stream}”的直播流。", f"There is no stream named “{stream}”."
            )
        found = recordings.list_segments(connection, stream, start_ms=start_ms, end_ms=end_ms)
        gaps = recordings.list_gaps(connection, stream)
    inside = (
        Stretch(s.epoch, max(s.start_ms, start_ms), min(s.end_ms, end_ms))
        for s in stretches(sorted(found, key=lambda s: (s.start_ms, s.sequence)), gaps)
    )
    return [part for part in inside if part.end_ms - part.start_ms >= _SHORTEST_PART_MS or part.end_ms == end_ms]


def stretch_around(db: Database, stream: str, start_ms: int, end_ms: int) -> Stretch:
    """The part of ``[start_ms, end_ms)`` recorded without a break that holds its middle, for clips around a word.

    Raises `NotFoundError` for an unknown stream or when nothing is recorded at the middle.
    """
    middle = (start_ms + end_ms) // 2
    for part in clip_parts(db, stream, max(0, start_ms), end_ms):
        if part.start_ms <= middle <= part.end_ms:
            return part
    raise _outside(db, stream, middle, middle + 1)


def find_cover(db: Database, stream: str, start_ms: int, end_ms: int) -> Cover:
    """The segments needed for ``[start_ms, end_ms)`` and their neighbours.

    Raises `BadInputError` when the range is empty, negative or crosses a gap or an epoch (naming the gap
    and the parts that can be cut), `NotFoundError` when the stream or the time is not recorded.
    """
    _check_range(start_ms, end_ms)
    parts = clip_parts(db, stream, start_ms, end_ms)
    if not parts:
        raise _outside(db, stream, start_ms, end_ms)
    if len(parts) > 1 or parts[0].start_ms > start_ms or parts[0].end_ms < end_ms - _SLACK_MS:
        raise _broken(db, stream, start_ms, end_ms, parts)
    return _cover(db, stream, parts[0])


def _check_range(start_ms: int, end_ms: int) -> None:
    if start_ms < 0 or end_ms <= start_ms:
        given = f"{start_ms / 1000:g}–{end_ms / 1000:g}"
        raise BadInputError(
            "clip_range",
            f"结束时间必须晚于开始时间，且都不能为负（得到 {given} 秒）。",
            f"The end must be after the start and neither may be negative (got {given} s).",
        )


def _cover(db: Database, stream: str, part: Stretch) -> Cover:
    low, high = max(0, part.start_ms - _NEIGHBOUR_MS), part.end_ms + _NEIGHBOUR_MS
    with db.read() as connection:
        epoch = next(e for e in recordings.list_epochs(connection, stream) if e.number == part.epoch)
        near = recordings.list_segments(connection, stream, start_ms=low, end_ms=high, epoch=part.epoch)
    near.sort(key=lambda s: s.start_ms)
    needed = [s for s in near if s.start_ms < part.end_ms and s.end_ms > part.start_ms]
    first, last = near.index(needed[0]), near.index(needed[-1])
    before = near[first - 1] if first and needed[0].start_ms - near[first - 1].end_ms <= _JOIN_MS else None
    after = near[last + 1] if last + 1 < len(near) and near[last + 1].start_ms - part.end_ms <= _JOIN_MS else None
    return Cover(epoch, tuple(needed), before, after)


def _outside(db: Database, stream: str, start_ms: int, end_ms: int) -> NotFoundError:
    wanted = f"{timecode(start_ms)}–{timecode(end_ms)}"
    held = _recorded(db, stream)
    if not held:
        return NotFoundError(
            "clip_empty", f"“{stream}”还没有任何已保存的录像。", f"Nothing of “{stream}” has been recorded yet."
        )
    zh, en = "、".join(map(str, held)), ", ".join(map(str, held))
    return NotFoundError(
        "clip_outside",
        f"“{stream}”在 {wanted} 没有录像。",
        f"“{stream}” holds no recording at {wanted}.",
        hint=Sentence(f"已录时段：{zh}。", f"Recorded: {en}."),
    )


def _recorded(db: Database, stream: str, limit: int = 8) -> list[Stretch]:
    with db.read() as connection:
        found = recordings.list_segments(connection, stream)
        gaps = recordings.list_gaps(connection, stream)
    return stretches(sorted(found, key=lambda s: (s.start_ms, s.sequence)), gaps)[:limit]


def _broken(db: Database, stream: str, start_ms: int, end_ms: int, parts: Sequence[Stretch]) -> BadInputError:
    with db.read() as connection:
        gaps = recordings.list_gaps(connection, stream)
    zh, en = _breaks(start_ms, end_ms, parts, gaps)
    offered_zh, offered_en = "、".join(map(str, parts)), ", ".join(map(str, parts))
    wanted = f"{timecode(start_ms)}–{timecode(end_ms)}"
    return BadInputError(
        "clip_gap",
        f"“{stream}”的 {wanted} 不是一段连续的录像：{'；'.join(zh)}。不能截成一段。",
        f"“{stream}” was not recorded in one piece over {wanted}: {'; '.join(en)}. It cannot be one clip.",
        hint=Sentence(f"可以分别截取：{offered_zh}。", f"These can be cut one by one: {offered_en}."),
    )


def _breaks(start_ms: int, end_ms: int, parts: Sequence[Stretch], gaps: Sequence[Gap]) -> tuple[list[str], list[str]]:
    """Sentences (zh, en) for every hole and every change of epoch between ``parts``."""
    zh: list[str] = []
    en: list[str] = []
    edges = [start_ms, *(edge for part in parts for edge in (part.start_ms, part.end_ms)), end_ms]
    for hole_start, hole_end in zip(edges[::2], edges[1::2], strict=True):
        if hole_end - hole_start > (_SLACK_MS if hole_end == end_ms else 0):
            reasons = [g.reason for g in gaps if g.start_ms < hole_end and hole_start < g.end_ms]
            why = f" ({', '.join(dict.fromkeys(reasons))})" if reasons else ""
            times = f"{timecode(hole_start)}–{timecode(hole_end)}"
            zh.append(f"{times} 没有录像{why}")
            en.append(f"{times} is not recorded{why}")
        elif start_ms < hole_start < end_ms:
            zh.append(f"录制在 {timecode(hole_start)} 处重新开始")
            en.append(f"the recording was restarted at {timecode(hole_start)}")
    return zh, en
