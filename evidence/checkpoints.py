"""Checkpoints: what a log was at a moment, signed, and stamped by a time-stamping authority where there is one.

``checkpoints/<size>.txt`` (seven lines of text), ``.sig`` (raw Ed25519 signature over that text) and ``.tsr`` (RFC 3161
response over that text). Files are named by tree size and never replaced: one size, one root.
"""

import contextlib
import fcntl
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.clock import iso
from core.errors import StorageError
from evidence.keys import SigningKey
from evidence.leaves import parse_moment

FOLDER = "checkpoints"
_TITLE = "livewitness/checkpoint/v1"
_TEXT = re.compile(
    rf"{_TITLE}\norigin (\S{{1,200}})\nsize ([1-9][0-9]{{0,11}})\nroot ([0-9a-f]{{64}})\n"
    r"time (\S{24})\naudit (0|[1-9][0-9]{0,11}) ([0-9a-f]{64})\nkey ([0-9a-f]{16})\n"
)
NO_AUDIT = (0, "0" * 64)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Root and size of a log at a time. ``audit``: length and last hash of the audit chain then."""

    origin: str
    size: int
    root: str
    time: datetime
    audit: tuple[int, str]
    key: str

    @property
    def text(self) -> bytes:
        """The bytes that are signed and stamped."""
        lines = [
            _TITLE,
            f"origin {self.origin}",
            f"size {self.size}",
            f"root {self.root}",
            f"time {iso(self.time)}",
            f"audit {self.audit[0]} {self.audit[1]}",
            f"key {self.key}",
        ]
        return "\n".join([*lines, ""]).encode()


def parse_checkpoint(text: bytes) -> Checkpoint | None:
    """The inverse of ``Checkpoint.text``; ``None`` for anything that was not written by it."""
    found = _TEXT.fullmatch(text.decode("ascii", "replace"))
    if found is None:
        return None
    origin, size, root, time, count, head, key = found.groups()
    moment = parse_moment(time)
    return None if moment is None else Checkpoint(origin, int(size), root, moment, (int(count), head), key)


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A checkpoint on disk: its text as it lies there, signature, and token if there is one."""

    checkpoint: Checkpoint
    text: bytes
    signature: bytes
    token: bytes | None
    path: Path


def log_origin(folder: str, first_hash: str) -> str:
    """The name of a log: the stream's folder and its first leaf, so that another log has another name."""
    return f"{folder}/{first_hash[:16]}"


def store_checkpoint(folder: Path, checkpoint: Checkpoint, key: SigningKey) -> Path | None:
    """Sign and keep a checkpoint; ``None`` when there is one of that size already. Raises `StorageError`."""
    return store_signed(folder / f"{checkpoint.size:012d}.txt", checkpoint.text, key)


def store_signed(path: Path, text: bytes, key: SigningKey) -> Path | None:
    """Sign and keep a text under a name that is free; ``None`` when it is taken. Raises `StorageError`."""
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            if path.exists():
                return None
            # The signature first: a text without one does not exist. One left by a kill is of another text.
            signature = path.with_suffix(".sig")
            for left in (*folder.glob(".*.txt.*.part"), *folder.glob(".*.sig.*.part")):
                left.unlink(missing_ok=True)
            signature.unlink(missing_ok=True)
            write_new(signature, key.sign(text))
            write_new(path, text)
            return path
    except OSError as error:
        raise StorageError(
            "checkpoint_unwritable",
            f"检查点 {path} 写不进去（{error.strerror}）。",
            f"The checkpoint {path} cannot be written ({error.strerror}).",
        ) from error


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time: an export may make a checkpoint of a stream that is being watched."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def write_new(path: Path, data: bytes) -> bool:
    """Write a file whole and durably under a name that must be free; False when it is taken."""
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(partial, path)
            _sync(path.parent)
            return True
        return False
    finally:
        partial.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def checkpoint_paths(folder: Path) -> list[Path]:
    """Texts of all stored checkpoints, the smallest tree first."""
    return sorted(folder.glob("[0-9]*.txt"))


def load_checkpoint(path: Path) -> StoredCheckpoint | None:
    """A stored checkpoint; ``None`` when its text is not one or names another size than its file."""
    text = path.read_bytes()
    checkpoint = parse_checkpoint(text)
    if checkpoint is None or path.name != f"{checkpoint.size:012d}.txt":
        return None
    signature, token = path.with_suffix(".sig"), path.with_suffix(".tsr")
    return StoredCheckpoint(
        checkpoint,
        text,
        signature.read_bytes() if signature.exists() else b"",
        token.read_bytes() if token.exists() else None,
        path,
    )
