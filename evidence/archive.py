"""Checks everything held against the logs: segment files by hash, logs line by line, checkpoints by root and signature.

A pass can be broken off and taken up again: ``<data>/archive-check.json`` keeps how far it came and what it found.
What is damaged, missing or foreign is named; the rest stays usable.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from core.errors import ConflictError
from evidence.checkpoints import FOLDER, checkpoint_paths, load_checkpoint, log_origin
from evidence.keys import Keyring, PublicKey
from evidence.leaves import Leaf, deleted_files
from evidence.merkle import root
from evidence.segment_log import LOG_NAME, LogView, read_log
from ingest.layout import OPEN, sequence_of
from ingest.lock import LOCK_NAME, StreamLock

STATE_NAME = "archive-check.json"
_BLOCK = 1 << 20
_SAVE_EVERY_BYTES = 256 << 20
# A segment lies in its place a moment before the log lists it.
_FRESH_S = 60.0
# With what a killed writer leaves, which the next one sweeps away.
_CHECKPOINT = re.compile(r"[0-9]{12}\.(txt|sig|tsr)|\.[0-9]{12}\.(txt|sig|tsr)\.[0-9-]+\.part")


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it was fixed: the file, relative to the data directory, and why."""

    file: str
    zh: str
    en: str


@dataclass
class ArchiveState:
    """How far a pass came: the stream folder at work, segments of it that are done, bytes read, and what was found.

    ``deleted``: segments that are not there because retention deleted them, as the log says.
    """

    folder: str = ""
    done: int = 0
    segments: int = 0
    bytes: int = 0
    deleted: int = 0
    tokens_missing: int = 0
    damages: list[Damage] = field(default_factory=list)


