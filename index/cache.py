"""Everything search needs of the archive in memory: terms, times and vectors, a cache of what the database holds.

Rows count utterances in order of id. `IndexCache.refresh` reads what any process wrote or deleted since the last call;
nothing here is the only copy of anything, so a snapshot (index/snapshot.py) may be lost or thrown away.
"""

import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from core.clock import parse_iso
from core.records import ModelIdentity
from index.columns import Column
from index.grams import JOINT
from index.hearing import Reader
from index.inverted import BLOCK, TermIndex, term
from index.vectors import Mask, VectorStore
from models.embedder import Matrix
from store.readings import Indexed, indexed_after
from store.vectors import anything_new, removals_after, vectors_after, vectors_of

Ids = NDArray[np.int64]
Totals = NDArray[np.int64]
Progress = Callable[[int], None]
WAYS = ("letters", "sounds", "concepts")
# A neighbour that follows after a longer silence is another matter.
NEIGHBOUR_MS = 6_000
# What was deleted counts for as many rows read, so that a snapshot without it is written at once.
_ERASED_SOON = 1_000_000
# Hashes of grams remembered while many utterances are read; a gram of one symbol has none.
_REMEMBERED = 500_000
_SHIFT = np.uint64(32)


class IndexCache:
    """Terms, times and vectors of one model, by row. Hold ``lock`` while reading several of its parts."""

    def __init__(self, identity: ModelIdentity, dim: int, reader: Reader) -> None:
        self.identity = identity
        self.reader = reader
        self.lock = threading.RLock()
        self.vectors = VectorStore(dim)
        self.terms = {way: TermIndex() for way in WAYS}
        self.ids = Column(np.int64)
        self.streams = Column(np.int32)
        self.wall_ms = Column(np.int64)
        self.length_ms = Column(np.int32)
        self.before = Column(np.int32)
        """Row of the utterance just before in the same stream; -1: none within `NEIGHBOUR_MS`."""
        self.after = Column(np.int32)
        """The inverse of ``before``."""
        self.alive = Column(np.bool_)
        self.place = Column(np.int32)
        """Place of the row's vector in ``vectors``; -1 while it has none."""
        self.row_of_place = Column(np.int32)
        self.stream_names: list[str] = []
        self.first_rows: list[int] = []
        """Of each stream, by number, the first row."""
        self._codes: dict[str, int] = {}
        self.totals: Totals = np.zeros((0, 3), dtype=np.int64)
        """Of each stream, by number: living utterances, how many of them have a vector, their length in ms."""
        self.scores = np.zeros((3, BLOCK), dtype=np.float32)
        """Room to score the rows of one block, by `WAYS`."""
        self._covered = np.zeros(0, dtype=np.float32)
        self._last: dict[int, tuple[int, int]] = {}
        self._pairs = _PairTerms()
        self.vector_number = 0
        self.removal_number = 0
        self.fresh = 0
        """Rows and vectors read since the last snapshot."""

    def __len__(self) -> int:
        return len(self.ids)

    def refresh(self, connection: Connection, progress: Progress | None = None, *, most: int = sys.maxsize) -> int:
        """Read what was written or deleted since the last call; how many rows and vectors that were.

        About ``most`` rows at once, and then as many vectors: when that many were read there may be more.
        """
        with self.lock:
            last = int(self.ids.values[-1]) if len(self.ids) else 0
            if not anything_new(connection, last, self.vector_number, self.removal_number):
                return 0
            changed = self._refresh_removals(connection)
            rows = self._refresh_rows(connection, progress, most)
            changed += rows
            if rows < most:  # a vector finds its row only where all rows are there
                changed += self._refresh_vectors(connection, progress, most)
            self.fresh += changed
            return changed

    def sum_up(self) -> None:
        """Count every stream anew, after a snapshot was read."""
        self.totals = np.zeros((len(self.stream_names), 3), dtype=np.int64)
        living = np.flatnonzero(self.alive.values)
        self._count(living, 1)
        self._count_vectors(living[self.place.values[living] >= 0], 1)

    def _count(self, rows: Ids, sign: int) -> None:
        streams, names = self.streams.values[rows], len(self.stream_names)
        self.totals[:, 0] += sign * np.bincount(streams, minlength=names)
        lengths = np.bincount(streams, self.length_ms.values[rows], minlength=names)
        self.totals[:, 2] += sign * lengths.astype(np.int64)

    def _count_vectors(self, rows: Ids, sign: int) -> None:
        self.totals[:, 1] += sign * np.bincount(self.streams.values[rows], minlength=len(self.stream_names))

    def rows_of(self, ids: Ids) -> NDArray[np.int64]:
        """Rows of the utterance ids that are known and alive, in the order of ``ids``."""
        known = self.ids.values
        places = np.minimum(np.searchsorted(known, ids), max(0, len(known) - 1))
        if not len(known):
            return np.zeros(0, dtype=np.int64)
        rows: Ids = places[known[places] == ids]
        return rows[self.alive.values[rows]]

    def room_for_scores(self) -> Matrix:
        """Room to score every row, in whole blocks; what stands in it is of no meaning."""
        wanted = -(-len(self) // BLOCK) * BLOCK
        if len(self._covered) != wanted:
            self._covered = np.zeros(wanted, dtype=np.float32)
        return self._covered

    def code(self, stream: str) -> int:
        """The number of a stream in ``streams``; -1 when nothing of it is indexed."""
        return self._codes.get(stream, -1)

    def nearest(self, vector: Matrix, count: int, rows: Mask | None = None) -> tuple[NDArray[np.int64], Matrix]:
        """Rows and inner products of the ``count`` nearest living vectors, within the mask over rows."""
        owners = self.row_of_place.values
        if rows is None:
            places, scores = self.vectors.nearest(vector, count)
        else:
            chosen = np.flatnonzero(rows)
            within = self.place.values[chosen[self.alive.values[chosen]]]
            places, scores = self.vectors.nearest(vector, count, within[within >= 0].astype(np.int64))
        return owners[places].astype(np.int64), scores

    def products(self, vector: Matrix, rows: NDArray[np.int64]) -> Matrix:
        """Inner products of ``vector`` with the vectors of ``rows``; NaN for rows that have none."""
        places = self.place.values[rows]
        found = np.full(len(rows), np.nan, dtype=np.float32)
        known = places >= 0
        found[known] = self.vectors.similarities(vector, places[known].astype(np.int64))
        return found

    def refined(self, connection: Connection, vector: Matrix, count: int) -> Ids:
        """Ids of the ``count`` nearest, put in order by the exact vectors of four times as many."""
        rows, scores = self.nearest(vector, 4 * count)
        exact = self.exact_products(connection, vector, rows)
        order = np.argsort(-np.where(np.isnan(exact), scores, exact), kind="stable")[:count]
        best: Ids = self.ids.values[rows[order]]
        return best

    def exact_products(self, connection: Connection, vector: Matrix, rows: NDArray[np.int64]) -> Matrix:
        """Like `products`, with the vectors as the database holds them; at most 500 rows."""
        ids, matrix = vectors_of(connection, self.identity.sha256, self.ids.values[rows].tolist())
        known = dict(zip(ids, (matrix @ vector).tolist(), strict=True)) if ids else {}
        return np.array([known.get(int(i), np.nan) for i in self.ids.values[rows]], dtype=np.float32)

    def name_streams(self, names: Sequence[str]) -> None:
        """Set the names of the streams by number, as a snapshot holds them."""
        self.stream_names = list(names)
        self._codes = {name: code for code, name in enumerate(names)}

    def last_of_streams(self) -> dict[int, tuple[int, int]]:
        """Of each stream, by number, the last row and its end in stream time."""
        return self._last

    def set_last(self, last: dict[int, tuple[int, int]]) -> None:
        """The inverse of `last_of_streams`."""
        self._last = dict(last)

    def _refresh_removals(self, connection: Connection) -> int:
        self.removal_number, gone = removals_after(connection, self.removal_number)
        rows = self.rows_of(np.array(gone, dtype=np.int64))
        if not len(rows):
            return 0
        self.alive.values[rows] = False
        self._count(rows, -1)
        self._count_vectors(rows[self.place.values[rows] >= 0], -1)
        dead = ~self.alive.values
        for way in WAYS:
            self.terms[way].forget(dead)
        places = self.place.values[rows]
        self.vectors.forget(places[places >= 0].astype(np.int64))
        return _ERASED_SOON + len(rows)

    def _refresh_rows(self, connection: Connection, progress: Progress | None, most: int) -> int:
        count = 0
        while count < most:
            after = int(self.ids.values[-1]) if len(self.ids) else 0
            block = indexed_after(connection, self.reader.version, after)
            if not block:
                break
            self._add_rows(block)
            count += len(block)
            if progress:
                progress(len(block))
        return count

    def _add_rows(self, block: Sequence[Indexed]) -> None:
        first = len(self)
        codes = [self._coded(said.stream, first + n) for n, said in enumerate(block)]
        self.ids.extend([said.id for said in block])
        self.streams.extend(codes)
        self.wall_ms.extend([_epoch_ms(said.wall_start) for said in block])
        self.length_ms.extend([said.end_ms - said.start_ms for said in block])
        self.after.extend([-1] * len(block))
        self.before.extend([self._predecessor(first + n, codes[n], said) for n, said in enumerate(block)])
        self.alive.extend([True] * len(block))
        self.place.extend([-1] * len(block))
        more = len(self.stream_names) - len(self.totals)
        self.totals = np.concatenate([self.totals, np.zeros((more, 3), dtype=np.int64)]) if more else self.totals
        self._count(np.arange(first, len(self)), 1)
        self._add_terms("letters", first, [self._pairs.terms(said.letters.split()) for said in block])
        self._add_terms("sounds", first, [self._pairs.terms(said.sounds.split()) for said in block])
        self._add_terms("concepts", first, [[term(name) for name in self._concepts(said)] for said in block])

    def _concepts(self, said: Indexed) -> Sequence[str]:
        return said.concepts if said.concepts is not None else self.reader.read(said.text).concepts

    def _add_terms(self, way: str, first: int, said: Sequence[Sequence[int]]) -> None:
        terms = np.array([number for numbers in said for number in numbers], dtype=np.uint64)
        rows = np.repeat(np.arange(first, first + len(said), dtype=np.uint64), [len(numbers) for numbers in said])
        self.terms[way].add_keys((terms << _SHIFT) | rows)

    def _coded(self, stream: str, row: int) -> int:
        code = self._codes.setdefault(stream, len(self._codes))
        if code == len(self.stream_names):
            self.stream_names.append(stream)
            self.first_rows.append(row)
        return code

    def _predecessor(self, row: int, code: int, said: Indexed) -> int:
        last, end_ms = self._last.get(code, (-1, 0))
        self._last[code] = (row, said.end_ms)
        if last < 0 or not -1_000 <= said.start_ms - end_ms <= NEIGHBOUR_MS:
            return -1
        self.after.values[last] = row
        return last

    def _refresh_vectors(self, connection: Connection, progress: Progress | None, most: int) -> int:
        count = 0
        while count < most:
            number, ids, matrix = vectors_after(connection, self.identity.sha256, self.vector_number)
            if matrix is None:
                self.vector_number = number
                break
            known = np.searchsorted(self.ids.values, ids)
            known[known == len(self.ids)] = 0
            fits = self.ids.values[known] == ids if len(self.ids) else np.zeros(len(ids), dtype=bool)
            if len(self.ids):
                fits &= (self.place.values[known] < 0) & self.alive.values[known]
            rows = known[fits]
            self.place.values[rows] = np.arange(len(self.vectors), len(self.vectors) + len(rows))
            self.row_of_place.extend(rows)
            self._count_vectors(rows, 1)
            self.vectors.add(matrix[fits])
            self.vector_number = number
            count += len(ids)
            if progress:
                progress(len(ids))
        return count


class _PairTerms(dict[str, int]):
    """Hashes of pairs of symbols, remembered; -1 for single ones, which are looked up in the database, when ever."""

    def __missing__(self, gram: str) -> int:
        found = self[gram] = term(gram) if JOINT in gram else -1
        return found

    def terms(self, grams: Sequence[str]) -> list[int]:
        """The hashes of the pairs among ``grams``."""
        if len(self) > _REMEMBERED:
            self.clear()
        return [number for gram in grams if (number := self[gram]) >= 0]


def _epoch_ms(text: str) -> int:
    moment: datetime = parse_iso(text)
    return round(moment.timestamp() * 1000)
