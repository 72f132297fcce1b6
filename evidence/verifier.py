"""Verifies a package against trust anchors from outside: keys, a CA and a limit. Nothing inside is trusted.

Checks run from the outside in: form of the container, hashes, seal, checkpoints, leaves, segments, clip. Each failure
names its file and says why in Chinese and English; a failure stops what builds on it, never the program.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509

from core.clock import iso
from core.errors import BadInputError, NotFoundError
from evidence.checkpoints import Checkpoint, parse_checkpoint
from evidence.container import Stored, open_stored
from evidence.frames import Coded, coded_frames, place_in
from evidence.keys import PublicKey
from evidence.leaves import Leaf, canonical, is_segment_leaf, parse_leaf, parse_moment
from evidence.merkle import consistent, inclusion_root, leaf_hash
from evidence.seal import SEAL, SIGNATURE, STAMP, SUMS, UNLISTED, Seal, parse_seal, parse_sums, sha256_hex
from evidence.stamping import verify_token

LIMIT_S = 300
_EARLY_S = 5
_ORIGIN_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Anchors:
    """What the verifier trusts: public keys, CA certificates, and how late a token may be, in seconds.

    With ``roots`` every segment must be covered by a token; without, time rests on the recorder's own clock.
    """

    keys: tuple[PublicKey, ...]
    roots: tuple[x509.Certificate, ...] = ()
    limit_s: int = LIMIT_S


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that does not hold: the file inside the package, and why."""

    file: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome. ``unchecked``: tokens are there that could not be checked for want of a CA."""

    failures: tuple[Failure, ...]
    unchecked: bool
    facts: dict[str, Any]
    checkpoints: tuple[Checkpoint, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts."""
        return not self.failures