class ArchiveCheck:
    """One pass over a data directory. ``rate``: at most so many bytes a second; 0: as fast as the disk gives them."""

    def __init__(self, data_dir: Path, *, rate: float = 0, restart: bool = False) -> None:
        self._data_dir = data_dir
        self._rate = rate
        self._path = data_dir / STATE_NAME
        self._keys = {key.id: key for key in Keyring(data_dir / "keys").known()}
        self.state = ArchiveState() if restart else self._load()
        self._began, self._read = time.monotonic(), 0
        self._saved = self.state.bytes

    @property
    def resumed(self) -> bool:
        """Whether this goes on with a pass that was broken off."""
        return bool(self.state.folder)

    def total_bytes(self) -> int:
        """Bytes of all segments that the logs list."""
        total = 0
        for folder in self._folders():
            total += sum(leaf["bytes"] for leaf in self._segments(folder))
        return total

    def run(self) -> Iterator[int]:
        """Check, yielding the bytes read since the last yield; findings gather in ``state``."""
        for folder in self._folders():
            if folder.name < self.state.folder:
                continue
            if folder.name != self.state.folder:
                self.state.folder, self.state.done = folder.name, 0
            yield from self._stream(folder)
        self._path.unlink(missing_ok=True)

    def _folders(self) -> list[Path]:
        return sorted(p for p in (self._data_dir / "streams").glob("*") if p.is_dir())

    def _segments(self, folder: Path) -> list[Leaf]:
        try:
            leaves = read_log(folder / LOG_NAME).leaves
        except ConflictError:
            return []
        gone = deleted_files(leaves)
        return [leaf for leaf in leaves if _has_file(leaf) and leaf["file"] not in gone]

    def _stream(self, folder: Path) -> Iterator[int]:
        # The folder first: what is recorded while this runs is on disk before it is in the log.
        lying = sorted(path for path in folder.rglob("*") if not path.is_dir())
        try:
            view = read_log(folder / LOG_NAME)
        except ConflictError as error:
            self._found(folder / LOG_NAME, error.sentence.zh, error.sentence.en)
            return
        listed = [leaf for leaf in view.leaves if _has_file(leaf)]
        gone = deleted_files(view.leaves)
        if self.state.done == 0:
            self._checkpoints(folder, view)
            self._foreign(folder, lying, {leaf["file"] for leaf in listed})
        for leaf in listed[self.state.done :]:
            if leaf["file"] in gone:
                self._deleted(folder / leaf["file"])
            else:
                yield self._segment(folder / leaf["file"], leaf)
            self.state.done += 1
            self.state.segments += 1
            if self.state.bytes - self._saved >= _SAVE_EVERY_BYTES:
                self.save()

    def _segment(self, path: Path, leaf: Leaf) -> int:
        digest, size = hashlib.sha256(), 0
        try:
            with path.open("rb", buffering=0) as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    size += len(block)
                    self._brake(len(block))
        except FileNotFoundError:
            self._found(path, "文件不见了", "is missing")
        except OSError as error:
            self._found(path, f"读不出来（{error.strerror}）", f"cannot be read ({error.strerror})")
        else:
            if digest.hexdigest() != leaf["sha256"]:
                self._found(path, "内容与日志固定的哈希不符", "is not what the log fixed")
        self.state.bytes += size
        return size

    def _deleted(self, path: Path) -> None:
        self.state.deleted += 1
        if path.exists():
            self._found(
                path,
                "按日志已到期删除，文件却还在（livewitness retention run 会续完）",
                "was deleted, as the log says, but is still there (livewitness retention run finishes that)",
            )

    def _brake(self, count: int) -> None:
        self._read += count
        if self._rate:
            time.sleep(max(0.0, self._began + self._read / self._rate - time.monotonic()))

    def _checkpoints(self, folder: Path, view: LogView) -> None:
        for path in checkpoint_paths(folder / FOLDER):
            stored = load_checkpoint(path)
            if stored is None:
                self._found(path, "检查点格式不对", "is no checkpoint")
                continue
            problem = _checkpoint_problem(stored.checkpoint.size, stored.checkpoint.root, view)
            key = self._keys.get(stored.checkpoint.key)
            if problem is None and stored.checkpoint.origin != log_origin(folder.name, view.first_hash):
                problem = ("属于另一份日志", "belongs to another log")
            if problem is None:
                problem = _signature_problem(key, stored.text, stored.signature)
            if problem is not None:
                self._found(path, *problem)
            self.state.tokens_missing += stored.token is None

    def _foreign(self, folder: Path, lying: list[Path], listed: set[str]) -> None:
        being_recorded = _is_locked(folder)
        for path in lying:
            name = path.relative_to(folder)
            if name.as_posix() in listed or _is_own(name):
                continue
            if being_recorded and sequence_of(path) is not None and _age_s(path) < _FRESH_S:
                continue
            self._found(path, "日志里没有这个文件", "is not in the log")

    def _found(self, path: Path, zh: str, en: str) -> None:
        self.state.damages.append(Damage(path.relative_to(self._data_dir).as_posix(), zh, en))

    def save(self) -> None:
        """Keep how far the pass came, whole or not at all."""
        partial = self._path.with_suffix(".part")
        partial.write_text(json.dumps(asdict(self.state), ensure_ascii=False), encoding="utf-8")
        partial.replace(self._path)
        self._saved = self.state.bytes

    def _load(self) -> ArchiveState:
        try:
            fields = json.loads(self._path.read_text(encoding="utf-8"))
            damages = [Damage(**damage) for damage in fields.pop("damages")]
            return ArchiveState(**fields, damages=damages)
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            # No pass was broken off, or its notes are unreadable: begin anew.
            return ArchiveState()


def _has_file(leaf: Leaf) -> bool:
    """Whether a leaf fixes a file that lies beside the log: a segment, or something received that was kept."""
    return leaf["kind"] == "segment" or (leaf["kind"] == "received" and bool(leaf["file"]))


def _is_own(name: Path) -> bool:
    """Whether a stream's folder has this file besides what the log lists: itself, its lock, checkpoints, open files."""
    if len(name.parts) == 1:
        return name.name in {LOG_NAME, LOCK_NAME}
    if name.parts[0] == FOLDER:
        return len(name.parts) == 2 and _CHECKPOINT.fullmatch(name.name) is not None
    return name.parts[-2] == OPEN


def _is_locked(folder: Path) -> bool:
    """Whether somebody records this stream at the moment."""
    if not (folder / LOCK_NAME).exists():
        return False
    try:
        with StreamLock(folder):
            return False
    except ConflictError:
        return True


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _checkpoint_problem(size: int, expected: str, view: LogView) -> tuple[str, str] | None:
    if size > len(view.hashes):
        return (
            f"日志只剩 {len(view.hashes)} 项，少于签名时的 {size} 项",
            f"signed {size} leaves, {len(view.hashes)} are left",
        )
    if root(view.hashes[:size]).hex() != expected:
        return "与日志不符：日志被改写", "does not fit the log: the log was rewritten"
    return None


def _signature_problem(key: PublicKey | None, text: bytes, signature: bytes) -> tuple[str, str] | None:
    if key is None:
        return "签名密钥不在本机", "is signed by a key that is not here"
    return None if key.verifies(text, signature) else ("签名无效", "its signature does not hold")
