"""The audit chain: who did what with the evidence, each line bound to the one before by its hash.

``<data>/audit.jsonl``, canonical JSON, append-only, one writer at a time over all processes. Its length and last hash
go into every checkpoint of a stream and into checkpoints of its own (`evidence.audit_seal`), so that what was signed
and stamped there cannot be shortened or rewritten later.

Entries that are old enough may be cut off at the front (`cut_audit`); the first line left then names the hash of what
went before, and a checkpoint of the chain vouches for it.
"""

import fcntl
import getpass
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.clock import iso, utc_now
from core.errors import ConflictError, Sentence, StorageError
from evidence.checkpoints import NO_AUDIT
from evidence.leaves import Leaf, canonical, parse_leaf

AUDIT_NAME = "audit.jsonl"
_TAIL_BYTES = 1 << 16


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
    """Add an entry, durable on return. Raises `StorageError`, and `ConflictError` where the last line is damaged.

    Takes as long for the millionth entry as for the first: only the last line is read.
    """
    with _opened(data_dir / AUDIT_NAME) as fd:
        last, end = _last_line(fd)
        if end != os.fstat(fd).st_size:
            os.ftruncate(fd, end)
        count, head = _after(data_dir / AUDIT_NAME, last)
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
        _write(fd, end, canonical(entry) + b"\n")
    return entry


def _write(fd: int, before: int, data: bytes) -> None:
    """Append whole and durably, or leave the file as it was."""
    os.lseek(fd, 0, os.SEEK_END)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    except OSError:
        os.ftruncate(fd, before)
        raise


def audit_head(data_dir: Path) -> tuple[int, str]:
    """Length and last hash of the chain; `NO_AUDIT` where nothing was done yet."""
    path = data_dir / AUDIT_NAME
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return NO_AUDIT
    try:
        return _after(path, _last_line(fd)[0])
    finally:
        os.close(fd)


def read_audit(data_dir: Path) -> list[bytes]:
    """All whole lines of the chain, checked link by link. Raises `ConflictError` naming the line that breaks it."""
    path = data_dir / AUDIT_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    lines = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
    head, first = NO_AUDIT[1], 0
    for number, line in enumerate(lines):
        entry = parse_leaf(line)
        if number == 0 and entry is not None and entry["index"] > 0:
            head, first = str(entry.get("previous")), entry["index"]
        if entry is None or entry["index"] != first + number or entry.get("previous") != head:
            raise broken_chain(path, number + 1)
        head = hashlib.sha256(line).hexdigest()
    return lines


def audited_deletions(data_dir: Path, action: str) -> set[str]:
    """Ids of the deletions that the chain tells of under that action."""
    mark = f'"kind":"{action}"'.encode()
    return {json.loads(line)["detail"].get("deletion", "") for line in read_audit(data_dir) if mark in line}


def first_index(lines: list[bytes]) -> int:
    """The number of the first entry that is left; 0 for a chain that was never cut."""
    return int(json.loads(lines[0])["index"]) if lines else 0


def hash_at(lines: list[bytes], count: int) -> str:
    """The chain's hash after ``count`` entries; empty when there are fewer, or when it was cut off behind them."""
    if count == 0:
        return NO_AUDIT[1]
    first = first_index(lines)
    if first and count == first:
        return str(json.loads(lines[0])["previous"])
    place = count - first
    return hashlib.sha256(lines[place - 1]).hexdigest() if 0 < place <= len(lines) else ""


def cut_audit(data_dir: Path, count: int) -> int:
    """Remove entries below number ``count`` from the front; how many those were. At least one entry stays.

    The caller has made a checkpoint of the chain at ``count`` before. Raises `StorageError`, `ConflictError`.
    """
    path = data_dir / AUDIT_NAME
    with _opened(path):
        lines = read_audit(data_dir)
        gone = min(max(0, count - first_index(lines)), len(lines) - 1)
        if gone <= 0:
            return 0
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            file.write(b"".join(line + b"\n" for line in lines[gone:]))
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(path.stat().st_mode & 0o777)
        partial.replace(path)
        _sync_folder(path.parent)
    return gone


def _last_line(fd: int) -> tuple[bytes, int]:
    """The last whole line, without its end, and where the next one begins; a torn line behind it is passed over."""
    size = os.fstat(fd).st_size
    tail, start = b"", size
    while start > 0:
        start = max(0, start - _TAIL_BYTES)
        tail = os.pread(fd, min(_TAIL_BYTES, size - start), start) + tail
        size = start
        end = tail.rfind(b"\n")
        before = tail.rfind(b"\n", 0, end) if end > 0 else -1
        if end >= 0 and (before >= 0 or start == 0):
            return tail[before + 1 : end], start + end + 1
    return b"", 0


def _after(path: Path, last: bytes) -> tuple[int, str]:
    """Length and hash of a chain that ends with this line."""
    if not last:
        return NO_AUDIT
    entry = parse_leaf(last)
    if entry is None:
        raise broken_chain(path, 0)
    return entry["index"] + 1, hashlib.sha256(last).hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """The file under an exclusive lock."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = _locked(path)
        try:
            yield fd
        finally:
            os.close(fd)
    except OSError as error:
        raise StorageError(
            "audit_unwritable",
            f"审计记录 {path} 写不进去（{error.strerror}）。",
            f"The audit chain {path} cannot be written ({error.strerror}).",
        ) from error


def _locked(path: Path) -> int:
    """A descriptor of the file that bears the name once the lock is held: a cut puts another file in its place."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        fcntl.flock(fd, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(fd), path.stat()):
                return fd
        except FileNotFoundError:
            # Replaced between the two looks: open what is there now.
            os.close(fd)
            continue
        os.close(fd)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def broken_chain(path: Path, line: int) -> ConflictError:
    """The error for a chain whose line does not follow from the one before; 0: its last line."""
    zh, en = (f"第 {line} 行", f"Line {line}") if line else ("末行", "The last line")
    return ConflictError(
        "audit_broken",
        f"审计记录 {path} {zh}与前文不符。",
        f"{en} of the audit chain {path} does not follow from the one before.",
        hint=Sentence("请从备份恢复，并查明是谁改动。", "Restore it from a backup and find out who changed it."),
    )
