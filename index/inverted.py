"""Which rows hold a term: an inverted index in numpy arrays, a cache of the postings in the database.

Terms are 32-bit hashes, rows count utterances from 0. Rows are kept in immutable sorted runs, merged as they
grow (O'Neil et al., The log-structured merge-tree, 1996), and a short unsorted tail. Two terms of one hash
cost a candidate too many, never a wrong hit: every candidate is compared with the query itself.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Terms = NDArray[np.uint32]
Rows = NDArray[np.uint32]
_TAIL = 100_000
_GROWTH = 4
_SHIFT = np.uint64(32)


def term(word: str) -> int:
    """The hash of a gram or concept name."""
    return zlib.crc32(word.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Run:
    """``rows[starts[i]:starts[i + 1]]`` hold ``terms[i]``; terms and the rows of each ascend."""

    terms: Terms
    starts: NDArray[np.int64]
    rows: Rows

    def find(self, wanted: int) -> Rows:
        """Rows that hold ``wanted``."""
        place = int(np.searchsorted(self.terms, np.uint32(wanted)))
        if place == len(self.terms) or int(self.terms[place]) != wanted:
            return self.rows[:0]
        return self.rows[int(self.starts[place]) : int(self.starts[place + 1])]


def sorted_run(keys: NDArray[np.uint64]) -> Run:
    """A run of pairs ``term << 32 | row`` in any order, each kept once."""
    keys = np.unique(keys)
    every = (keys >> _SHIFT).astype(np.uint32)
    terms, first = np.unique(every, return_index=True)
    starts = np.append(first, len(keys)).astype(np.int64)
    return Run(terms, starts, keys.astype(np.uint32))


def _keys(run: Run) -> NDArray[np.uint64]:
    every = np.repeat(run.terms, np.diff(run.starts)).astype(np.uint64)
    keys: NDArray[np.uint64] = (every << _SHIFT) | run.rows
    return keys


class TermIndex:
    """Terms to rows. Not thread-safe."""

    def __init__(self, run: Run | None = None) -> None:
        self.runs: list[Run] = [run] if run is not None and len(run.rows) else []
        self._tail: list[NDArray[np.uint64]] = []

    def __len__(self) -> int:
        return sum(len(run.rows) for run in self.runs) + sum(map(len, self._tail))

    def add(self, row: int, terms: Sequence[int]) -> None:
        """Say that ``row`` holds ``terms``."""
        self.add_keys((np.array(terms, dtype=np.uint64) << _SHIFT) | np.uint64(row))

    def add_keys(self, keys: NDArray[np.uint64]) -> None:
        """Add pairs ``term << 32 | row``."""
        self._tail.append(keys)
        if sum(map(len, self._tail)) > _TAIL:
            self.seal()

    def seal(self) -> None:
        """Sort the tail into a run and merge runs of like size."""
        if self._tail:
            run = sorted_run(np.concatenate(self._tail))
            self._tail = []
            while self.runs and len(self.runs[-1].rows) < _GROWTH * len(run.rows):
                run = sorted_run(np.concatenate([_keys(self.runs.pop()), _keys(run)]))
            self.runs.append(run)

    def merged(self) -> Run:
        """Everything as one run, which replaces the others."""
        self.seal()
        if len(self.runs) > 1:
            self.runs = [sorted_run(np.concatenate([_keys(run) for run in self.runs]))]
        return self.runs[0] if self.runs else sorted_run(np.zeros(0, dtype=np.uint64))

    def find(self, wanted: int) -> Rows:
        """Rows that hold the term, ascending within each run."""
        parts = [run.find(wanted) for run in self.runs]
        if self._tail:
            if len(self._tail) > 1:
                self._tail = [np.concatenate(self._tail)]
            keys = self._tail[0]
            parts.append(np.unique(keys[(keys >> _SHIFT) == wanted]).astype(np.uint32))
        return np.concatenate(parts) if len(parts) > 1 else parts[0] if parts else np.zeros(0, dtype=np.uint32)
