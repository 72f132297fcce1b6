"""The untouched segments of a stretch with everything that proves them: leaves, inclusion, checkpoints, consistency."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConflictError, NotFoundError
from core.records import ModelIdentity, Segment, Stream
from evidence.checkpoints import FOLDER, StoredCheckpoint
from evidence.coverage import Cover, find_cover
from evidence.held import held_path, is_sound
from evidence.keys import Keyring
from evidence.leaves import Leaf, Session
from evidence.live_log import LiveLog, SealOptions, make_checkpoint, stamp_pending
from evidence.proofs import choose_checkpoints, choose_leaves, consistency_text, inclusion_text
from evidence.segment_log import LogView, log_path, read_log
from evidence.staging import ExportContext, Staging
from ingest.layout import stream_path
from ingest.lock import StreamLock
from store import streams

_STAMPS = 200


@dataclass(frozen=True, slots=True)
class Chain:
    """What database and log say of a stretch. ``received``: leaves of files from elsewhere, of this stream."""

    stream: Stream
    cover: Cover
    segments: tuple[Segment, ...]
    view: LogView
    indexes: tuple[int, ...]
    received: tuple[Leaf, ...]
    checkpoints: tuple[StoredCheckpoint, ...]

    @property
    def leaves(self) -> list[Leaf]:
        """The leaves of the segments."""
        wanted = {segment.sequence for segment in self.segments}
        return [leaf for leaf in (self.view.leaves[i] for i in self.indexes) if leaf.get("sequence") in wanted]

    @property
    def stamped(self) -> bool:
        """Whether the last checkpoint has a token."""
        return self.checkpoints[-1].token is not None

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self.checkpoints[-1].checkpoint.origin


def gather_chain(context: ExportContext, name: str, start_ms: int, end_ms: int) -> Chain:
    """Segments (checked against their hashes), leaves and checkpoints of a stretch.

    Raises what `find_cover` raises, and `ConflictError` when a segment or the log was changed.
    """
    cover = find_cover(context.db, name, start_ms, end_ms)
    for segment in cover.needed:
        held_path(context.data_dir, segment)
    edges = [s for s in (cover.before, cover.after) if s is not None and is_sound(context.data_dir, s)]
    segments = tuple(sorted([*cover.needed, *edges], key=lambda s: s.sequence))
    stream = known_stream(context, name)
    sequences = [segment.sequence for segment in segments]
    view = logged(context, stream, sequences)
    _check_against_log(view, segments)
    indexes = choose_leaves(view, sequences)
    first = next(leaf["index"] for leaf in view.leaves if leaf.get("sequence") == sequences[0])
    received = tuple(leaf for leaf in view.leaves if leaf["kind"] == "received")
    checkpoints = _checkpoints(context, name, view, (first, indexes[-1]), [leaf["index"] for leaf in received])
    return Chain(stream, cover, segments, view, indexes, received, checkpoints)


def known_stream(context: ExportContext, name: str) -> Stream:
    """The stream of this name. Raises `NotFoundError`."""
    with context.db.read() as connection:
        stream = streams.get_stream(connection, name)
    if stream is None:
        raise NotFoundError("stream_unknown", f"没有名为“{name}”的直播流。", f"There is no stream named “{name}”.")
    return stream


def logged(context: ExportContext, stream: Stream, sequences: Iterable[int]) -> LogView:
    """The log, which lists all ``sequences``: what a recording lacks there is taken up as received now."""
    path = log_path(context.data_dir, stream.name)
    view = read_log(path)
    if set(sequences) <= view.segments().keys():
        return view
    session = Session(stream, "database", "received", context.seal.program, ModelIdentity("", ""))
    with (
        StreamLock(stream_path(context.data_dir, stream.name)),
        LiveLog(context.db, context.data_dir, session, SealOptions(context.seal.every_s)) as log,
    ):
        log.started()
        log.ended("taken_up")
    return read_log(path)


def _check_against_log(view: LogView, segments: Iterable[Segment]) -> None:
    """The database and the log must say the same of a segment. Raises `ConflictError`."""
    fixed = view.segments()
    for segment in segments:
        leaf = fixed.get(segment.sequence)
        if leaf is not None and (leaf["sha256"], leaf["bytes"]) != (segment.sha256, segment.size):
            raise ConflictError(
                "segment_not_as_logged",
                f"分段 {segment.path} 与证据日志记载的哈希不符。",
                f"Segment {segment.path} is not the one that the segment log fixed.",
            )


def _checkpoints(
    context: ExportContext, stream: str, view: LogView, around: tuple[int, int], also: list[int]
) -> tuple[StoredCheckpoint, ...]:
    """Checkpoints around the leaves of a stretch, and those that cover the leaves ``also``."""
    folder = seal_log(context, stream, view, max([*around, *also]))
    chosen = {stored.checkpoint.size: stored for stored in choose_checkpoints(folder, *around)}
    for index in also:
        last = choose_checkpoints(folder, index, index)[-1]
        chosen[last.checkpoint.size] = last
    return tuple(chosen[size] for size in sorted(chosen))


def seal_log(context: ExportContext, stream: str, view: LogView, last: int) -> Path:
    """The folder of checkpoints, one of which covers the leaf ``last``; those without a token are stamped."""
    folder = log_path(context.data_dir, stream).parent
    if not choose_checkpoints(folder / FOLDER, last, last):
        make_checkpoint(context.data_dir, folder, view.hashes, Keyring(context.data_dir / "keys"))
    if context.seal.tsa_url:
        stamp_pending(folder / FOLDER, context.seal.tsa_url, most=_STAMPS)
    return folder / FOLDER


def put_segments(staging: Staging, data_dir: Path, chain: Chain) -> None:
    """The segments, untouched."""
    files = {leaf["sequence"]: leaf["file"] for leaf in chain.leaves}
    for segment in chain.segments:
        staging.files[f"segments/{files[segment.sequence]}"] = data_dir / segment.path


def put_proofs(staging: Staging, chain: Chain, *, received: bool = True) -> None:
    """Leaves, inclusion, checkpoints and consistency; with ``received`` those of the files from elsewhere as well."""
    sizes = [stored.checkpoint.size for stored in chain.checkpoints]
    put_leaves(staging, "log/leaves.jsonl", chain.view, chain.indexes, sizes[-1])
    if received and chain.received:
        put_leaves(staging, "log/received.jsonl", chain.view, [leaf["index"] for leaf in chain.received], sizes[-1])
    staging.put("log/consistency.txt", consistency_text(chain.view, sizes))
    for stored in chain.checkpoints:
        put_checkpoint(staging, "log", stored)


def put_leaves(staging: Staging, name: str, view: LogView, indexes: Iterable[int], size: int) -> None:
    """Leaves as ``name``, and beside them (.txt) the hashes that lead to the root of ``size``."""
    places = sorted(indexes)
    staging.put(name, b"".join(view.lines[i] + b"\n" for i in places))
    staging.put(name.replace("leaves.jsonl", "inclusion.txt").replace(".jsonl", ".txt"),
                inclusion_text(view, places, size))  # fmt: skip


def put_checkpoint(staging: Staging, folder: str, stored: StoredCheckpoint) -> None:
    """Text, signature and, where there is one, token."""
    name = f"{folder}/checkpoints/{stored.path.stem}"
    staging.put(f"{name}.txt", stored.text)
    staging.put(f"{name}.sig", stored.signature)
    if stored.token is not None:
        staging.put(f"{name}.tsr", stored.token)
