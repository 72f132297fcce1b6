"""Takes in files from elsewhere beside a stream: transcripts, chats, screenshots, order shots, metadata.

Each is copied into the stream's folder and entered in its log as received, with its hash, the time of receipt and who
gave it, never as recorded. A checkpoint is made, and stamped, at once.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.clock import utc_now
from core.errors import BadInputError, StorageError
from core.records import ModelIdentity, Stream
from evidence.audit import append_audit
from evidence.checkpoints import FOLDER as CHECKPOINTS
from evidence.container import NAME
from evidence.held import file_sha256
from evidence.keys import Keyring
from evidence.leaves import Leaf, Session, received_leaf
from evidence.live_log import LiveLog, make_checkpoint, stamp_pending
from evidence.segment_log import SegmentLog, log_path, read_log
from evidence.staging import ExportContext
from ingest.layout import stream_path
from ingest.lock import StreamLock

FOLDER = "received"
KINDS = ("recording", "transcript", "chat", "screenshot", "order", "metadata", "other")
_LARGEST = 512 << 20
_WORDS = {
    "order": ("order", "订单", "下单", "支付", "pay"),
    "chat": ("chat", "弹幕", "聊天", "comment", "danmaku", "评论"),
    "transcript": ("transcript", "字幕", "文字稿"),
}
_SUFFIXES = {
    "transcript": {".srt", ".vtt", ".ass", ".lrc"},
    "screenshot": {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".heic"},
    "chat": {".xml"},
    "metadata": {".json", ".jsonl", ".nfo", ".yaml", ".yml"},
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is taken in: a file, what it is (`KINDS`; empty: told by its name), and whether it is copied.

    ``keep=False`` enters the hash alone: that of a recording whose media is held as segments; ``sha256`` where it is
    known already.
    """

    path: Path
    kind: str = ""
    keep: bool = True
    sha256: str = ""


def kind_of(path: Path) -> str:
    """What a file is by its name; one of `KINDS`."""
    name, suffix = path.stem.lower(), path.suffix.lower()
    for kind, words in _WORDS.items():
        if any(word in name for word in words):
            return kind
    return next((kind for kind, suffixes in _SUFFIXES.items() if suffix in suffixes), "other")


def received_path(data_dir: Path, stream: str, leaf: Leaf) -> Path:
    """Where a received file lies."""
    return stream_path(data_dir, stream) / str(leaf["file"])


def sidecars_of(recording: Path) -> list[Path]:
    """Files beside a recording that share its stem: ``a.srt``, ``a.chat.json``, ``a-订单.png`` for ``a.mp4``."""
    home = recording.parent.resolve()
    beside = (path for path in recording.parent.iterdir() if path.is_file() and path != recording)
    # A link to elsewhere is no file beside it: it may lead to what nobody meant to give.
    near = sorted(path for path in beside if path.resolve().is_relative_to(home))
    return [
        path
        for path in near
        if path.name.startswith(recording.stem)
        and path.name[len(recording.stem) : len(recording.stem) + 1] in {".", "-", "_", " "}
        and (kind_of(path) != "other")
    ]


def receive(context: ExportContext, stream: Stream, receipts: Sequence[Receipt], giver: str = "") -> list[Leaf]:
    """Take files in and return their new leaves; what is there already, by hash, is left alone.

    Raises `BadInputError` (no such file, too large), `ConflictError` (the stream is being recorded), `StorageError`.
    """
    for receipt in receipts:
        if receipt.keep:
            check_receivable(receipt.path)
    folder = stream_path(context.data_dir, stream.name)
    with StreamLock(folder):
        _begin(context, stream)
        known: set[str] = set()
        log = SegmentLog(log_path(context.data_dir, stream.name), partial(_note_received, known))
        try:
            added = _append(log, known, folder, receipts, giver)
            make_checkpoint(context.data_dir, folder, log.hashes, Keyring(context.data_dir / "keys"))
        finally:
            log.close()
    if context.seal.tsa_url:
        stamp_pending(folder / CHECKPOINTS, context.seal.tsa_url)
    for leaf in added:
        detail = {"stream": stream.name, "name": leaf["name"], "sha256": leaf["sha256"], "giver": giver}
        append_audit(context.data_dir, context.actor, "receive", detail)
    return added


def _begin(context: ExportContext, stream: Stream) -> None:
    """A stream that has no log gets one: what is recorded of it so far counts as received."""
    if read_log(log_path(context.data_dir, stream.name)).lines:
        return
    session = Session(stream, stream.source, "received", context.seal.program, ModelIdentity("", ""))
    with LiveLog(context.db, context.data_dir, session, context.seal) as log:
        log.started()
        log.ended("received")


def _note_received(known: set[str], leaf: Leaf) -> None:
    if leaf["kind"] == "received":
        known.add(leaf["sha256"])


def _append(log: SegmentLog, known: set[str], folder: Path, receipts: Sequence[Receipt], giver: str) -> list[Leaf]:
    """Append what is new; ``known``: SHA-256 of what was received before."""
    added: list[Leaf] = []
    for receipt in receipts:
        fields = _taken(folder, receipt, giver)
        if fields["sha256"] not in known:
            known.add(fields["sha256"])
            added.append(log.append(received_leaf(fields, utc_now())))
    return added


def check_receivable(path: Path) -> None:
    """Raises `BadInputError` for what is no file or too large."""
    if not path.is_file():
        raise BadInputError("receive_missing", f"找不到文件 {path}。", f"There is no file {path}.")
    if path.stat().st_size > _LARGEST:
        raise BadInputError(
            "receive_large",
            f"{path.name} 超过 512 MiB：录像请用 livewitness backfill 导入。",
            f"{path.name} is larger than 512 MiB: take recordings in with livewitness backfill.",
        )


def _taken(folder: Path, receipt: Receipt, giver: str) -> Leaf:
    """Copy the file under its hash and describe it."""
    sha256 = file_sha256(receipt.path) if receipt.keep or not receipt.sha256 else receipt.sha256
    suffix = receipt.path.suffix.lower()
    name = f"{FOLDER}/{sha256[:32]}{suffix}"
    if not NAME.fullmatch(name):
        name = f"{FOLDER}/{sha256[:32]}"
    if receipt.keep:
        _copy(receipt.path, folder / name, sha256)
    return {
        "file": name if receipt.keep else "",
        "name": receipt.path.name,
        "what": receipt.kind or kind_of(receipt.path),
        "sha256": sha256,
        "bytes": receipt.path.stat().st_size,
        "giver": giver,
    }


def _copy(source: Path, target: Path, sha256: str) -> None:
    """A durable copy with this hash. Raises `StorageError` when the disk is full or the source changes meanwhile."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as read, partial.open("wb") as written:
            while block := read.read(1 << 20):
                written.write(block)
            written.flush()
            os.fsync(written.fileno())
        if file_sha256(partial) != sha256:
            raise StorageError(
                "receive_changed", f"{source} 在读取时被改动。", f"{source} was changed while it was read."
            )
        partial.replace(target)
    except OSError as error:
        raise StorageError(
            "receive_unwritable",
            f"{target} 写不进去（{error.strerror}）。",
            f"{target} cannot be written ({error.strerror}).",
        ) from error
    finally:
        partial.unlink(missing_ok=True)
