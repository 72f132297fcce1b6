"""Checkpoints of the audit chain itself: signed and stamped also while no stream is recorded, and checked.

``<data>/audit-checkpoints/<count>.txt`` (five lines of text), ``.sig`` (raw Ed25519 signature), ``.tsr`` (RFC 3161).
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from core.clock import iso, parse_iso, utc_now
from core.errors import ConflictError, LiveWitnessError, Sentence, StorageError
from evidence.audit import Actor, append_audit, audit_head, cut_audit, first_index, hash_at, read_audit
from evidence.checkpoints import FOLDER, load_checkpoint, store_signed
from evidence.keys import Keyring, PublicKey
from evidence.leaves import parse_leaf, parse_moment

AUDIT_FOLDER = "audit-checkpoints"
_TITLE = "livewitness/audit/v1"
_TEXT = re.compile(
    rf"{_TITLE}\ncount ([1-9][0-9]{{0,11}})\nhead ([0-9a-f]{{64}})\ntime (\S{{24}})\nkey ([0-9a-f]{{16}})\n"
)
CUT = "audit.cut"


@dataclass(frozen=True, slots=True)
class AuditCheckpoint:
    """Length and last hash of the chain at a time, and the id of the key that signed them."""

    count: int
    head: str
    time: datetime
    key: str

    @property
    def text(self) -> bytes:
        """The bytes that are signed and stamped."""
        lines = [_TITLE, f"count {self.count}", f"head {self.head}", f"time {iso(self.time)}", f"key {self.key}", ""]
        return "\n".join(lines).encode()


def parse_audit_checkpoint(text: bytes) -> AuditCheckpoint | None:
    """The inverse of ``AuditCheckpoint.text``; ``None`` for anything else."""
    found = _TEXT.fullmatch(text.decode("ascii", "replace"))
    moment = parse_moment(found[3]) if found else None
    return AuditCheckpoint(int(found[1]), found[2], moment, found[4]) if found and moment else None


def seal_audit(data_dir: Path) -> Path | None:
    """Sign the chain as it stands; ``None`` when it has not grown since. Raises `StorageError`, `ConflictError`."""
    count, head = audit_head(data_dir)
    path = data_dir / AUDIT_FOLDER / f"{count:012d}.txt"
    if count == 0 or path.exists():
        return None
    key = Keyring(data_dir / "keys").signing_key()
    return store_signed(path, AuditCheckpoint(count, head, utc_now(), key.public.id).text, key)


def unsigned_entries(data_dir: Path) -> int:
    """How many entries came after the last checkpoint of the chain's own: these could be cut off unseen."""
    signed = max((int(path.stem) for path in (data_dir / AUDIT_FOLDER).glob("[0-9]*.txt")), default=0)
    return max(0, audit_head(data_dir)[0] - signed)


def check_audit(data_dir: Path) -> tuple[int, list[Sentence]]:
    """Number of entries, and what is wrong: a broken link, or a checkpoint that was signed over another chain.

    Checkpoints are those of the streams and those of the chain itself; a chain that was cut needs one of its own at
    the cut, for nothing else vouches for what its first line says of the past.
    """
    try:
        lines = read_audit(data_dir)
    except ConflictError as error:
        return 0, [error.sentence]
    keys = {key.id: key for key in Keyring(data_dir / "keys").known()}
    problems = [*_stream_problems(data_dir, lines), *_own_problems(data_dir, lines, keys)]
    return len(lines), problems


def _stream_problems(data_dir: Path, lines: list[bytes]) -> list[Sentence]:
    first = first_index(lines)
    problems = []
    for path in sorted((data_dir / "streams").glob(f"*/{FOLDER}/[0-9]*.txt")):
        stored = load_checkpoint(path)
        if stored is None or 0 < stored.checkpoint.audit[0] < first:
            continue
        if hash_at(lines, stored.checkpoint.audit[0]) != stored.checkpoint.audit[1]:
            problems.append(_another_chain(path.relative_to(data_dir).as_posix()))
    return problems


def _own_problems(data_dir: Path, lines: list[bytes], keys: dict[str, PublicKey]) -> list[Sentence]:
    first = first_index(lines)
    problems, vouched = [], first == 0
    for path in sorted((data_dir / AUDIT_FOLDER).glob("[0-9]*.txt")):
        name = path.relative_to(data_dir).as_posix()
        text = path.read_bytes()
        checkpoint = parse_audit_checkpoint(text)
        if checkpoint is None or path.name != f"{checkpoint.count:012d}.txt":
            problems.append(Sentence(f"{name} 不是检查点。", f"{name} is no checkpoint."))
            continue
        key, signature = keys.get(checkpoint.key), path.with_suffix(".sig")
        if key is None or not signature.exists() or not key.verifies(text, signature.read_bytes()):
            problems.append(Sentence(f"{name} 的签名无效。", f"The signature of {name} does not hold."))
            continue
        if checkpoint.count < first:
            continue
        vouched = vouched or checkpoint.count == first
        if hash_at(lines, checkpoint.count) != checkpoint.head:
            problems.append(_another_chain(name))
    if not vouched:
        problems.append(
            Sentence(
                f"记录从第 {first} 条开始，却没有签名的检查点证明此前的内容。",
                f"The chain begins with entry {first}, and no signed checkpoint vouches for what went before.",
            )
        )
    return problems


def _another_chain(name: str) -> Sentence:
    return Sentence(f"与检查点 {name} 签名时的记录不符。", f"It is not the chain that the checkpoint {name} signed.")


def old_entries(data_dir: Path, now: datetime, years: int, needed: set[str]) -> int:
    """The number of the first entry that has to stay: younger than ``years``, or the placing of a hold in ``needed``.

    Entries below it may be cut. Years are counted generously, as 366 days.
    """
    oldest = now - timedelta(days=366 * years)
    lines = read_audit(data_dir)
    for line in lines:
        entry = parse_leaf(line)
        if entry is None:
            raise AssertionError("a chain that was read is whole")
        if parse_iso(entry["logged"]) >= oldest or entry["detail"].get("hold") in needed:
            return int(entry["index"])
    return first_index(lines) + max(0, len(lines) - 1)


def cut_old(data_dir: Path, count: int, actor: Actor) -> int:
    """Cut the entries below ``count`` off, vouched for by a signed checkpoint; the cut itself is an entry."""
    lines = read_audit(data_dir)
    head = hash_at(lines, count)
    if not head or count <= first_index(lines):
        return 0
    path = data_dir / AUDIT_FOLDER / f"{count:012d}.txt"
    if not path.exists():
        key = Keyring(data_dir / "keys").signing_key()
        store_signed(path, AuditCheckpoint(count, head, utc_now(), key.public.id).text, key)
    append_audit(data_dir, actor, CUT, {"below": count})
    return cut_audit(data_dir, count)


def try_to_seal(data_dir: Path) -> LiveWitnessError | None:
    """`seal_audit` at the end of something that is done already; what went wrong, if anything."""
    try:
        seal_audit(data_dir)
    except (StorageError, ConflictError) as error:
        return error
    return None
