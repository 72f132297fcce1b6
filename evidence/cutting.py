"""Runs the ffmpeg that cuts: segments go in on stdin, the file appears whole or not at all."""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from core.errors import BadInputError, Sentence, StorageError
from ingest.commands import segment_feed
from ingest.process import Confinement, start_confined
from ingest.route import plain_environment
from ingest.segments import take_back

MADE = Path("made")
"""What the cutting ffmpeg calls its file; its container is told by an option, not by the name."""

_BLOCK = 1 << 20
_MESSAGE_BYTES = 4000


def run_cut(argv: Sequence[str], feed: Sequence[Path], target: Path, *, listed: bool, user: str, limit_s: int) -> None:
    """Run ``argv``, which writes the file `MADE` into the folder it runs in, and move that to ``target``.

    The segments ``feed`` go in on stdin, one after the other, or ``listed`` by name. ffmpeg runs behind
    `ingest.launcher` in a folder of its own, for ``limit_s`` seconds at most, of the clock and of the processor.
    Raises `BadInputError` when it cannot make the file, `StorageError` when the disk is full or it does not start.
    """
    confinement = Confinement(plain_environment(), user=user, cpu_s=limit_s)
    with (
        tempfile.TemporaryFile() as messages,
        tempfile.TemporaryDirectory(prefix=".cut-", dir=target.parent) as folder,
    ):
        work = Path(folder)
        confinement.hand_over(work)
        given = segment_feed(_within_reach(feed, work) if user else feed) if listed else feed
        process = start_confined(argv, confinement, cwd=work, stdin=subprocess.PIPE, stderr=messages)
        watchdog = threading.Timer(limit_s, process.kill)
        watchdog.start()
        try:
            _pour(given, process.stdin)
            code = process.wait()
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
        made = work / MADE
        if code != 0 or not os.path.lexists(made):
            raise _failure(code, _tail(messages))
        take_back(made)
        made.replace(target)


def _within_reach(paths: Sequence[Path], work: Path) -> list[Path]:
    """Copies in ``work``, by their names there, that another user can read whoever may enter the folders above."""
    names = [Path(f"{number}{path.suffix}") for number, path in enumerate(paths)]
    for path, name in zip(paths, names, strict=True):
        shutil.copyfile(path, work / name)
        (work / name).chmod(0o644)
    return names


def _pour(feed: Sequence[Path] | bytes, pipe: IO[bytes] | None) -> None:
    if pipe is None:
        return
    try:
        with pipe:
            for block in _blocks(feed):
                pipe.write(block)
    except BrokenPipeError:
        # ffmpeg stops reading once it has what it needs; its exit code tells whether all went well.
        return


def _blocks(feed: Sequence[Path] | bytes) -> Iterator[bytes]:
    if isinstance(feed, bytes):
        yield feed
        return
    for path in feed:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block


def _tail(messages: IO[bytes]) -> str:
    size = messages.seek(0, os.SEEK_END)
    messages.seek(max(0, size - _MESSAGE_BYTES))
    lines = messages.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def _failure(code: int, reason: str) -> StorageError | BadInputError:
    if "No space left" in reason:
        return StorageError(
            "clip_disk_full",
            "磁盘空间不足，片段没有写出。",
            "The disk is full; no clip was written.",
            hint=Sentence("请腾出空间后再试。", "Free some space, then try again."),
        )
    shown = reason or f"exit code {code}"
    return BadInputError(
        "clip_failed",
        f"ffmpeg 截不出这个片段：{shown}。",
        f"ffmpeg could not make this clip: {shown}.",
        hint=Sentence("换用 .mkv 格式或 exact 模式再试。", "Try an .mkv file or the exact mode."),
    )


@contextmanager
def written_whole(output: Path) -> Iterator[Path]:
    """A temporary file beside ``output``; fsynced and renamed when the block ends well, removed otherwise.

    Raises `StorageError` when the folder cannot be written.
    """
    partial = output.with_name(f".{output.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        partial.touch(exist_ok=False)
        yield partial
        _settle(partial, output)
    except OSError as error:
        raise StorageError(
            "clip_unwritable",
            f"{output} 写不进去（{error.strerror}）。",
            f"{output} cannot be written ({error.strerror}).",
            hint=Sentence("请换一个可写的位置。", "Choose a place that can be written."),
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _settle(partial: Path, output: Path) -> None:
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(output)
    folder = os.open(output.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
