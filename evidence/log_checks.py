"""Whether a log is what was signed: its checkpoints, its leaves, the segments and files that the leaves fix."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from evidence.checking import RefusedError, Run, check_signature, read_file, stamp_time
from evidence.checkpoints import Checkpoint, parse_checkpoint
from evidence.leaves import Leaf, canonical, is_received_leaf, is_segment_leaf, parse_leaf, parse_moment
from evidence.merkle import consistent, inclusion_root, leaf_hash, root

_EARLY_S = 5
_ORIGIN_DIGITS = 16


@dataclass(slots=True)
class CheckedLog:
    """The checkpoints of a log in a package, each with the time of its token where that was checked."""

    folder: str
    checkpoints: list[Checkpoint] = field(default_factory=list)
    times: list[datetime | None] = field(default_factory=list)


def check_checkpoints(run: Run, folder: str) -> CheckedLog:
    """Each signed, stamped where there is a token, of one log, and a continuation of the one before."""
    prefix = f"{folder}/checkpoints/"
    names = sorted(n for n in run.stored.entries if n.startswith(prefix) and n.endswith(".txt"))
    if not names:
        raise RefusedError(f"{folder}/checkpoints", "没有检查点", "holds no checkpoint")
    proofs = _consistency_proofs(run, f"{folder}/consistency.txt")
    log = CheckedLog(folder)
    for name in names:
        checkpoint, stamped = _check_one(run, name)
        if log.checkpoints:
            _check_continues(name, log.checkpoints[-1], checkpoint, proofs)
        log.checkpoints.append(checkpoint)
        log.times.append(stamped)
    run.checkpoints += log.checkpoints
    return log


def _check_one(run: Run, name: str) -> tuple[Checkpoint, datetime | None]:
    text = read_file(run, name)
    checkpoint = parse_checkpoint(text)
    if checkpoint is None or not name.endswith(f"/{checkpoint.size:012d}.txt"):
        raise RefusedError(name, "格式不对", "is not in its form")
    stem = name.removesuffix(".txt")
    stamped = None
    if f"{stem}.tsr" in run.stored.entries:
        stamped = stamp_time(run, f"{stem}.tsr", read_file(run, f"{stem}.tsr"), text)
    check_signature(run, name, (text, read_file(run, f"{stem}.sig")), (checkpoint.key, checkpoint.time), stamped)
    return checkpoint, stamped


def _check_continues(
    name: str, before: Checkpoint, now: Checkpoint, proofs: dict[tuple[int, int], list[bytes]]
) -> None:
    if now.origin != before.origin:
        raise RefusedError(name, "属于另一份日志", "belongs to another log")
    if now.size <= before.size:
        raise RefusedError(name, "同一长度有两个根", "is not larger than the one before: one size, one root")
    if now.time < before.time:
        raise RefusedError(name, "早于前一个检查点", "is older than the one before")
    proof = proofs.get((before.size, now.size), [])
    if not consistent(before.size, bytes.fromhex(before.root), now.size, bytes.fromhex(now.root), proof):
        raise RefusedError(name, "不是前一个检查点的延续", "does not continue the log of the one before")


def _consistency_proofs(run: Run, name: str) -> dict[tuple[int, int], list[bytes]]:
    proofs: dict[tuple[int, int], list[bytes]] = {}
    for numbers, hashes in _proof_lines(run, name, 2) if name in run.stored.entries else ():
        proofs[numbers[0], numbers[1]] = hashes
    return proofs


def _proof_lines(run: Run, name: str, numbers: int) -> list[tuple[list[int], list[bytes]]]:
    found = []
    for line in read_file(run, name).decode("ascii", "replace").splitlines():
        parts = line.split(" ")
        try:
            found.append(([int(part) for part in parts[:numbers]], [bytes.fromhex(part) for part in parts[numbers:]]))
        except ValueError:
            raise RefusedError(name, "格式不对", "is not in its form") from None
        if len(parts) < numbers:
            raise RefusedError(name, "格式不对", "is not in its form")
    return found


def check_stretch(run: Run, log: CheckedLog) -> list[Leaf]:
    """The leaves of a stretch: all in the log that was signed, and from the first segment on none is missing."""
    leaves = _included(run, log, "log/leaves.jsonl", "log/inclusion.txt")
    previous: int | None = None
    for leaf in leaves:
        index = leaf["index"]
        if previous is not None and index != previous + 1:
            raise _leaf_failure(
                "log/leaves.jsonl",
                index,
                f"之前缺少第 {previous + 1} 项",
                f"comes after {previous}: leaves are missing",
            )
        if previous is not None or leaf["kind"] == "segment":
            previous = index
    _check_first(log, "log/leaves.jsonl", leaves)
    return leaves


def _included(run: Run, log: CheckedLog, name: str, proof_name: str) -> list[Leaf]:
    """The leaves of a file, each in the log that the last checkpoint signed."""
    lines = read_file(run, name).split(b"\n")[:-1]
    proofs = _proof_lines(run, proof_name, 1)
    if len(lines) != len(proofs):
        raise RefusedError(proof_name, f"与 {name} 不符", f"does not fit {name}")
    last = log.checkpoints[-1]
    leaves: list[Leaf] = []
    for line, ((index,), hashes) in zip(lines, proofs, strict=True):
        leaf = parse_leaf(line)
        if leaf is None or leaf["index"] != index:
            raise _leaf_failure(name, index, "格式不对", "is not in its form")
        found = inclusion_root(leaf_hash(line), index, last.size, hashes)
        if found is None or found.hex() != last.root:
            raise _leaf_failure(name, index, "不在签名的日志里", "is not in the log that was signed")
        leaves.append(leaf)
    return leaves


def _check_first(log: CheckedLog, name: str, leaves: Sequence[Leaf]) -> None:
    """The first leaf names the log."""
    first = leaves[0] if leaves else {"index": -1}
    origin = log.checkpoints[-1].origin.rpartition("/")[2]
    if first["index"] != 0 or leaf_hash(canonical(first)).hex()[:_ORIGIN_DIGITS] != origin:
        raise _leaf_failure(name, 0, "不是该日志的首项", "is not the first of the log named")


def check_whole_log(run: Run, folder: str) -> tuple[CheckedLog, list[Leaf]]:
    """A log in full: its leaves give the very root that was signed, and no segment's number is missing."""
    log = check_checkpoints(run, folder)
    name = f"{folder}/leaves.jsonl"
    lines = read_file(run, name).split(b"\n")[:-1]
    last = log.checkpoints[-1]
    if len(lines) != last.size or root([leaf_hash(line) for line in lines]).hex() != last.root:
        raise RefusedError(name, "不是签名的日志", "is not the log that was signed")
    leaves: list[Leaf] = []
    for number, line in enumerate(lines):
        leaf = parse_leaf(line)
        if leaf is None or leaf["index"] != number:
            raise _leaf_failure(name, number, "格式不对", "is not in its form")
        leaves.append(leaf)
    _check_first(log, name, leaves)
    _numbered(name, leaves)
    return log, leaves


