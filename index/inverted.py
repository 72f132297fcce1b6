"""Which rows hold a term: an inverted index in numpy arrays, a cache of the postings in the database.

Terms are 32-bit hashes, rows count utterances from 0. Rows stand in blocks of 65,536, so that a row takes 16 bits, a
search within one stream reads one block or two, and a full block never changes again. Within the newest block rows
come in sorted runs, merged as they grow (O'Neil et al., The log-structured merge-tree, 1996), and an unsorted tail.
Two terms of one hash cost a candidate too many, never a wrong hit: every candidate is compared with the query itself.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Terms = NDArray[np.uint32]
Rows = NDArray[np.int64]
BLOCK = 1 << 16
_BLOCK_BITS = 16
_TAIL = 1_000_000
_GROWTH = 4
_SHIFT = np.uint64(32)


def term(word: str) -> int:
    """The hash of a gram or concept name."""
    return zlib.crc32(word.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Run:
    """Within one block ``rows[starts[i]:starts[i + 1]]`` hold ``terms[i]``; terms and the rows of each ascend."""

    terms: Terms
    starts: NDArray[np.uint32]
    rows: NDArray[np.uint16]

    def find(self, wanted: Terms) -> list[tuple[int, NDArray[np.uint16]]]:
        """Of the ``wanted`` terms those that are there, by place in ``wanted``, and their rows within the block."""
        if not len(self.terms):
            return []
        places = np.minimum(np.searchsorted(self.terms, wanted), len(self.terms) - 1)
        there = np.flatnonzero(self.terms[places] == wanted)
        begins, ends = self.starts[places[there]].tolist(), self.starts[places[there] + 1].tolist()
        return [(n, self.rows[a:b]) for n, a, b in zip(there.tolist(), begins, ends, strict=True)]

    def without(self, gone: NDArray[np.bool_]) -> "Run":
        """The run less the rows that are ``gone``, a mask over the block."""
        kept = ~gone[self.rows]
        counts = np.concatenate([[0], np.cumsum(kept)])
        return Run(self.terms, counts[self.starts].astype(np.uint32), self.rows[kept])


def sorted_run(keys: NDArray[np.uint64]) -> Run:
    """A run of pairs ``term << 32 | row`` of one block in any order, each kept once."""
    keys = np.sort(keys)
    keys = keys[_changes(keys)]  # quicker than numpy.unique, which hashes
    every = (keys >> _SHIFT).astype(np.uint32)
    first = _changes(every)
    starts = np.append(first, len(keys)).astype(np.uint32)
    return Run(every[first], starts, keys.astype(np.uint16))


def _changes(ascending: NDArray[np.unsignedinteger[Any]]) -> NDArray[np.int64]:
    """Places where a value stands for the first time."""
    if not len(ascending):
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))


def _keys(run: Run) -> NDArray[np.uint64]:
    every = np.repeat(run.terms, np.diff(run.starts)).astype(np.uint64)
    keys: NDArray[np.uint64] = (every << _SHIFT) | run.rows
    return keys


class TermIndex:
    """Terms to rows. Not thread-safe."""

    def __init__(self, runs: Sequence[Run] = ()) -> None:
        """``runs``: one for each block, as `merged` gave them."""
        self.blocks: list[list[Run]] = [[run] for run in runs]
        self._tail: list[NDArray[np.uint64]] = []
        self._waiting = 0

    def __len__(self) -> int:
        return sum(len(run.rows) for runs in self.blocks for run in runs) + self._waiting

    def add(self, row: int, terms: Sequence[int]) -> None:
        """Say that ``row`` holds ``terms``."""
        self.add_keys((np.array(terms, dtype=np.uint64) << _SHIFT) | np.uint64(row))

    def add_keys(self, keys: NDArray[np.uint64]) -> None:
        """Add pairs ``term << 32 | row``; rows are those of the newest block, or after it."""
        self._tail.append(keys)
        self._waiting += len(keys)
        if self._waiting > _TAIL:
            self.seal()

    def seal(self) -> None:
        """Sort the tail into runs and merge runs of like size."""
        if not self._waiting:
            return
        keys = np.concatenate(self._tail)
        self._tail, self._waiting = [], 0
        numbers = keys.astype(np.uint32) >> _BLOCK_BITS
        for number in np.unique(numbers).tolist():
            while len(self.blocks) <= number:
                self.blocks.append([])
            _merge_in(self.blocks[number], sorted_run(keys[numbers == number]))

    def merged(self) -> list[Run]:
        """Everything as one run for each block, which replaces the others."""
        self.seal()
        self.blocks = [[_one(runs)] for runs in self.blocks]
        return [runs[0] for runs in self.blocks]

    def find(self, wanted: int) -> Rows:
        """Rows that hold the term."""
        self.seal()
        asked = np.array([wanted], dtype=np.uint32)
        parts = [
            rows.astype(np.int64) + number * BLOCK
            for number, runs in enumerate(self.blocks)
            for run in runs
            for _, rows in run.find(asked)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def weigh(self, weights: Mapping[int, float], number: int, scores: NDArray[np.float32]) -> None:
        """Set ``scores`` (65536,) to the sum of the weights of the terms that each row of block ``number`` holds."""
        self.seal()
        scores.fill(0)
        wanted = np.fromiter(weights, dtype=np.uint32, count=len(weights))
        values = np.fromiter(weights.values(), dtype=np.float32, count=len(weights))
        for run in self.blocks[number] if number < len(self.blocks) else ():
            for place, rows in run.find(wanted):
                np.add.at(scores, rows, values[place])  # three times as fast as adding to scores[rows]

    def forget(self, gone: NDArray[np.bool_]) -> None:
        """Drop the rows that are ``gone``, a mask over all rows."""
        self.seal()
        for number, runs in enumerate(self.blocks):
            part = gone[number * BLOCK : (number + 1) * BLOCK]
            if part.any():
                self.blocks[number] = [run.without(part) for run in runs]


def _merge_in(runs: list[Run], run: Run) -> None:
    while runs and len(runs[-1].rows) < _GROWTH * len(run.rows):
        run = sorted_run(np.concatenate([_keys(runs.pop()), _keys(run)]))
    runs.append(run)


def _one(runs: Sequence[Run]) -> Run:
    if len(runs) == 1:
        return runs[0]
    return sorted_run(np.concatenate([_keys(run) for run in runs] or [np.zeros(0, dtype=np.uint64)]))
