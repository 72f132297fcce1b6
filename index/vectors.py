"""The vectors of one model in memory: 8 bits a component, behind a coarse pass over signs.

Up to `EXACT` vectors stand as they are. Then each component is given 256 steps between the least and greatest seen so
far, and its sign against the mean is kept beside it: 1 bit a component finds the nearest thousands (Charikar, 2002;
FAISS counts the bits), 8 bits put them in order. Vectors stand in blocks of 65,536; a full block never changes.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from models.embedder import Matrix

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
_faiss: Any = faiss  # its stubs do not know the functions on bare pointers

EXACT = 4_096
BLOCK = 1 << 16
# Below this many vectors in question all are compared in 8 bits; above, the signs choose first.
SCAN = 4_000
# This many come out of the coarse pass; of a part one in fifty, and no fewer than half as many. A query that stands far
# from every text, as one turned towards its answers does, needs more of them than one that says the same as a text.
SHORTLIST = 12_000
THREADS = 2
# The steps leave this share of the range they were laid over free at both ends.
_MARGIN = 0.02
_FAR = 1 << 14
_SAMPLED = 16


@dataclass(frozen=True, slots=True)
class Scale:
    """How components become 8 bits: ``low + (code + ½) × step``; ``mean`` is what signs are taken against."""

    low: Matrix
    step: Matrix
    mean: Matrix

    @classmethod
    def over(cls, matrix: Matrix) -> "Scale":
        """Steps over the range of ``matrix``, with a margin."""
        low, high = matrix.min(axis=0), matrix.max(axis=0)
        free = (high - low) * _MARGIN + 1e-6
        return cls(low - free, (high - low + 2 * free) / 256, matrix.mean(axis=0))

    def codes(self, matrix: Matrix) -> Bytes:
        """8 bits a component."""
        codes: Bytes = np.clip((matrix - self.low) / self.step, 0, 255).astype(np.uint8)
        return codes

    def signs(self, matrix: Matrix) -> Bytes:
        """1 bit a component."""
        signs: Bytes = np.packbits(matrix > self.mean, axis=1)
        return signs

    def sought(self, vector: Matrix) -> Bytes:
        """The signs ``(1, bytes)`` of what is nearest to ``vector``, of whatever length, by the inner product."""
        towards = vector - self.mean * np.float32(float(vector @ self.mean) / max(float(self.mean @ self.mean), 1e-9))
        return np.packbits(towards > 0).reshape(1, -1)

    def vectors(self, codes: Bytes) -> Matrix:
        """The inverse of `codes`, within half a step."""
        found: Matrix = (codes + np.float32(0.5)) * self.step + self.low
        return found


class VectorStore:
    """Vectors by place (0, 1, 2 … in order of adding). Not thread-safe."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.exact: Matrix = np.zeros((0, dim), dtype=np.float32)
        """All vectors while they are few."""
        self.scale: Scale | None = None
        self.codes: list[Bytes] = []
        """Blocks ``(65536, dim)``, the last one filled in part."""
        self.room: Bytes = np.zeros((0, -(-dim // 8)), dtype=np.uint8)
        """Signs of all vectors in one piece, and room for more."""
        self._count = 0
        self._gone: Places = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return self._count

    @classmethod
    def of(cls, scale: Scale, codes: Bytes, signs: Bytes) -> "VectorStore":
        """A store as it was saved: ``codes`` (n, dim) and ``signs`` (n, dim / 8), perhaps mapped from a file."""
        store = cls(codes.shape[1])
        store.scale, store._count = scale, len(codes)
        store.codes, store.room = _in_blocks(codes), signs
        return store

    @property
    def signs(self) -> Bytes:
        """The signs of all vectors, ``(n, dim / 8)``."""
        return self.room[: self._count]

    @property
    def quantised(self) -> bool:
        """Whether vectors are kept in 8 bits."""
        return self.scale is not None

    def add(self, matrix: Matrix) -> None:
        """Append rows ``(n, dim)``."""
        matrix = np.ascontiguousarray(matrix, dtype=np.float32)
        if self.scale is None:
            matrix = self.exact = np.concatenate([self.exact, matrix])
            self._count = len(matrix)
            if self._count < EXACT:
                return
            self.scale, self._count = Scale.over(matrix), 0
            self.exact = self.exact[:0]
        self._add_signs(self.scale.signs(matrix))
        first = 0
        while first < len(matrix):
            within = self._count % BLOCK
            if not within:
                self.codes.append(np.zeros((BLOCK, self.dim), dtype=np.uint8))
            part = matrix[first : first + BLOCK - within]
            self.codes[-1][within : within + len(part)] = self.scale.codes(part)
            self._count += len(part)
            first += len(part)

    def _add_signs(self, signs: Bytes) -> None:
        end = self._count + len(signs)
        if end > len(self.room):
            grown = np.zeros((max(end, len(self.room) * 5 // 4), self.room.shape[1]), dtype=np.uint8)
            grown[: self._count] = self.signs
            self.room = grown
        self.room[self._count : end] = signs

    def nearest(self, vector: Matrix, count: int, places: Places | None = None) -> tuple[Places, Matrix]:
        """Places and inner products of the ``count`` nearest to ``vector`` (dim,), best first; among ``places``."""
        among = self._count - len(self._gone) if places is None else len(places)
        if self.scale is not None and among > SCAN:
            coarse = SHORTLIST if places is None else min(SHORTLIST, max(SHORTLIST // 2, among // 50))
            places = self._shortlist(vector, min(among, max(coarse, 4 * count)), places)
        elif places is None:
            places = np.setdiff1d(np.arange(self._count), self._gone, assume_unique=True)
        scores = self.similarities(vector, places)
        best = np.argsort(-scores, kind="stable")[:count]
        return places[best], scores[best]

    def similarities(self, vector: Matrix, places: Places) -> Matrix:
        """Inner products of ``vector`` with the vectors at ``places``."""
        if not len(places):
            return np.zeros(0, dtype=np.float32)
        # Without BLAS, whose threads cost more than they bring where the cores are busy.
        if self.scale is None:
            scores: Matrix = np.einsum("ij,j->i", self.exact[places], vector)
            return scores
        scores = np.einsum("ij,j->i", self._codes_at(places).astype(np.float32), vector * self.scale.step)
        return scores + np.float32(vector @ (self.scale.low + self.scale.step / 2))

    def vectors(self, places: Places) -> Matrix:
        """The vectors at ``places``, as exact as they are kept."""
        return self.exact[places] if self.scale is None else self.scale.vectors(self._codes_at(places))

    def forget(self, places: Places) -> None:
        """Blank the vectors at ``places``, which are never found again; the places stay taken."""
        self._gone = np.union1d(self._gone, places)
        if self.scale is None:
            self.exact[places] = 0
            return
        self.room[places] = 0
        for number in np.unique(places // BLOCK).tolist():
            if not self.codes[number].flags.writeable:  # mapped from a file
                self.codes[number] = np.array(self.codes[number])
            self.codes[number][places[places // BLOCK == number] % BLOCK] = 0

    def _codes_at(self, places: Places) -> Bytes:
        found = np.empty((len(places), self.dim), dtype=np.uint8)
        numbers = places // BLOCK
        for number in np.unique(numbers).tolist():
            chosen = numbers == number
            found[chosen] = self.codes[number][places[chosen] % BLOCK]
        return found

    def _shortlist(self, vector: Matrix, count: int, places: Places | None) -> Places:
        """About the ``count`` places whose signs differ least from those of ``vector``."""
        if self.scale is None:
            raise ValueError("there are no signs yet")
        sought = self.scale.sought(vector)
        if places is not None and len(places) < self._count // 2:
            return places[_least(_differences(sought, self.signs[places]), count)]
        # A few long calls: between them a thread waits for whoever runs Python.
        parts = np.array_split(self.signs, THREADS)
        differences = np.concatenate(list(_threads().map(lambda part: _differences(sought, part), parts)))
        differences[self._gone] = _FAR
        if places is not None:
            allowed = np.full(self._count, _FAR, dtype=np.int32)
            allowed[places] = 0
            differences += allowed
        return _least(differences, count)


def _differences(sought: Bytes, signs: Bytes) -> NDArray[np.int32]:
    """In how many bits each row of ``signs`` differs from ``sought`` (1, bytes)."""
    signs = np.ascontiguousarray(signs)
    found = np.empty(len(signs), dtype=np.int32)
    _faiss.hammings(
        _faiss.swig_ptr(sought), _faiss.swig_ptr(signs), 1, len(signs), signs.shape[1], _faiss.swig_ptr(found)
    )
    return found


def _least(differences: NDArray[np.int32], count: int) -> Places:
    """Places of the ``count`` least, and of up to as many more that equal the last of them."""
    if len(differences) <= count:
        return np.arange(len(differences))
    near = np.flatnonzero(differences <= _limit(differences, count))
    if len(near) < count:  # what the sample tells is not true of the whole
        near = np.arange(len(differences))
    exact = differences[near]
    last = int(np.searchsorted(np.cumsum(np.bincount(exact)), count))
    nearer, equal = near[exact < last], near[exact == last]
    return np.concatenate([nearer, equal[: 2 * count - len(nearer)]])


def _limit(differences: NDArray[np.int32], count: int) -> int:
    """A difference that a little more than ``count`` stay below, judged by a sample."""
    sample = differences[::_SAMPLED]
    wanted = min(len(sample) - 1, 2 * count // _SAMPLED + 20)
    return int(np.partition(sample, wanted)[wanted])


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="vector-scan")


def _in_blocks(rows: Bytes) -> list[Bytes]:
    """Views of whole blocks; the last one is copied, as more will be added to it."""
    blocks = [rows[first : first + BLOCK] for first in range(0, len(rows), BLOCK)]
    if blocks and len(blocks[-1]) < BLOCK:
        last = np.zeros((BLOCK, rows.shape[1]), dtype=np.uint8)
        last[: len(blocks[-1])] = blocks[-1]
        blocks[-1] = last
    return blocks
