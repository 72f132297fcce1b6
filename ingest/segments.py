"""Closing segments: durable, hashed, under their final name; and saving those left open by a crash."""

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av

from core.clock import plus_ms
from core.errors import ConflictError, StorageError
from core.records import Epoch, Segment
from ingest.commands import FILE_ONLY, PTS_ORIGIN_MS
from ingest.diagnosis import disk_full
from ingest.layout import OPEN, epoch_path, segment_files

_TS_PACKET = 188
_CUT_MS = 500
TS_WRAP_MS = 2**33 / 90
"""MPEG-TS counts time in 33 bits of 1/90000 s: after 26.5 hours it starts again at 0."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the segment list: file name and PTS range in milliseconds."""

    name: str
    pts_start_ms: int
    pts_end_ms: int


def parse_listed(line: str) -> Listed:
    """A line of ffmpeg's CSV segment list (``00000007.ts,10.000000,14.000000``). Raises ``ValueError``."""
    name, start, end = line.strip().rsplit(",", 2)
    return Listed(name, round(float(start) * 1000), round(float(end) * 1000))


def unwrapped_ms(pts_ms: float, near_ms: float) -> float:
    """``pts_ms`` of an MPEG-TS, moved by whole wraps of its counter to where it is nearest to ``near_ms``."""
    return pts_ms + round((near_ms - pts_ms) / TS_WRAP_MS) * TS_WRAP_MS


def held(listed: Listed, found: "Inspected", *, first: bool) -> Listed:
    """The PTS range that a listed file really holds.

    ffmpeg lists 0 as the start of an epoch's first segment, and lists a file as whole when the disk
    was full before its end. The list counts on where the times in the files start again.
    """
    start_ms = PTS_ORIGIN_MS if first else listed.pts_start_ms
    end_ms = round(unwrapped_ms(found.end_ms, listed.pts_end_ms))
    cut = end_ms < listed.pts_end_ms - _CUT_MS
    return Listed(listed.name, start_ms, end_ms if cut else listed.pts_end_ms)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal; reads in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Shape:
    """What the media in a segment is made of; zero or empty where there is none, or none that can be read."""

    video: str = ""
    width: int = 0
    height: int = 0
    audio: str = ""

    @property
    def picture(self) -> tuple[str, int, int]:
        """Codec, width and height."""
        return self.video, self.width, self.height

    def filled(self, other: "Shape") -> "Shape":
        """This shape, with what it lacks taken from ``other``."""
        pictured = self if self.width else replace(self, video=other.video, width=other.width, height=other.height)
        return pictured if pictured.audio else replace(pictured, audio=other.audio)


@dataclass(frozen=True, slots=True)
class Inspected:
    """First and last PTS of a segment file in milliseconds (the end of the last packet), and what is in it."""

    start_ms: int
    end_ms: int
    shape: Shape


def measure(path: Path) -> tuple[int, int] | None:
    """First and last PTS of a segment file in milliseconds; ``None`` when nothing in it can be played."""
    found = inspect(path)
    return None if found is None else (found.start_ms, found.end_ms)


def inspect(path: Path) -> Inspected | None:
    """Read all packets of a segment file.

    Video decides the start where there is any, as in the segment list. ``None`` when the file holds no packet
    with a time. A file cut off in the middle of a packet is read as far as it goes.
    """
    starts: dict[str, float] = {}
    end = -1.0
    try:
        with av.open(f"file:{path}", options=FILE_ONLY) as container:
            for packet in _packets(container):
                if packet.pts is None or packet.time_base is None:
                    continue
                start = float(packet.pts * packet.time_base)
                end = max(end, start + float((packet.duration or 0) * packet.time_base))
                starts[packet.stream.type] = min(start, starts.get(packet.stream.type, start))
            shape = _shape(container, starts)
    except av.error.FFmpegError:
        return None
    if not starts:
        return None
    return Inspected(round(starts.get("video", min(starts.values())) * 1000), round(end * 1000), shape)


def _shape(container: av.container.InputContainer, kinds: Collection[str]) -> Shape:
    shape = Shape()
    if "video" in kinds and container.streams.video:
        video = container.streams.video[0].codec_context
        shape = replace(shape, video=video.name, width=video.width, height=video.height)
    if "audio" in kinds and container.streams.audio:
        shape = replace(shape, audio=container.streams.audio[0].codec_context.name)
    return shape


def _packets(container: av.container.InputContainer) -> Iterator["av.Packet[av.stream.Stream]"]:
    try:
        yield from container.demux()
    except av.error.InvalidDataError:
        return


@dataclass(frozen=True, slots=True)
class Closed:
    """A durable file: its final path, SHA-256 and size in bytes."""

    path: Path
    sha256: str
    size: int


