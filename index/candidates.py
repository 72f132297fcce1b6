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
from index.fusion import COVERAGE, MEANING_UNKNOWN, Calibration
from index.grams import grams, pairs
from index.inverted import BLOCK, term
from index.ranking import CONCEPT, SOUND_RUN, Query
from index.vectors import Mask
from models.embedder import Matrix
from store.postings import match_postings
from store.scope import Scope

Rows = NDArray[np.int64]
PER_WAY = 6
BY_COVERAGE = 800
BY_MEANING = 20
KEPT = 20
_SAMPLED = 16
# Where more rows of a block than this cover anything, those that cover less than that share are left out.
_MANY = 4_096
_LITTLE = 0.15


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of the query that rows cover: by letters, by sounds, altogether with concepts (0 to 1).

    ``rows`` ascend; a row that is not among them covers nothing.
    """

    rows: Rows
    letters: Matrix
    sounds: Matrix
    whole: Matrix

    def shares(self, rows: Rows) -> Matrix:
        """The whole share of each of ``rows``."""
        if not len(self.rows):
            return np.zeros(len(rows), dtype=np.float32)
        places = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[places] == rows, self.whole[places], np.float32(0))

    def share(self, row: int) -> float:
        """The whole share of one row."""
        return float(self.shares(np.array([row]))[0])


def coverage(cache: IndexCache, query: Query, concepts: ConceptTable, inside: Mask | None) -> Coverage:
    """Score the rows ``inside`` (all of them when None), block by block: what lies outside is not read."""
    letters, sounds = query.spelled.letters, query.spelled.sounds
    spelled = _shares(pairs(letters), [query.weights[i] for i in range(len(letters))])
    heard = _shares(pairs(sounds), [query.weights[i] for i in query.sound_owner])
    asked = {term(name): share for name, share in _asked(query, concepts).items()}
    found: list[tuple[Rows, Matrix, Matrix, Matrix]] = []
    for number in range(-(-len(cache) // BLOCK)):
        part = None if inside is None else inside[number * BLOCK : (number + 1) * BLOCK]
        if part is None or part.any():
            found.append(_of_block(cache, number, part, (spelled, heard, asked)))
    if not found:
        none = np.zeros(0, dtype=np.float32)
        return Coverage(np.zeros(0, dtype=np.int64), none, none, none)
    return Coverage(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _of_block(
    cache: IndexCache, number: int, inside: Mask | None, asked: tuple[dict[int, float], ...]
) -> tuple[Rows, Matrix, Matrix, Matrix]:
    letters, sounds, whole = cache.scores
    for way, weights, scores in zip(WAYS, asked, cache.scores, strict=True):
        cache.terms[way].weigh(weights, number, scores)
    whole += np.maximum(letters, sounds * np.float32(SOUND_RUN))
    touched = whole > 0
    if np.count_nonzero(touched) > _MANY:
        touched = whole >= _LITTLE
    if inside is not None:
        touched[: len(inside)] &= inside
    rows = np.flatnonzero(touched)
    return rows + number * BLOCK, letters[rows], sounds[rows], np.minimum(whole[rows], 1.0)


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


def by_words(connection: Connection, query: Query, found: Coverage, scope: Scope, cache: IndexCache) -> Rows:
    """The rows that share most letters or sounds in order with the query."""
    if len(query.spelled.letters) < 2:
        return _by_one_letter(connection, query, scope, cache)
    best = np.union1d(_best(found.letters, PER_WAY), _best(found.sounds, PER_WAY))
    return found.rows[best]


def _by_one_letter(connection: Connection, query: Query, scope: Scope, cache: IndexCache) -> Rows:
    """A query of one letter has no pairs: the full text in the database knows single letters."""
    ids: list[int] = []
    for column, symbols in (("letters", query.spelled.letters), ("sounds", query.spelled.sounds)):
        ids += [i for i, _ in match_postings(connection, column, grams(symbols), PER_WAY * 2, scope)]
    return np.unique(cache.rows_of(np.array(ids, dtype=np.int64)))


def by_meaning(
    cache: IndexCache, pending: "Future[Matrix]", *, inside: Mask | None = None, wanted: int = 10
) -> "Future[Rows]":
    """The rows nearest to the query, whose vector is ``pending``: looked for beside the scoring of words."""

    def nearest() -> Rows:
        return cache.nearest(pending.result()[0], max(BY_MEANING, wanted), inside)[0]

    return _beside().submit(nearest)


def by_everything(
    cache: IndexCache, found: Coverage, vector: Matrix, near: Rows, calibration: Calibration, *, wanted: int = 10
) -> Rows:
    """The best rows by coverage and meaning together, as far as both are known without the texts."""
    rows = np.union1d(found.rows[_best(found.whole, BY_COVERAGE)], near)
    cosines = cache.cosines(vector, rows)
    meaning = np.clip((cosines - calibration.floor) / calibration.span, 0.0, 1.2)
    score = np.where(np.isnan(cosines), MEANING_UNKNOWN, meaning) + COVERAGE * found.shares(rows) ** 2
    kept: Rows = rows[np.argsort(-score, kind="stable")[: max(KEPT, 2 * wanted)]]
    return kept


@lru_cache(maxsize=1)
def _beside() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, thread_name_prefix="nearest")


def _best(scores: Matrix, count: int) -> NDArray[np.int64]:
    """Places of the ``count`` highest scores above 0."""
    floor = np.float32(0)
    if len(scores) > _SAMPLED * count:
        # Judged by a sample: sorting out all of them takes longer.
        sample = scores[::_SAMPLED]
        wanted = len(sample) - 1 - min(len(sample) - 1, 2 * count // _SAMPLED + 10)
        floor = np.partition(sample, wanted)[wanted]
    touched = np.flatnonzero(scores > floor)
    if len(touched) < count and floor > 0:
        touched = np.flatnonzero(scores)
    if len(touched) > count:
        values = scores[touched]
        touched = touched[np.argpartition(-values, count)[:count]]
    return touched
