"""Cuts a clip out of the segments that hold it, by absolute presentation time.

``copy`` keeps the recorded packets (every decoded frame equals the original), so it starts at the
keyframe at or before the moment asked for; ``exact`` encodes anew and starts at that very moment.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.clock import seconds
from core.errors import BadInputError, Sentence
from core.records import Epoch, Segment
from evidence.coverage import Cover, find_cover
from evidence.cutting import MADE, run_cut, written_whole
from evidence.held import held_path, is_sound
from evidence.packets import PacketTime, first_pts, packet_times
from ingest.commands import CLIP_FORMATS, CutPlan, clip_copy, clip_exact, ffmpeg_path
from ingest.segments import file_sha256
from store.engine import Database

Mode = Literal["copy", "exact"]
Container = Literal["mpegts", "matroska"]

# Time stamps are rounded to microseconds from ticks of 1/90000 s: an aim this much early still means that packet.
_ROUNDING_US = 20
# Packets of sound that start at most this much before the picture's keyframe go along with it.
_SOUND_LEAD_US = 200_000
# Time to cut, of the clock and of the processor: a fixed part, and so much for each second of clip (encoding on a
# busy machine).
_TIMEOUT_S = 60
_TIMEOUT_PER_S = 10


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip as written. Times are stream milliseconds.

    ``start_ms``/``end_ms`` are what the file holds, its own time 0 being ``start_ms``;
    ``requested_*`` is what was asked for; ``lead_ms`` is how much earlier the file starts.
    ``segments`` are the sequence numbers of the segments the clip was made from; ``command`` is the ffmpeg
    call that made it, which reads them on stdin and writes here to the file's bare name.
    """

    path: Path
    sha256: str
    size: int
    mode: Mode
    stream: str
    epoch: int
    start_ms: int
    end_ms: int
    requested_start_ms: int
    requested_end_ms: int
    lead_ms: int
    segments: tuple[int, ...]
    command: tuple[str, ...] = ()


def clip_json(clip: Clip) -> dict[str, Any]:
    """A clip as JSON, in seconds of the stream; ``start`` is the stream time of the file's own time 0."""
    return {
        "stream": clip.stream,
        "epoch": clip.epoch,
        "mode": clip.mode,
        "start": seconds(clip.start_ms),
        "end": seconds(clip.end_ms),
        "requested_start": seconds(clip.requested_start_ms),
        "requested_end": seconds(clip.requested_end_ms),
        "lead_ms": clip.lead_ms,
        "sha256": clip.sha256,
        "size": clip.size,
        "segments": list(clip.segments),
    }


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where to cut in PTS microseconds; ``anchor``, a packet, tells the true start by its place in the written file."""

    plan: CutPlan
    anchor: PacketTime | None


def cut_clip(  # noqa: PLR0917 - the range reads best in its natural order
    db: Database,
    data_dir: Path,
    stream: str,
    start_ms: int,
    end_ms: int,
    output: Path,
    mode: Mode = "copy",
    *,
    ffmpeg: str = "",
    ffmpeg_user: str = "",
) -> Clip:
    """Write ``[start_ms, end_ms)`` of a stream to ``output`` (.mp4, .m4a, .mkv, .mka or .ts), whole or not at all.

    Raises `BadInputError` (range, gap, file suffix, no keyframe), `NotFoundError` (stream, time),
    `ConflictError` (a segment is missing or was changed) and `StorageError` (disk full, folder not writable).
    """
    suffix = output.suffix.lower()
    if suffix not in CLIP_FORMATS or (mode == "exact" and suffix == ".ts"):
        raise _bad_suffix(output, mode)
    cover = find_cover(db, stream, start_ms, end_ms)
    used, paths = _checked(data_dir, cover)
    cut = _aim(cover.epoch, paths, start_ms, end_ms, mode)
    command = clip_copy if mode == "copy" else clip_exact
    limit_s = _TIMEOUT_S + _TIMEOUT_PER_S * (end_ms - start_ms) // 1000
    with written_whole(output) as partial:
        argv = command(ffmpeg_path(ffmpeg), cut.plan, suffix, MADE)
        listed = cut.plan.container == "matroska"
        run_cut(argv, paths, partial, listed=listed, user=ffmpeg_user, limit_s=limit_s)
        true_start, true_end = _measured(partial, suffix, cut, cover.epoch)
        sha256, size = file_sha256(partial), partial.stat().st_size
    return Clip(
        path=output,
        sha256=sha256,
        size=size,
        mode=mode,
        stream=stream,
        epoch=cover.epoch.number,
        start_ms=true_start,
        end_ms=true_end,
        requested_start_ms=start_ms,
        requested_end_ms=end_ms,
        lead_ms=start_ms - true_start,
        segments=tuple(s.sequence for s in used),
        command=tuple(command("ffmpeg", cut.plan, suffix, Path(output.name))),
    )


def _bad_suffix(output: Path, mode: Mode) -> BadInputError:
    # MPEG-TS cannot say that the encoder's first samples are to be dropped, so it is never exact.
    known = " ".join(suffix for suffix in CLIP_FORMATS if mode == "copy" or suffix != ".ts")
    return BadInputError(
        "clip_suffix",
        f"{mode} 模式不支持片段格式“{output.suffix}”，可用：{known}。",
        f"Clips cannot be written as “{output.suffix}” in {mode} mode; use one of {known}.",
    )


def _checked(data_dir: Path, cover: Cover) -> tuple[list[Segment], list[Path]]:
    """The segments to cut from, each checked against its hash.

    The neighbours hold sound that belongs to the edges (interleaving) and what the first frames refer
    to; a damaged neighbour is left out, a damaged segment within the clip is an error.
    """
    needed = {s.sequence: held_path(data_dir, s) for s in cover.needed}
    neighbours = [s for s in (cover.before, cover.after) if s is not None and is_sound(data_dir, s)]
    used = sorted([*cover.needed, *neighbours], key=lambda s: s.start_ms)
    root = data_dir.resolve()
    return used, [needed.get(s.sequence) or root / s.path for s in used]


def pts_us(epoch: Epoch, stream_ms: int) -> int:
    """Stream time in milliseconds as PTS of the epoch's files, in microseconds."""
    return (stream_ms - epoch.offset_ms + epoch.pts_origin_ms) * 1000


