"""The segment log of a stream: ``log.jsonl`` beside its recordings, one canonical leaf a line, append-only.

Each line is fsynced before `SegmentLog.append` returns. After a kill the last line may be torn: it is cut off
when the log is next opened to write. Any other damage is an error, for a log is never mended.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.clock import iso, utc_now
from core.errors import ConflictError, Sentence, StorageError
from evidence.leaves import Leaf, canonical, parse_leaf
from evidence.merkle import leaf_hash
from ingest.layout import stream_path

LOG_NAME = "log.jsonl"


def log_path(data_dir: Path, stream: str) -> Path:
    """Where the log of a stream lies."""
    return stream_path(data_dir, stream) / LOG_NAME


@dataclass(frozen=True, slots=True)
class LogView:
    """A log as read: lines (the leaf data), parsed leaves and leaf hashes, all in order."""

    lines: tuple[bytes, ...]
    leaves: tuple[Leaf, ...]
    hashes: tuple[bytes, ...]

    @property
    def first_hash(self) -> str:
        """Hash of the first leaf, which names the log; empty for an empty log."""
        return self.hashes[0].hex() if self.hashes else ""

    def segments(self) -> dict[int, Leaf]:
        """Segment leaves by sequence number."""
        return {leaf["sequence"]: leaf for leaf in self.leaves if leaf["kind"] == "segment"}


def read_log(path: Path) -> LogView:
    """All whole lines of a log; a torn last line is left out. An absent log is empty.

    The file is fsynced first: what a reader signs must not be lost with the power. Raises `ConflictError`
    naming the line when one is damaged.
    """
    try:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            data = file.read()
    except FileNotFoundError:
        data = b""
    return _view(path, data[: data.rfind(b"\n") + 1])


def _view(path: Path, whole: bytes) -> LogView:
    lines = tuple(whole.split(b"\n")[:-1])
    leaves: list[Leaf] = []
    for number, line in enumerate(lines):
        leaf = parse_leaf(line)
        if leaf is None or leaf["index"] != number:
            raise damaged_log(path, number + 1)
        leaves.append(leaf)
    return LogView(lines, tuple(leaves), tuple(map(leaf_hash, lines)))


def _pass_over(_leaf: Leaf) -> None:
    pass


def damaged_log(path: Path, line: int) -> ConflictError:
    """The error for a log whose line is not what was written."""
    return ConflictError(
        "log_damaged",
        f"证据日志 {path} 第 {line} 行被改动或损坏。",
        f"Line {line} of the segment log {path} was changed or is damaged.",
        hint=Sentence("日志从不修补：请从备份恢复。", "A log is never mended: restore it from a backup."),
    )


class SegmentLog:
    """A log opened to append. One writer at a time: the holder of the stream's lock. Not thread-safe.

    ``hashes`` are those of all leaves, new ones included; the leaves themselves are not kept.
    """

    def __init__(self, path: Path, found: Callable[[Leaf], None] = _pass_over) -> None:
        """Open, or create, the log, and cut a torn last line. Raises `ConflictError`, `StorageError`.

        ``found`` is called with each leaf that it holds already, in order.
        """
        self.path = path
        with _translated(path):
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                self._cut_torn_line()
                # What is signed of it must not be lost with the power.
                os.fsync(self._fd)
                _sync_folder(path.parent)
                self.hashes: list[bytes] = list(self._known(found))
            except BaseException:
                os.close(self._fd)
                raise

    def append(self, fields: Leaf, logged: datetime | None = None) -> Leaf:
        """Add one leaf, durable on return. Raises `StorageError`; then nothing of it stays in the file."""
        return self.extend([fields], logged)[0]

    def extend(self, many: Iterable[Leaf], logged: datetime | None = None) -> list[Leaf]:
        """Add leaves with a single fsync."""
        moment = iso(logged or utc_now())
        added = [fields | {"index": len(self.hashes) + n, "logged": moment} for n, fields in enumerate(many)]
        lines = [canonical(leaf) for leaf in added]
        data = b"".join(line + b"\n" for line in lines)
        with _translated(self.path):
            self._write(data)
        self.hashes += map(leaf_hash, lines)
        return added

    def close(self) -> None:
        """Release the file."""
        os.close(self._fd)

    def _write(self, data: bytes) -> None:
        before = os.lseek(self._fd, 0, os.SEEK_END)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
            os.fsync(self._fd)
        except OSError:
            os.ftruncate(self._fd, before)
            raise

    def _known(self, found: Callable[[Leaf], None]) -> Iterator[bytes]:
        """Hashes of the leaves in the file, one line in memory at a time: a stream's log grows for as long as it."""
        with self.path.open("rb") as file:
            for number, ended in enumerate(file):
                line = ended.removesuffix(b"\n")
                leaf = parse_leaf(line)
                if leaf is None or leaf["index"] != number:
                    raise damaged_log(self.path, number + 1)
                found(leaf)
                yield leaf_hash(line)

    def _cut_torn_line(self) -> None:
        with self.path.open("rb") as file:
            whole = length = 0
            for line in file:
                length += len(line)
                if line.endswith(b"\n"):
                    whole = length
        if whole != length:
            os.ftruncate(self._fd, whole)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Operating-system errors as `StorageError`."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            "log_unwritable",
            f"证据日志 {path} 写不进去（{error.strerror}）。",
            f"The segment log {path} cannot be written ({error.strerror}).",
        ) from error


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
