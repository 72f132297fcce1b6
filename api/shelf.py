"""Clips kept under ``<data>/clips``: the same request is answered with the file that is there, if it is unharmed."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.context import ApiContext
from api.errors import BusyError
from core.errors import BadInputError, NotFoundError, StorageError
from evidence.clip import Mode, clip_json, cut_clip
from evidence.cutting import written_whole
from evidence.held import file_sha256

# Raised when the way clips are made changes, so that older files are not taken for the same.
_RECIPE = "1"
_KEY = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class KeptClip:
    """A clip on the shelf, and whether this request made it."""

    id: str
    path: Path
    about: dict[str, Any]
    new: bool = False


def clip_id(stream: str, start_ms: int, end_ms: int, mode: str) -> str:
    """The same request has the same id: 32 hexadecimal digits."""
    text = json.dumps([_RECIPE, stream, start_ms, end_ms, mode], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class ClipShelf:
    """Makes and finds clips. One is cut at a time; a few may wait; the oldest go when the shelf is full."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._folder = context.data_dir / "clips"
        self._cutting = threading.Lock()
        self._places = threading.BoundedSemaphore(context.limits.clips_waiting + 1)
        self._checked: dict[str, tuple[int, int]] = {}

    def make(self, stream: str, start_ms: int, end_ms: int, mode: Mode) -> KeptClip:
        """The clip of this range, cut now or found unharmed on the shelf.

        Raises what `evidence.clip.cut_clip` raises, `BadInputError` above the length limit, and `BusyError`
        when too many wait already.
        """
        self._check_length(start_ms, end_ms)
        key = clip_id(stream, start_ms, end_ms, mode)
        if (kept := self._kept(key)) is not None:
            return kept
        with self._place():
            kept = self._kept(key)
            return kept if kept is not None else self._cut(key, stream, start_ms, end_ms, mode)

    def find(self, key: str) -> KeptClip:
        """A clip made earlier. Raises `NotFoundError` when it is not there or was changed on disk."""
        kept = self._kept(key)
        if kept is None:
            raise NotFoundError("clip_unknown", "没有这个片段，请重新截取。", "There is no such clip; cut it again.")
        return kept

    def _check_length(self, start_ms: int, end_ms: int) -> None:
        longest = self._context.limits.clip_seconds
        if end_ms - start_ms > longest * 1000:
            raise BadInputError(
                "clip_too_long",
                f"片段最长 {longest:g} 秒，请分段截取。",
                f"A clip is at most {longest:g} s long; cut it in parts.",
            )

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise BusyError(
                "clip_busy", "正在截取的片段太多，请稍后再试。", "Too many clips are being cut; try again soon."
            )
        try:
            with self._cutting:
                yield
        finally:
            self._places.release()

    def _kept(self, key: str) -> KeptClip | None:
        path, record = self._folder / f"{key}.mp4", self._folder / f"{key}.json"
        try:
            about: dict[str, Any] = json.loads(record.read_text("utf-8"))
            stat = path.stat()
            if self._checked.get(key) != (stat.st_mtime_ns, stat.st_size):
                if file_sha256(path) != about["sha256"]:
                    return None
                self._checked[key] = (stat.st_mtime_ns, stat.st_size)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return KeptClip(key, path, about)

    def _cut(self, key: str, stream: str, start_ms: int, end_ms: int, mode: Mode) -> KeptClip:
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise StorageError(
                "clip_unwritable",
                f"{self._folder} 写不进去（{error.strerror}）。",
                f"{self._folder} cannot be written ({error.strerror}).",
            ) from error
        self._make_room()
        context, path = self._context, self._folder / f"{key}.mp4"
        clip = cut_clip(
            context.db,
            context.data_dir,
            stream,
            start_ms,
            end_ms,
            path,
            mode,
            ffmpeg=context.ffmpeg,
            ffmpeg_user=context.ffmpeg_user,
        )
        about = clip_json(clip)
        with written_whole(self._folder / f"{key}.json") as partial:
            partial.write_text(json.dumps(about, ensure_ascii=False), "utf-8")
        return KeptClip(key, path, about, new=True)

    def _make_room(self) -> None:
        """Drop the oldest clips above the limit: each can be cut again from the recording."""
        own = (p.with_suffix(".mp4") for p in self._folder.glob("*.json") if _KEY.fullmatch(p.stem))
        kept = sorted((p.stat().st_mtime_ns, p.stat().st_size, p) for p in own if p.exists())
        total = sum(size for _, size, _ in kept)
        for _, size, path in kept:
            if total <= self._context.limits.clips_bytes:
                return
            path.with_suffix(".json").unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            total -= size
