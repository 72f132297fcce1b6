"""Segment files as they are held: checked against the recorded hash before anything is made of them."""

from pathlib import Path

from core.clock import timecode
from core.errors import ConflictError, Sentence
from core.records import Segment
from ingest.segments import file_sha256

__all__ = ["file_sha256", "held_path", "is_sound"]


def held_path(data_dir: Path, segment: Segment) -> Path:
    """The segment's file, after its hash was found to be the recorded one.

    Raises `ConflictError` naming the segment when the file is missing, changed, or outside the data directory.
    """
    root = data_dir.resolve()
    path = (root / segment.path).resolve()
    if not path.is_relative_to(root):
        raise _damaged(segment, "路径在数据目录之外", "its path leads out of the data directory")
    try:
        found = file_sha256(path)
    except FileNotFoundError:
        raise _damaged(segment, "文件不见了", "the file is missing") from None
    except OSError as error:
        raise _damaged(segment, f"文件读不出来（{error.strerror}）", f"it cannot be read ({error.strerror})") from error
    if found != segment.sha256:
        raise _damaged(
            segment, "内容与录制时的哈希不符", "its content differs from the hash taken when it was recorded"
        )
    return path


def is_sound(data_dir: Path, segment: Segment) -> bool:
    """Whether the segment's file is there and unchanged."""
    try:
        held_path(data_dir, segment)
    except ConflictError:
        return False
    return True


def _damaged(segment: Segment, why_zh: str, why_en: str) -> ConflictError:
    times = f"{timecode(segment.start_ms)}–{timecode(segment.end_ms)}"
    name = f"{segment.path} (#{segment.sequence}, {times})"
    return ConflictError(
        "segment_damaged",
        f"录像分段 {name} 不能用：{why_zh}。",
        f"The recorded segment {name} cannot be used: {why_en}.",
        hint=Sentence(
            "请从备份恢复该文件；其他时段仍可截取。",
            "Restore that file from a backup; other times can still be cut.",
        ),
    )
