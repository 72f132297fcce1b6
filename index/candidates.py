"""Which utterances are looked at closely: scored over all rows by letters, sounds and concepts, without their texts.

For each way a row gets the share of the query that it covers; the best rows by that share go on, and meaning joins
once the query is embedded. Only what is left after that is compared letter by letter (index/ranking.py).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from index.cache import IndexCache
from index.concepts import NEAR, ConceptTable
from index.fusion import COVERAGE, MEANING_UNKNOWN, Calibration
from index.grams import grams, pairs
from index.inverted import term
from index.ranking import CONCEPT, SOUND_RUN, Query
from index.vectors import Mask
from models.embedding import Matrix
from store.postings import match_postings
from store.scope import Scope

Rows = NDArray[np.int64]
PER_WAY = 12
BY_COVERAGE = 800
BY_MEANING = 40
KEPT = 40


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of the query that each row covers: by letters, by sounds, by concepts, altogether (0 to 1)."""

    letters: Matrix
    sounds: Matrix
    whole: Matrix


def coverage(cache: IndexCache, query: Query, concepts: ConceptTable, inside: Mask) -> Coverage:
    """Score all rows; those outside ``inside`` get 0."""
    letters, sounds = query.spelled.letters, query.spelled.sounds
    spelled = _runs(cache, "letters", pairs(letters), [query.weights[i] for i in range(len(letters))])
    heard = _runs(cache, "sounds", pairs(sounds), [query.weights[i] for i in query.sound_owner])
    whole = np.maximum(spelled, heard * np.float32(SOUND_RUN))
    for name, share in _asked(query, concepts).items():
        whole[cache.terms["concepts"].find(term(name))] += np.float32(share)
    np.minimum(whole, 1.0, out=whole)
    return Coverage(spelled * inside, heard * inside, whole * inside)


def _runs(cache: IndexCache, way: str, asked: list[str], weights: list[float]) -> Matrix:
    """For each row the share of the neighbouring pairs of the query that it holds, by weight."""
    scores = np.zeros(len(cache), dtype=np.float32)
    total = sum(a + b for a, b in pairwise(weights)) or 1.0
    share: dict[int, float] = {}
    for place, pair in enumerate(asked):
        hashed = term(pair)
        share[hashed] = share.get(hashed, 0.0) + (weights[place] + weights[place + 1]) / total
    for hashed, value in share.items():
        scores[cache.terms[way].find(hashed)] += np.float32(value)
    return scores


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
    return np.union1d(best_rows(found.letters, PER_WAY), best_rows(found.sounds, PER_WAY))


def _by_one_letter(connection: Connection, query: Query, scope: Scope, cache: IndexCache) -> Rows:
    """A query of one letter has no pairs: the full text in the database knows single letters."""
    ids: list[int] = []
    for column, symbols in (("letters", query.spelled.letters), ("sounds", query.spelled.sounds)):
        ids += [i for i, _ in match_postings(connection, column, grams(symbols), PER_WAY * 2, scope)]
    return np.unique(cache.rows_of(np.array(ids, dtype=np.int64)))


def by_everything(
    cache: IndexCache,
    found: Coverage,
    vector: Matrix,
    calibration: Calibration,
    *,
    inside: Mask | None = None,
    wanted: int = 10,
) -> Rows:
    """The best rows by coverage and meaning together, as far as both are known without the texts."""
    near, _ = cache.nearest(vector, max(BY_MEANING, wanted), inside)
    rows = np.union1d(best_rows(found.whole, BY_COVERAGE), near)
    cosines = cache.cosines(vector, rows)
    meaning = np.clip((cosines - calibration.floor) / calibration.span, 0.0, 1.2)
    score = np.where(np.isnan(cosines), MEANING_UNKNOWN, meaning) + COVERAGE * found.whole[rows] ** 2
    kept: Rows = rows[np.argsort(-score, kind="stable")[: max(KEPT, 2 * wanted)]]
    return kept


def best_rows(scores: Matrix, count: int) -> Rows:
    """Rows of the ``count`` highest scores above 0."""
    touched = np.flatnonzero(scores)
    if len(touched) > count:
        values = scores[touched]
        touched = touched[np.argpartition(-values, count)[:count]]
    return touched
