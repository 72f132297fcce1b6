"""Which leaves and checkpoints prove a run of segments, and the proofs as lines of text that bash can read."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from core.errors import ConflictError, Sentence
from evidence.checkpoints import StoredCheckpoint, checkpoint_paths, load_checkpoint
from evidence.merkle import Tree
from evidence.segment_log import LogView


@dataclass(frozen=True, slots=True)
class Proof:
    """Leaves by index, and the checkpoints from the one before the first segment to a stamped one after the last."""

    indexes: tuple[int, ...]
    checkpoints: tuple[StoredCheckpoint, ...]


def choose_leaves(view: LogView, sequences: Sequence[int]) -> tuple[int, ...]:
    """The log's first leaf, the session in force, and every leaf from the first to the last segment.

    Raises `ConflictError` when the log lacks one of the segments.
    """
    place = {leaf["sequence"]: leaf["index"] for leaf in view.leaves if leaf["kind"] == "segment"}
    missing = [sequence for sequence in sequences if sequence not in place]
    if missing:
        raise not_logged(missing[0])
    first, last = place[sequences[0]], place[sequences[-1]]
    session = max((leaf["index"] for leaf in view.leaves[:first] if leaf["kind"] == "session"), default=0)
    return tuple(sorted({0, session, *range(first, last + 1)}))


def choose_checkpoints(folder: Path, first: int, last: int) -> tuple[StoredCheckpoint, ...]:
    """Checkpoints around the leaves ``first`` to ``last``; empty when none covers ``last`` yet."""
    sizes = {int(path.stem): path for path in checkpoint_paths(folder)}
    before = max((size for size in sizes if size <= first), default=0)
    covering = [size for size in sorted(sizes) if size > last]
    if not covering:
        return ()
    end = next((size for size in covering if sizes[size].with_suffix(".tsr").exists()), covering[0])
    loaded = [load_checkpoint(sizes[size]) for size in sorted(sizes) if before <= size <= end]
    if None in loaded:
        raise ConflictError(
            "checkpoint_damaged",
            f"{folder} 里有损坏的检查点。",
            f"A checkpoint in {folder} is damaged.",
            hint=Sentence("运行 livewitness archive verify。", "Run livewitness archive verify."),
        )
    return tuple(stored for stored in loaded if stored is not None)


def inclusion_text(view: LogView, indexes: Sequence[int], size: int) -> bytes:
    """For each leaf a line: its index, then the hashes from it up to the root of ``size``."""
    tree = Tree(view.hashes[:size])
    lines = [" ".join([str(index), *(h.hex() for h in tree.inclusion(index))]) for index in indexes]
    return "\n".join([*lines, ""]).encode()


def consistency_text(view: LogView, sizes: Sequence[int]) -> bytes:
    """For each two neighbouring checkpoints a line: both sizes, then the hashes."""
    lines = []
    for first, second in pairwise(sizes):
        proof = Tree(view.hashes[:second]).consistency(first)
        lines.append(" ".join([str(first), str(second), *(h.hex() for h in proof)]))
    return "\n".join([*lines, ""]).encode() if lines else b""


def not_logged(sequence: int) -> ConflictError:
    """The error for a segment that the log does not list."""
    return ConflictError(
        "segment_not_logged",
        f"分段 #{sequence} 还没有写进证据日志。",
        f"Segment #{sequence} is not in the segment log yet.",
        hint=Sentence("正在录制时请过几秒再试。", "While the stream is being recorded, try again in a few seconds."),
    )
