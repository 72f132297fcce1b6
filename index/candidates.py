"""Which utterances are looked at closely: scored over all rows by letters, sounds and concepts, without their texts.

For each way a row gets the share of the query that it covers; the best rows by that share go on, and meaning joins
once the query is embedded. Only what is left after that is compared letter by letter (index/ranking.py).
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from index.cache import WAYS, IndexCache
from index.concepts import NEAR, ConceptTable
from index.fusion import COVERAGE, MEANING_UNKNOWN
from index.grams import grams, pairs
from index.inverted import BLOCK, term
from index.projection import Probe
from index.ranking import CONCEPT, SOUND_RUN, Query
from index.vectors import Mask
from models.embedder import Matrix
from store.postings import match_postings
from store.scope import Scope

Rows = NDArray[np.int64]
PER_WAY = 4
BY_COVERAGE = 800
BY_MEANING = 20
KEPT = 15
_SAMPLED = 16


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of the query that rows cover by letters, sounds and concepts, 0 to 1: valid until the next query.

    ``scored``: for each block of rows whether it was looked at. ``spelled``: the rows that share most letters or sounds
    in order with the query; ``likely``: those that cover most of it.
    """

    whole: Matrix
    scored: Mask
    spelled: Rows
    likely: Rows

    def shares(self, rows: Rows) -> Matrix:
        """The whole share of each of ``rows``."""
        return np.where(self.scored[rows // BLOCK], self.whole[rows], np.float32(0))

    def share(self, row: int) -> float:
        """The whole share of one row."""
        return float(self.whole[row]) if self.scored[row // BLOCK] else 0.0


class _Best:
    """The rows with the highest scores above 0 of all blocks that are shown to it; of equal ones those shown first."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._floor = np.float32(0)
        self._rows: list[Rows] = []
        self._scores: list[Matrix] = []
        self._held = 0

    def add(self, scores: Matrix, first: int) -> None:
        """Look at a block whose first row is ``first``."""
        found = np.flatnonzero(scores > self._floor)
        if len(found) > _SAMPLED * self._count:
            # Judged by a sample: sorting out all of them takes longer.
            sample = scores[found[::_SAMPLED]]
            wanted = len(sample) - 1 - min(len(sample) - 1, 2 * self._count // _SAMPLED + 10)
            higher = np.flatnonzero(scores > np.partition(sample, wanted)[wanted])
            found = higher if len(higher) >= self._count else found
        self._rows.append(found + first)
        self._scores.append(scores[found])
        self._held += len(found)
        if self._held > 2 * self._count:
            self.rows()

    def rows(self) -> Rows:
        """The best so far."""
        rows, scores = np.concatenate(self._rows), np.concatenate(self._scores)
        if len(rows) > self._count:
            order = np.argsort(-scores, kind="stable")[: self._count]
            rows, scores = rows[order], scores[order]
            self._floor = scores[-1]
        self._rows, self._scores, self._held = [rows], [scores], len(rows)
        return rows


def coverage(cache: IndexCache, query: Query, concepts: ConceptTable, inside: Mask | None) -> Coverage:
    """Score the rows ``inside`` (all of them when None), the newest block first: what lies outside is not read."""
    letters, sounds = query.spelled.letters, query.spelled.sounds
    spelled = _shares(pairs(letters), [query.weights[i] for i in range(len(letters))])
    heard = _shares(pairs(sounds), [query.weights[i] for i in query.sound_owner])
    asked = {term(name): share for name, share in _asked(query, concepts).items()}
    whole = cache.room_for_scores()
    scored = np.zeros(len(whole) // BLOCK, dtype=bool)
    by_letters, by_sounds, by_all = _Best(PER_WAY), _Best(PER_WAY), _Best(BY_COVERAGE)
    for number in reversed(range(len(scored))):
        first = number * BLOCK
        part = None if inside is None else inside[first : first + BLOCK]
        if part is None or part.any():
            scored[number] = True
            found = _of_block(cache, number, part, (spelled, heard, asked), whole[first : first + BLOCK])
            for best, scores in zip((by_letters, by_sounds, by_all), found, strict=True):
                best.add(scores, first)
    if not scored.any():
        none = np.zeros(0, dtype=np.int64)
        return Coverage(whole, scored, none, none)
    return Coverage(whole, scored, np.union1d(by_letters.rows(), by_sounds.rows()), by_all.rows())


def _of_block(
    cache: IndexCache, number: int, inside: Mask | None, asked: tuple[dict[int, float], ...], whole: Matrix
) -> tuple[Matrix, Matrix, Matrix]:
    """Shares by letters, by sounds and altogether (into ``whole``) of the rows of one block; valid until the next."""
    letters, sounds, better = cache.scores
    for way, weights, scores in zip(WAYS, asked, (letters, sounds, whole), strict=True):
        cache.terms[way].weigh(weights, number, scores)
    np.multiply(sounds, np.float32(SOUND_RUN), out=better)
    np.maximum(letters, better, out=better)
    np.add(whole, better, out=whole)
    np.minimum(whole, np.float32(1), out=whole)
    if inside is not None:
        for scores in (letters, sounds, whole):
            scores[: len(inside)] *= inside
            scores[len(inside) :] = 0
    return letters, sounds, whole


def _shares(asked: Sequence[str], weights: Sequence[float]) -> dict[int, float]:
    """Of the neighbouring pairs of the query, by hash, the share of its weight that each holds."""
    total = sum(a + b for a, b in pairwise(weights)) or 1.0
    share: dict[int, float] = {}
    for place, pair in enumerate(asked):
        hashed = term(pair)
        share[hashed] = share.get(hashed, 0.0) + (weights[place] + weights[place + 1]) / total
    return share


def _asked(query: Query, concepts: ConceptTable) -> dict[str, float]:
    """Concepts that answer a part of the query, and which share of it."""
    total = sum(query.weights) or 1.0
    asked: dict[str, float] = {}
    for mention in query.mentions:
        covered = sum(
            weight
            for weight, letter in zip(query.weights, query.spelled.letters, strict=True)
            if mention.start <= letter.start < mention.end
        )
        share = CONCEPT * covered / total
        for name, part in ((mention.concept, 1.0), *((near, NEAR) for near in concepts.neighbours(mention.concept))):
            asked[name] = max(asked.get(name, 0.0), share * part)
    return asked


def by_words(
    connection: Connection, query: Query, found: Coverage, scope: Scope, cache: IndexCache, *, wanted: int = 10
) -> Rows:
    """The rows that share most letters or sounds in order with the query."""
    if len(query.spelled.letters) < 2:
        return _by_one_letter(connection, query, scope, cache, max(2 * PER_WAY, wanted))
    return found.spelled


def _by_one_letter(connection: Connection, query: Query, scope: Scope, cache: IndexCache, most: int) -> Rows:
    """A query of one letter has no pairs: the full text in the database knows single letters."""
    ids: list[int] = []
    for column, symbols in (("letters", query.spelled.letters), ("sounds", query.spelled.sounds)):
        ids += [i for i, _ in match_postings(connection, column, grams(symbols), most, scope)]
    return np.unique(cache.rows_of(np.array(ids, dtype=np.int64)))


def by_meaning(
    cache: IndexCache, pending: "Future[Probe]", *, inside: Mask | None = None, wanted: int = 10
) -> "Future[Rows]":
    """The rows nearest to the query, whose probe is ``pending``: looked for beside the scoring of words."""

    def nearest() -> Rows:
        return cache.nearest(pending.result().direction, max(BY_MEANING, wanted), inside)[0]

    return _beside().submit(nearest)


def by_everything(cache: IndexCache, found: Coverage, probe: Probe, near: Rows, *, wanted: int = 10) -> Rows:
    """The best rows by coverage and meaning together, as far as both are known without the texts."""
    rows = np.union1d(found.likely, near)
    meaning = probe.meaning(cache.products(probe.direction, rows))
    score = np.where(np.isnan(meaning), MEANING_UNKNOWN, meaning) + COVERAGE * found.shares(rows)
    kept: Rows = rows[np.argsort(-score, kind="stable")[: max(KEPT, wanted + wanted // 2)]]
    return kept


@lru_cache(maxsize=1)
def _beside() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, thread_name_prefix="nearest")