class _RefusedError(Exception):
    """Ends the checks that build on what failed."""

    def __init__(self, file: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.failure = Failure(file, zh, en)


@dataclass
class _Run:
    """One verification: what was found so far."""

    stored: Stored
    anchors: Anchors
    sums: dict[str, str] = field(default_factory=dict)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    times: list[datetime | None] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    unchecked: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


def verify_package(path: Path, anchors: Anchors) -> Verdict:
    """Check everything. Raises `NotFoundError` when there is no such file; any content gives a verdict."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise NotFoundError(
            "package_missing", f"打不开 {path}（{error.strerror}）。", f"{path} cannot be opened ({error.strerror})."
        ) from error
    with file:
        try:
            run = _Run(open_stored(file), anchors)
        except BadInputError as error:
            return Verdict((Failure(path.name, error.sentence.zh, error.sentence.en),), unchecked=False, facts={})
        failures: list[Failure] = []
        for step in (_check_files, _check_seal, _check_checkpoints, _check_leaves, _check_segments, _check_clip):
            try:
                step(run)
            except _RefusedError as refusal:
                failures.append(refusal.failure)
                break
    return Verdict(tuple(failures), run.unchecked, run.facts, tuple(run.checkpoints))


def find_forks(verdicts: Mapping[str, Verdict]) -> list[Failure]:
    """Packages, by name, of one log that was signed with two roots for one size: two histories, told to two sides."""
    seen: dict[tuple[str, int], tuple[str, str]] = {}
    found: list[Failure] = []
    for name, verdict in verdicts.items():
        for checkpoint in verdict.checkpoints:
            root, other = seen.setdefault((checkpoint.origin, checkpoint.size), (checkpoint.root, name))
            if root != checkpoint.root:
                size = checkpoint.size
                found.append(
                    Failure(
                        name,
                        f"与 {other} 在日志长度 {size} 处的根不同：日志有两个版本",
                        f"has another root than {other} at log size {size}: the log was told in two versions",
                    )
                )
    return found


def _read(run: _Run, name: str) -> bytes:
    if name not in run.stored.entries:
        raise _RefusedError(name, "缺少该文件", "is missing")
    try:
        return run.stored.read(name)
    except BadInputError as error:
        raise _RefusedError(name, error.sentence.zh, error.sentence.en) from error


# Files and seal.


def _check_files(run: _Run) -> None:
    """SHA256SUMS lists exactly the files there are, and each has the hash listed."""
    sums = parse_sums(_read(run, SUMS))
    if sums is None:
        raise _RefusedError(SUMS, "格式不对", "is not in its form")
    there = set(run.stored.entries) - UNLISTED
    for name in sorted(there - sums.keys()):
        raise _RefusedError(name, "不在 SHA256SUMS 之列", "is not listed in SHA256SUMS")
    for name in sorted(sums.keys() - there):
        raise _RefusedError(name, "缺少该文件", "is missing")
    for name, expected in sums.items():
        if _hash(run, name) != expected:
            raise _RefusedError(name, "内容被改动（哈希不符）", "its content was changed (another hash)")
    run.sums = sums
    run.facts["files"] = len(sums)


def _hash(run: _Run, name: str) -> str:
    digest = hashlib.sha256()
    try:
        for block in run.stored.blocks(name):
            digest.update(block)
    except BadInputError as error:
        raise _RefusedError(name, error.sentence.zh, error.sentence.en) from error
    return digest.hexdigest()


def _check_seal(run: _Run) -> None:
    """The list of files is the one that was signed, and stamped where the seal says so."""
    text = _read(run, SEAL)
    seal = parse_seal(text)
    if seal is None:
        raise _RefusedError(SEAL, "格式不对", "is not in its form")
    sums = _read(run, SUMS)
    if sha256_hex(sums) != seal.sums:
        raise _RefusedError(SUMS, "不是签名时的清单", "is not the list that was signed")
    stamped = _seal_stamp(run, seal, sums)
    _check_signature(run, SEAL, (text, _read(run, SIGNATURE)), (seal.key, seal.time), stamped)
    run.facts |= {"sealed": iso(seal.time), "sealed_by": seal.key, "seal_stamped": iso(stamped) if stamped else None}


def _seal_stamp(run: _Run, seal: Seal, sums: bytes) -> datetime | None:
    if seal.stamp == "-":
        if STAMP in run.stored.entries:
            raise _RefusedError(STAMP, "封签说没有时间戳", "is there although the seal says that there is none")
        return None
    token = _read(run, STAMP)
    if sha256_hex(token) != seal.stamp:
        raise _RefusedError(STAMP, "不是签名时的令牌", "is not the token that was signed")
    return _stamp_time(run, STAMP, token, sums)


def _stamp_time(run: _Run, name: str, token: bytes, data: bytes) -> datetime | None:
    """The token's time; ``None`` when no CA was given."""
    if not run.anchors.roots:
        run.unchecked = True
        return None
    stamp = verify_token(token, data, run.anchors.roots)
    if stamp.time is None:
        raise _RefusedError(name, f"时间戳令牌不成立：{stamp.reason}", f"the token does not hold: {stamp.reason}")
    return stamp.time


def _check_signature(
    run: _Run, name: str, signed: tuple[bytes, bytes], claim: tuple[str, datetime], stamped: datetime | None
) -> None:
    """The signature holds, by a key given from outside that counted at that time."""
    (text, signature), (key_id, stated) = signed, claim
    key = next((key for key in run.anchors.keys if key.id == key_id), None)
    if key is None:
        raise _RefusedError(
            name, f"签名密钥 {key_id} 不在给定的公钥之列", f"is signed by key {key_id}, not among the keys given"
        )
    if not key.verifies(text, signature):
        raise _RefusedError(name, "签名不成立", "the signature does not hold")
    when = stamped or stated
    if key.not_before and when < key.not_before.replace(microsecond=0):
        raise _RefusedError(name, "签名早于密钥生效", "was signed before its key was valid")
    if key.not_after and when > key.not_after + timedelta(seconds=run.anchors.limit_s):
        raise _RefusedError(name, "签名晚于密钥停用", "was signed after its key was rotated")
    if key.revoked and (stamped is None or stamped >= key.revoked):
        raise _RefusedError(
            name,
            "密钥已吊销，且没有时间戳证明签名在吊销之前",
            "its key was revoked, and no token shows that it was signed before",
        )


# Checkpoints.


def _check_checkpoints(run: _Run) -> None:
    """Each signed, stamped where there is a token, of one log, and a continuation of the one before."""
    names = sorted(n for n in run.stored.entries if n.startswith("log/checkpoints/") and n.endswith(".txt"))
    if not names:
        raise _RefusedError("log/checkpoints", "没有检查点", "holds no checkpoint")
    proofs = _consistency_proofs(run)
    for name in names:
        checkpoint = _check_one(run, name)
        if run.checkpoints:
            _check_continues(name, run.checkpoints[-1], checkpoint, proofs)
        run.checkpoints.append(checkpoint)
    run.facts |= {"log": run.checkpoints[-1].origin, "checkpoints": len(names)}


def _check_one(run: _Run, name: str) -> Checkpoint:
    text = _read(run, name)
    checkpoint = parse_checkpoint(text)
    if checkpoint is None or name != f"log/checkpoints/{checkpoint.size:012d}.txt":
        raise _RefusedError(name, "格式不对", "is not in its form")
    stem = name.removesuffix(".txt")
    stamped = None
    if f"{stem}.tsr" in run.stored.entries:
        stamped = _stamp_time(run, f"{stem}.tsr", _read(run, f"{stem}.tsr"), text)
    _check_signature(run, name, (text, _read(run, f"{stem}.sig")), (checkpoint.key, checkpoint.time), stamped)
    run.times.append(stamped)
    return checkpoint


def _check_continues(
    name: str, before: Checkpoint, now: Checkpoint, proofs: dict[tuple[int, int], list[bytes]]
) -> None:
    if now.origin != before.origin:
        raise _RefusedError(name, "属于另一份日志", "belongs to another log")
    if now.size <= before.size:
        raise _RefusedError(name, "同一长度有两个根", "is not larger than the one before: one size, one root")
    if now.time < before.time:
        raise _RefusedError(name, "早于前一个检查点", "is older than the one before")
    proof = proofs.get((before.size, now.size), [])
    if not consistent(before.size, bytes.fromhex(before.root), now.size, bytes.fromhex(now.root), proof):
        raise _RefusedError(name, "不是前一个检查点的延续", "does not continue the log of the one before")


def _consistency_proofs(run: _Run) -> dict[tuple[int, int], list[bytes]]:
    proofs = {}
    for numbers, hashes in _proof_lines(run, "log/consistency.txt", 2):
        proofs[numbers[0], numbers[1]] = hashes
    return proofs


def _proof_lines(run: _Run, name: str, numbers: int) -> list[tuple[list[int], list[bytes]]]:
    found = []
    for line in _read(run, name).decode("ascii", "replace").splitlines():
        parts = line.split(" ")
        try:
            found.append(([int(part) for part in parts[:numbers]], [bytes.fromhex(part) for part in parts[numbers:]]))
        except ValueError:
            raise _RefusedError(name, "格式不对", "is not in its form") from None
        if len(parts) < numbers:
            raise _RefusedError(name, "格式不对", "is not in its form")
    return found


# Leaves and segments.


def _check_leaves(run: _Run) -> None:
    """Every leaf is in the log that was signed; from the first segment on none is missing."""
    lines = _read(run, "log/leaves.jsonl").split(b"\n")[:-1]
    proofs = _proof_lines(run, "log/inclusion.txt", 1)
    if len(lines) != len(proofs):
        raise _RefusedError("log/inclusion.txt", "与 log/leaves.jsonl 不符", "does not fit log/leaves.jsonl")
    last = run.checkpoints[-1]
    previous: int | None = None
    for line, ((index,), hashes) in zip(lines, proofs, strict=True):
        leaf = parse_leaf(line)
        if leaf is None or leaf["index"] != index:
            raise _leaf_failure(index, "格式不对", "is not in its form")
        found = inclusion_root(leaf_hash(line), index, last.size, hashes)
        if found is None or found.hex() != last.root:
            raise _leaf_failure(index, "不在签名的日志里", "is not in the log that was signed")
        if previous is not None and index != previous + 1:
            raise _leaf_failure(index, f"之前缺少第 {previous + 1} 项", f"comes after {previous}: leaves are missing")
        if previous is not None or leaf["kind"] == "segment":
            previous = index
        run.leaves.append(leaf)
    first = run.leaves[0] if run.leaves else {"index": -1}
    name = last.origin.rpartition("/")[2]
    if first["index"] != 0 or leaf_hash(canonical(first)).hex()[:_ORIGIN_DIGITS] != name:
        raise _leaf_failure(0, "不是该日志的首项", "is not the first of the log named")


def _leaf_failure(index: int, zh: str, en: str) -> _RefusedError:
    return _RefusedError("log/leaves.jsonl", f"日志第 {index} 项{zh}", f"leaf {index} {en}")


def _check_segments(run: _Run) -> None:
    """Every segment is the file that the log fixed, in time; no number is missing; no file is foreign."""
    expected: int | None = None
    skipped: tuple[object, object] | None = None
    named: dict[str, Leaf] = {}
    for leaf in run.leaves:
        if leaf["kind"] == "skip":
            skipped = (leaf.get("first"), leaf.get("last"))
        if leaf["kind"] != "segment":
            continue
        name, sequence = _check_segment(run, leaf)
        if expected not in {None, sequence} and skipped != (expected, sequence - 1):
            raise _RefusedError(name, f"缺少分段 #{expected}", f"segment {expected} is missing before {sequence}")
        expected, skipped = sequence + 1, None
        named[name] = leaf
    foreign = sorted(n for n in run.sums if n.startswith("segments/") and n not in named)
    if foreign or not named:
        raise _RefusedError(foreign[0] if foreign else "segments", "不在日志之列", "is not in the log")
    run.facts["segments"] = len(named)
    run.facts["received"] = sum(leaf["how"] == "received" for leaf in named.values())
    run.facts["late"] = sum(bool(leaf.get("late")) for leaf in named.values())


def _check_segment(run: _Run, leaf: Leaf) -> tuple[str, int]:
    begun = parse_moment(leaf.get("time"))
    if begun is None or not is_segment_leaf(leaf):
        raise _leaf_failure(leaf["index"], "格式不对", "is not in its form")
    name, sequence = f"segments/{leaf['file']}", int(leaf["sequence"])
    there = (run.sums[name], run.stored.entries[name].size) if name in run.sums else None
    if there != (leaf.get("sha256"), leaf.get("bytes")):
        raise _RefusedError(name, "不是日志固定的那个分段", "is not the segment that the log fixed")
    if run.anchors.roots:
        _check_delay(run, name, begun, leaf["index"])
    return name, sequence


def _check_delay(run: _Run, name: str, begun: datetime, index: int) -> None:
    """Token time minus segment start, at most the limit: who makes a log up later has no token of that time."""
    covering = zip(run.checkpoints, run.times, strict=True)
    stamped = next((time for checkpoint, time in covering if checkpoint.size > index and time), None)
    if stamped is None:
        raise _RefusedError(name, "没有带时间戳的检查点覆盖它", "no time-stamped checkpoint covers it")
    delay = (stamped - begun).total_seconds()
    if delay > run.anchors.limit_s:
        raise _RefusedError(
            name,
            f"开始 {delay:.0f} 秒后才被固定，超过 {run.anchors.limit_s} 秒",
            f"was fixed {delay:.0f} s after it began; the limit is {run.anchors.limit_s} s",
        )
    if delay < -_EARLY_S:
        raise _RefusedError(
            name, f"自称在固定之后 {-delay:.0f} 秒才开始", f"is said to have begun {-delay:.0f} s after it was fixed"
        )
    run.facts["latest_token_s"] = max(run.facts.get("latest_token_s", 0), round(delay, 1))


# The clip.


def _check_clip(run: _Run) -> None:
    """The clip's frames are a run of the segments' frames; a clip encoded anew is reported as such."""
    manifest = _manifest(run)
    clip = manifest.get("clip")
    name = clip.get("file") if isinstance(clip, dict) else None
    if not isinstance(clip, dict) or not isinstance(name, str) or name not in run.sums or not name.startswith("clip/"):
        raise _RefusedError("manifest.json", "没有说明片段", "does not name the clip")
    with tempfile.TemporaryDirectory() as folder:
        shown = _coded(run, name, Path(folder))
        originals = [
            _coded(run, f"segments/{leaf['file']}", Path(folder)) for leaf in run.leaves if leaf["kind"] == "segment"
        ]
    listed = _read(run, "clip/frames.txt").decode("ascii", "replace").splitlines()
    if listed != [f"{frame.kind} {frame.pts_us} {frame.sha256}" for frame in shown.frames]:
        raise _RefusedError("clip/frames.txt", "不是该片段的帧", "does not list the frames of the clip")
    same = _is_copy(shown, originals)
    if not same and clip.get("mode") != "exact":
        raise _RefusedError(name, "画面或声音与原始分段不同", "its frames are not those of the segments")
    run.facts |= {"clip": "copy" if same else "encoded anew", "frames": len(shown.frames)}


def _manifest(run: _Run) -> dict[str, Any]:
    try:
        fields = json.loads(_read(run, "manifest.json"))
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise _RefusedError("manifest.json", "格式不对", "is not in its form")
    return fields


def _coded(run: _Run, name: str, folder: Path) -> Coded:
    path = folder / Path(name).name
    with path.open("wb") as out:
        out.writelines(run.stored.blocks(name))
    try:
        return coded_frames(path)
    except BadInputError as error:
        raise _RefusedError(name, error.sentence.zh, error.sentence.en) from error
    finally:
        path.unlink()


def _is_copy(shown: Coded, originals: Sequence[Coded]) -> bool:
    known = frozenset[str]().union(*(coded.sets for coded in originals))
    if not shown.frames or not shown.sets <= known:
        return False
    return all(
        place_in(shown.hashes(kind), [digest for coded in originals for digest in coded.hashes(kind)]) >= 0
        for kind in ("video", "audio")
    )