def _leaf_failure(name: str, index: int, zh: str, en: str) -> RefusedError:
    return RefusedError(name, f"日志第 {index} 项{zh}", f"leaf {index} {en}")


def _numbered(name: str, leaves: Sequence[Leaf]) -> list[tuple[Leaf, int]]:
    """The segments' leaves with their numbers, none of which is missing but where a leaf says that it never was."""
    expected: int | None = None
    skipped: tuple[object, object] | None = None
    found: list[tuple[Leaf, int]] = []
    for leaf in leaves:
        if leaf["kind"] == "skip":
            skipped = (leaf.get("first"), leaf.get("last"))
        if leaf["kind"] != "segment":
            continue
        if parse_moment(leaf.get("time")) is None or not is_segment_leaf(leaf):
            raise _leaf_failure(name, leaf["index"], "格式不对", "is not in its form")
        sequence = int(leaf["sequence"])
        if expected not in {None, sequence} and skipped != (expected, sequence - 1):
            place = f"segments/{leaf['file']}"
            raise RefusedError(place, f"缺少分段 #{expected}", f"segment {expected} is missing before {sequence}")
        expected, skipped = sequence + 1, None
        found.append((leaf, sequence))
    return found


def check_segments(run: Run, log: CheckedLog, leaves: Sequence[Leaf]) -> None:
    """Every segment is the file that the log fixed, in time; no number is missing; no file is foreign.

    A masked edition holds none of them, but their leaves must be in time as well.
    """
    named: dict[str, Leaf] = {}
    for leaf, _ in _numbered("log/leaves.jsonl", leaves):
        name = f"segments/{leaf['file']}"
        there = (run.sums[name], run.stored.entries[name].size) if name in run.sums else None
        if run.kind == "package" and there != (leaf.get("sha256"), leaf.get("bytes")):
            raise RefusedError(name, "不是日志固定的那个分段", "is not the segment that the log fixed")
        _check_delay(run, log, name, leaf)
        named[name] = leaf
    held = set(named) if run.kind == "package" else set()
    foreign = sorted(n for n in run.sums if n.startswith("segments/") and n not in held)
    if foreign or not named:
        raise RefusedError(foreign[0] if foreign else "segments", "不在日志之列", "is not in the log")
    run.facts |= {"log": log.checkpoints[-1].origin, "checkpoints": len(log.checkpoints), "segments": len(named)}
    run.facts["received"] = sum(leaf["how"] == "received" for leaf in named.values())
    run.facts["late"] = sum(bool(leaf.get("late")) for leaf in named.values())


