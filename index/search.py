"""Say what was claimed, land on the word: a query against everything that was said.

Candidates come from postings (letters, sounds, concepts) and vectors (meaning); each is compared with
the query letter by letter, mis-heard words are repaired by sound and compared in meaning again, and
one score puts them in order. An answer says why each hit is one and how much was searched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import NotFoundError
from core.records import Utterance
from index.answer import Hit, SearchAnswer, Why
from index.candidates import PER_WAY, posting_candidates
from index.concepts import load_concepts
from index.fusion import MEANING_UNKNOWN, calibrate, score
from index.indexer import embedded_text
from index.lexicon import load_lexicon
from index.places import clause_texts, time_of, words_meant
from index.ranking import Match, Matcher, Query
from index.repair import repaired
from index.request import SearchRequest, query_text, scope_of
from index.vectors import VectorCache
from models.embedding import Embedder, Matrix
from store.engine import Database
from store.scope import Extent, Scope, measure_scope, scope_ids
from store.streams import get_stream
from store.utterances import get_utterances

__all__ = ["Hit", "SearchAnswer", "SearchRequest", "Searcher"]

REPAIRS = 8
# Below this share of the query, words in common do not say where the meaning lies: the best clause does.
_PLAIN_COVERAGE = 0.3
# Embedding a clause costs 15 ms: the first hit that needs it gets its best clause.
_CLAUSES = 4


@dataclass(frozen=True, slots=True)
class _Ranked:
    utterance: Utterance
    match: Match
    meaning: float
    score: float


class Searcher:
    """Searches one database with one embedder. Thread-safe; keep one for the life of a process."""

    def __init__(self, db: Database, embedder: Embedder) -> None:
        self._db = db
        self._embedder = embedder
        self._concepts = load_concepts()
        self._matcher = Matcher(load_lexicon(), self._concepts)
        self._calibration = calibrate(embedder)
        self._cache = VectorCache(embedder.identity, embedder.dim)
        self.refresh()

    def refresh(self) -> int:
        """Read vectors that were written since; every search does so by itself. How many those were."""
        with self._db.read() as connection:
            return self._cache.refresh(connection)

    def search(self, request: SearchRequest) -> SearchAnswer:
        """The best hits and how much was searched.

        Raises `BadInputError` (empty query), `UsageError` (bad range or limit), `NotFoundError` (no such stream).
        """
        text, capped = query_text(request)
        scope = scope_of(request)
        query = self._matcher.query(text)
        vector = self._embedder.embed([embedded_text(text)], "query")[0]
        found, meanings, extent = self._candidates(query, vector, scope)
        ranked = self._ranked(query, vector, list(found.values()), meanings)[: request.limit]
        places = self._places(query, vector, ranked)
        hits = tuple(_hit(query, r, *place) for r, place in zip(ranked, places, strict=True))
        return SearchAnswer(text, hits, extent, capped)

    def _candidates(
        self, query: Query, vector: Matrix, scope: Scope
    ) -> tuple[dict[int, Utterance], dict[int, float], Extent]:
        """Utterances worth a closer look, their cosines, and the extent of the scope, from one snapshot."""
        with self._db.read() as connection:
            if scope.stream and get_stream(connection, scope.stream) is None:
                raise _no_stream(scope.stream)
            self._cache.refresh(connection)
            within = None if scope.everything else np.array(scope_ids(connection, scope), dtype=np.int64)
            ids = posting_candidates(connection, query, self._concepts, scope)
            ids += [i for i, _ in self._cache.nearest(vector, PER_WAY, within)]
            found = get_utterances(connection, list(dict.fromkeys(ids)))
            extent = measure_scope(connection, scope, self._embedder.identity.sha256)
        return found, self._cache.similarities(vector, list(found)), extent

    def _ranked(
        self, query: Query, vector: Matrix, found: Sequence[Utterance], cosines: Mapping[int, float]
    ) -> list[_Ranked]:
        matches = {u.id: self._matcher.match(query, u.text) for u in found}
        better = self._repaired(query, vector, found, matches)
        ranked: list[_Ranked] = []
        for utterance in found:
            cosine = cosines.get(utterance.id)
            meaning = MEANING_UNKNOWN if cosine is None else self._calibration.meaning(cosine)
            meaning = max(meaning, better.get(utterance.id, 0.0))
            match = matches[utterance.id]
            ranked.append(_Ranked(utterance, match, meaning, score(meaning, match)))
        return sorted(ranked, key=lambda r: (-r.score, r.utterance.id))

    def _repaired(
        self, query: Query, vector: Matrix, found: Sequence[Utterance], matches: Mapping[int, Match]
    ) -> dict[int, float]:
        """Meaning of the texts that sound most like the query, with its letters put where they sound alike."""
        changed = [(u, repaired(query, u.text, matches[u.id])) for u in found]
        worth = sorted(
            ((u.id, text) for u, text in changed if text is not None), key=lambda pair: -matches[pair[0]].coverage
        )[:REPAIRS]
        if not worth:
            return {}
        matrix = self._embedder.embed([embedded_text(text) for _, text in worth], "query")
        cosines = (matrix @ vector).tolist()
        return {i: self._calibration.meaning(c) for (i, _), c in zip(worth, cosines, strict=True)}

    def _places(self, query: Query, vector: Matrix, ranked: Sequence[_Ranked]) -> list[tuple[int, int]]:
        """Code points of each hit that answer: by the words in common, else the clause nearest in meaning."""
        by_words = [words_meant(query, r.match.evidence) for r in ranked]
        clauses = [clause_texts(r.utterance) for r in ranked]
        unclear = [i for i, r in enumerate(ranked) if by_words[i] is None or r.match.coverage < _PLAIN_COVERAGE]
        asked: list[tuple[int, int, int]] = []
        for i in unclear:
            if len(clauses[i]) > 1 and len(asked) + len(clauses[i]) <= _CLAUSES:
                asked += [(i, *span) for span in clauses[i]]
        best = self._best_clauses(vector, ranked, asked)
        single = {i: clauses[i][0] for i in unclear if len(clauses[i]) == 1}
        whole = [(0, len(r.utterance.text)) for r in ranked]
        return [best.get(i) or single.get(i) or by_words[i] or whole[i] for i in range(len(ranked))]

    def _best_clauses(
        self, vector: Matrix, ranked: Sequence[_Ranked], asked: Sequence[tuple[int, int, int]]
    ) -> dict[int, tuple[int, int]]:
        """Of the clauses ``(hit, start, end)`` the one of each hit that is nearest in meaning."""
        if not asked:
            return {}
        texts = [embedded_text(ranked[i].utterance.text[start:end]) for i, start, end in asked]
        nearness = (self._embedder.embed(texts, "query") @ vector).tolist()
        best: dict[int, tuple[float, int, int]] = {}
        for (i, start, end), value in zip(asked, nearness, strict=True):
            best[i] = max(best.get(i, (-2.0, 0, 0)), (value, start, end))
        return {i: (start, end) for i, (_, start, end) in best.items()}


def _hit(query: Query, ranked: _Ranked, start: int, end: int) -> Hit:
    start_ms, end_ms = time_of(ranked.utterance, start, end)
    matched = ranked.utterance.text[start:end]
    denied = any(e.denied for e in ranked.match.evidence)
    return Hit(ranked.utterance, ranked.score, start_ms, end_ms, matched, _why(query, ranked, matched), denied)


def _why(query: Query, ranked: _Ranked, matched: str) -> tuple[Why, ...]:
    """The ways that found something, each with its words and the share of the query it answers."""
    ways: list[Why] = []
    total = sum(query.weights) or 1.0
    if ranked.match.phrase == 1.0:
        ways.append(Why("exact", (matched,), 1.0))
    for way in ("letters", "sound", "concept"):
        pieces = [e for e in ranked.match.evidence if e.way == way]
        if pieces:
            best: dict[int, float] = {}
            for piece in pieces:
                for position in piece.covers:
                    best[position] = max(best.get(position, 0.0), piece.credit)
            share = sum(query.weights[i] * c for i, c in best.items()) / total
            ways.append(Why(way, tuple(dict.fromkeys(p.words for p in pieces)), share))
    ways.append(Why("meaning", (matched,), min(1.0, ranked.meaning)))
    return tuple(ways)


def _no_stream(name: str) -> NotFoundError:
    return NotFoundError("search_stream", f"没有名为 {name} 的直播。", f"There is no stream called {name}.")