def close_segment(open_path: Path, final: Path, *, known_sha256: str = "") -> Closed:
    """Make a finished file durable under its final name.

    With ``known_sha256`` (listed by an earlier run over the same file) the content must be the same.
    Raises `StorageError` when the disk is full, `ConflictError` when the content differs.
    """
    status = take_back(open_path)
    digest, size = file_sha256(open_path), status.st_size
    if known_sha256 and known_sha256 != digest:
        raise ConflictError(
            "recording_differs",
            f"重新录制的分段与已登记的内容不一致：{final.name}",
            f"Recording again gave other content than what is listed: {final.name}",
        )
    try:
        with open_path.open("rb+") as file:
            os.fsync(file.fileno())
        open_path.replace(final)
        _sync_folder(final.parent)
    except OSError as error:
        raise disk_full(str(final.parent)) from error
    return Closed(final, digest, size)


def take_back(path: Path) -> os.stat_result:
    """Make a file that ffmpeg wrote, perhaps as another user, ours. Raises `StorageError` for what is no plain file."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise StorageError("not_plain", f"{path.name} 不是普通文件。", f"{path.name} is no plain file.")
    if status.st_uid != os.geteuid():
        os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)
    return status


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def segment_of(epoch: Epoch, data_dir: Path, closed: Closed, listed: Listed) -> Segment:
    """The record of a closed segment, its stream time and wall time worked out from the epoch."""
    start_ms = epoch.offset_ms + listed.pts_start_ms - epoch.pts_origin_ms
    end_ms = epoch.offset_ms + listed.pts_end_ms - epoch.pts_origin_ms
    return Segment(
        stream=epoch.stream,
        epoch=epoch.number,
        sequence=int(closed.path.stem),
        path=closed.path.relative_to(data_dir).as_posix(),
        sha256=closed.sha256,
        size=closed.size,
        pts_start_ms=listed.pts_start_ms,
        pts_end_ms=listed.pts_end_ms,
        start_ms=start_ms,
        end_ms=end_ms,
        wall_start=plus_ms(epoch.wall_start, start_ms - epoch.offset_ms),
    )


def salvage(epoch: Epoch, data_dir: Path, open_path: Path) -> Segment | None:
    """Close a segment that nobody finished: whole packets kept, length measured, then listed.

    ``None`` when it holds nothing that can be played; the empty file is removed.
    """
    if open_path.suffix == ".ts":
        _cut_to_whole_packets(open_path)
    measured = measure(open_path)
    if measured is None:
        open_path.unlink()
        return None
    final = epoch_path(data_dir, epoch.stream, epoch.number) / open_path.name
    return segment_of(epoch, data_dir, close_segment(open_path, final), Listed(final.name, *measured))


def _cut_to_whole_packets(path: Path) -> None:
    size = path.stat().st_size
    if size % _TS_PACKET:
        os.truncate(path, size - size % _TS_PACKET)


def recover_orphans(data_dir: Path, epochs: Collection[Epoch], known_paths: Collection[str]) -> list[Segment]:
    """Segments of a live stream that lie on disk but in no list, after the recorder itself was killed.

    ``epochs``: all epochs of one stream that the database knows; ``known_paths``: ``Segment.path`` of
    what is listed. Closed files that never got listed are measured and hashed; the one left open is
    salvaged. In order of epoch and sequence, ready to be listed; call it under the stream's lock, before
    the next epoch is numbered. Not for file sources: those are recorded again, to the same bytes.
    """
    known = frozenset(known_paths)
    found: list[Segment] = []
    for epoch in sorted(epochs, key=lambda e: e.number):
        folder = epoch_path(data_dir, epoch.stream, epoch.number)
        for path in segment_files(folder):
            if path.relative_to(data_dir).as_posix() not in known:
                found.extend(_unlisted(epoch, data_dir, path))
        for path in segment_files(folder / OPEN):
            segment = salvage(epoch, data_dir, path)
            found.extend([segment] if segment else [])
    return found


def _unlisted(epoch: Epoch, data_dir: Path, path: Path) -> list[Segment]:
    measured = measure(path)
    if measured is None:
        return []
    closed = Closed(path, file_sha256(path), path.stat().st_size)
    return [segment_of(epoch, data_dir, closed, Listed(path.name, *measured))]


def clear_open(folder: Path) -> None:
    """Remove what a run left open in an epoch's folder that nobody was told of, or that is recorded again."""
    for path in segment_files(folder / OPEN):
        path.unlink()


def free_bytes_error(folder: Path, free: int, wanted: int) -> StorageError:
    """The error for a disk that has less room than the settings ask for."""
    return StorageError(
        "disk_low",
        f"磁盘剩余空间不足：{folder} 仅剩 {free // 2**20} MiB，至少需要 {wanted // 2**20} MiB。",
        f"Too little free disk: {folder} has {free // 2**20} MiB left, {wanted // 2**20} MiB are needed.",
    )