def stream_ms(epoch: Epoch, pts: int) -> int:
    """The inverse of `pts_us`, rounded to the millisecond."""
    return round(pts / 1000) + epoch.offset_ms - epoch.pts_origin_ms


def _aim(epoch: Epoch, paths: list[Path], start_ms: int, end_ms: int, mode: Mode) -> _Cut:
    # The neighbour and the first segment of the clip: further in, nothing can lie at or before the start.
    packets = [packet for path in paths[:2] for packet in packet_times(path)]
    kinds = {packet.kind for packet in packets}
    if not kinds:
        raise BadInputError(
            "clip_no_media", "这段录像里没有画面也没有声音。", "This recording holds no picture or sound."
        )
    start, end = pts_us(epoch, start_ms), pts_us(epoch, end_ms)
    container: Container = "mpegts" if paths[0].suffix == ".ts" else "matroska"
    anchor = None
    if mode == "copy":
        anchor = _last_keyframe(packets, "video" if "video" in kinds else "audio", start, start_ms)
        # ffmpeg copies from the first packet decoded at or after the cut; reordered frames are decoded earlier.
        start = _sound_with(packets, _decoded_by(packets, anchor, container)) - _ROUNDING_US
    return _Cut(CutPlan(container, "video" in kinds, "audio" in kinds, start, end), anchor)


def _last_keyframe(packets: list[PacketTime], kind: str, start_us: int, start_ms: int) -> PacketTime:
    at_or_before = [p for p in packets if p.kind == kind and p.keyframe and p.pts_us <= start_us + _ROUNDING_US]
    if not at_or_before:
        raise BadInputError(
            "clip_no_keyframe",
            f"{start_ms / 1000:g} 秒之前没有关键帧，copy 模式无法从这里开始。",
            f"There is no keyframe at or before {start_ms / 1000:g} s, so a copied clip cannot start there.",
            hint=Sentence("改用 --mode exact。", "Use --mode exact."),
        )
    return max(at_or_before, key=lambda p: p.pts_us)


def _decoded_by(packets: list[PacketTime], anchor: PacketTime, container: Container) -> int:
    """A time at which the anchor is decoded, or a little before.

    Matroska keeps no decoding times. ffmpeg works them out as it reads on, so the first packet of a file read alone
    has none: it is decoded before it is shown by as much, at most, as any packet that has one.
    """
    if container == "mpegts":
        return anchor.dts_us
    return anchor.pts_us - max(p.pts_us - p.dts_us for p in packets if p.kind == anchor.kind)


def _sound_with(packets: list[PacketTime], cut_us: int) -> int:
    """The last packet of sound that starts at or before the cut, so that no sound of the clip is lost."""
    near = (p.pts_us for p in packets if p.kind == "audio" and 0 <= cut_us - p.pts_us <= _SOUND_LEAD_US)
    return max(near, default=cut_us)


def _measured(path: Path, suffix: str, cut: _Cut, epoch: Epoch) -> tuple[int, int]:
    """Start and end of the written file in stream time, read back from its packets."""
    packets = packet_times(path)
    if not packets or (cut.anchor is not None and cut.anchor.kind not in {p.kind for p in packets}):
        raise BadInputError(
            "clip_nothing", "这段时间里没有可截取的画面或声音。", "There is nothing to cut in that time."
        )
    zero = cut.plan.start_us
    if cut.anchor is not None:
        zero = cut.anchor.pts_us - first_pts(packets, cut.anchor.kind)
    # Players count MP4 and Matroska from time 0 of the file, MPEG-TS from its first packet.
    begins = min(p.pts_us for p in packets) if suffix == ".ts" else 0
    return stream_ms(epoch, zero + begins), stream_ms(epoch, zero + max(p.end_us for p in packets))