def check_received(run: Run, log: CheckedLog) -> None:
    """Every file from elsewhere is the one that the log fixed when it was taken in."""
    name = "log/received.jsonl"
    leaves = _included(run, log, name, "log/received.txt") if name in run.sums else []
    named = set()
    for leaf in leaves:
        if not is_received_leaf(leaf):
            raise _leaf_failure(name, leaf["index"], "格式不对", "is not in its form")
        file = leaf["file"]
        if not file:
            continue
        if file not in run.sums or (run.sums[file], run.stored.entries[file].size) != (leaf["sha256"], leaf["bytes"]):
            raise RefusedError(file, "不是日志固定的那个文件", "is not the file that the log fixed")
        _check_delay(run, log, file, leaf)
        named.add(file)
    foreign = sorted(n for n in run.sums if n.startswith("received/") and n not in named)
    if foreign:
        raise RefusedError(foreign[0], "不在日志之列", "is not in the log")
    run.facts["files_received"] = len(leaves)


def _check_delay(run: Run, log: CheckedLog, name: str, leaf: Leaf) -> None:
    """Token time minus start, at most the limit: who makes a log up later has no token of that time."""
    begun = parse_moment(leaf.get("time"))
    if begun is None or not run.anchors.roots:
        return
    covering = zip(log.checkpoints, log.times, strict=True)
    stamped = next((time for checkpoint, time in covering if checkpoint.size > leaf["index"] and time), None)
    if stamped is None:
        raise RefusedError(name, "没有带时间戳的检查点覆盖它", "no time-stamped checkpoint covers it")
    delay = (stamped - begun).total_seconds()
    if delay > run.anchors.limit_s:
        raise RefusedError(
            name,
            f"开始 {delay:.0f} 秒后才被固定，超过 {run.anchors.limit_s} 秒",
            f"was fixed {delay:.0f} s after it began; the limit is {run.anchors.limit_s} s",
        )
    if delay < -_EARLY_S:
        raise RefusedError(
            name, f"自称在固定之后 {-delay:.0f} 秒才开始", f"is said to have begun {-delay:.0f} s after it was fixed"
        )
    run.facts["latest_token_s"] = max(run.facts.get("latest_token_s", 0), round(delay, 1))
