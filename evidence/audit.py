"""The audit chain: who did what with the evidence, each line bound to the one before by its hash.

``<data>/audit.jsonl``, canonical JSON, append-only, one writer at a time over all processes. Its length and last hash
go into every checkpoint, so that what was signed and stamped there cannot be shortened or rewritten later.
"""

import fcntl
import getpass
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.clock import iso, utc_now
from core.errors import ConflictError, Sentence, StorageError
from evidence.checkpoints import FOLDER, NO_AUDIT, load_checkpoint
from evidence.leaves import Leaf, canonical, parse_leaf

AUDIT_NAME = "audit.jsonl"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where."""

    name: str
    host: str
    channel: str


def local_actor(channel: str = "cli") -> Actor:
    """The user of this process on this machine."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = f"uid {os.getuid()}"
    return Actor(name, socket.gethostname(), channel)


def append_audit(data_dir: Path, actor: Actor, action: str, detail: dict[str, Any]) -> Leaf:
    """Add an entry, durable on return. Raises `StorageError`, and `ConflictError` where the last line is damaged."""
    with _opened(data_dir / AUDIT_NAME) as (fd, data):
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:
            os.ftruncate(fd, len(whole))
        count, head = _head(data_dir / AUDIT_NAME, whole)
        entry = {
            "index": count,
            "previous": head,
            "kind": action,
            "logged": iso(utc_now()),
            "by": actor.name,
            "from": actor.host,
            "channel": actor.channel,
            "detail": detail,
        }
        os.lseek(fd, 0, os.SEEK_END)
        os.write(fd, canonical(entry) + b"\n")
        os.fsync(fd)
    return entry


def audit_head(data_dir: Path) -> tuple[int, str]:
    """Length and last hash of the chain; `NO_AUDIT` where nothing was done yet."""
    path = data_dir / AUDIT_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return NO_AUDIT
    return _head(path, data[: data.rfind(b"\n") + 1])


def read_audit(data_dir: Path) -> list[bytes]:
    """All whole lines of the chain, checked link by link. Raises `ConflictError` naming the line that breaks it."""
    path = data_dir / AUDIT_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    lines = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
    head = NO_AUDIT[1]
    for number, line in enumerate(lines):
        entry = parse_leaf(line)
        if entry is None or entry["index"] != number or entry.get("previous") != head:
            raise _broken(path, number + 1)
        head = hashlib.sha256(line).hexdigest()
    return lines


def check_audit(data_dir: Path) -> tuple[int, list[Sentence]]:
    """Number of entries, and what is wrong: a broken link, or a checkpoint that was signed over another chain."""
    try:
        lines = read_audit(data_dir)
    except ConflictError as error:
        return 0, [error.sentence]
    problems = []
    for path in sorted((data_dir / "streams").glob(f"*/{FOLDER}/[0-9]*.txt")):
        stored = load_checkpoint(path)
        if stored is not None and hash_at(lines, stored.checkpoint.audit[0]) != stored.checkpoint.audit[1]:
            name = path.relative_to(data_dir).as_posix()
            problems.append(
                Sentence(
                    f"与检查点 {name} 签名时的记录不符。", f"It is not the chain that the checkpoint {name} signed."
                )
            )
    return len(lines), problems


def hash_at(lines: list[bytes], count: int) -> str:
    """The chain's hash after ``count`` lines; empty when there are fewer."""
    if count == 0:
        return NO_AUDIT[1]
    return hashlib.sha256(lines[count - 1]).hexdigest() if count <= len(lines) else ""


def _head(path: Path, whole: bytes) -> tuple[int, str]:
    if not whole:
        return NO_AUDIT
    last = whole[:-1].rpartition(b"\n")[2]
    entry = parse_leaf(last)
    if entry is None:
        raise _broken(path, whole.count(b"\n"))
    return entry["index"] + 1, hashlib.sha256(last).hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[tuple[int, bytes]]:
    """The file under an exclusive lock, and its content."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield fd, path.read_bytes()
        finally:
            os.close(fd)
    except OSError as error:
        raise StorageError(
            "audit_unwritable",
            f"审计记录 {path} 写不进去（{error.strerror}）。",
            f"The audit chain {path} cannot be written ({error.strerror}).",
        ) from error


def _broken(path: Path, line: int) -> ConflictError:
    return ConflictError(
        "audit_broken",
        f"审计记录 {path} 第 {line} 行与前文不符。",
        f"Line {line} of the audit chain {path} does not follow from the one before.",
        hint=Sentence("请从备份恢复，并查明是谁改动。", "Restore it from a backup and find out who changed it."),
    )
