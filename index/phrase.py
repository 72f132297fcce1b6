"""One phrase against the archive, in one snapshot of the database: candidates, comparison, order.

While the embedder works on the query in its own process, letters, sounds and concepts are scored here; at most
`REEMBEDDED` texts are embedded besides, as each costs as much as all the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection

from index.cache import IndexCache
from index.candidates import Coverage, Rows, by_everything, by_meaning, by_words, coverage
from index.concepts import ConceptTable
from index.exact import holds, rows_holding
from index.fusion import MEANING_UNKNOWN, heard, score, standing
from index.neighbours import JOINT, Joined, best_join, neighbours_of
from index.projection import Probe
from index.ranking import Match, Matcher, Query
from index.repair import repaired
from index.request import Asked
from index.vectors import Mask
from models.embedding import Matrix
from models.reranker import Reranker
from store.judgements import Judged, judgements_of
from store.readings import get_texts
from store.scope import Scope

REPAIRS = 2
# Texts that may be read to see whether excluded words stand there in order.
READ_TO_EXCLUDE = 1_000
# How many hits a cross-encoder sees, and what its score, from 0 to 1, is worth.
RERANKED = 30
RERANKING = 1.0
Embed = Callable[[Sequence[str]], "Future[Matrix]"]
Probing = Callable[[str], "Future[Probe]"]
Texts = dict[int, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row that answers, with what it does so by."""

    row: int
    id: int
    match: Match
    meaning: float
    score: float
    joined: Joined | None = None


@dataclass(frozen=True, slots=True)
class Tools:
    """What every phrase is looked for with."""

    cache: IndexCache
    matcher: Matcher
    concepts: ConceptTable
    probe: Probing
    embed: Embed
    reranker: Reranker | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase, what it looks for, and the rows that answer it, best first; ``reembedded`` texts were embedded more."""

    query: Query
    probe: Probe
    ranked: list[Ranked]
    reembedded: int


class PhraseSearch:
    """Looks for one phrase. The cache's lock is held and the cache is fresh as of ``connection``."""

    def __init__(self, tools: Tools, connection: Connection, scope: Scope, rows: Mask | None) -> None:
        self._tools = tools
        self._cache = tools.cache
        self._connection = connection
        self._scope = scope
        self._rows = rows
        self._texts: Texts = {}

    def find(self, asked: Asked, wanted: int) -> Found:
        """The best ``wanted`` rows; more where a cross-encoder puts more than these in order."""
        if self._tools.reranker is not None:
            wanted = max(wanted, RERANKED)
        pending = self._tools.probe(asked.text)
        query = self._tools.matcher.query(asked.text)
        inside = self._inside(asked)
        limited = None if self._rows is None and not asked.exact and not asked.without else inside
        near = by_meaning(self._cache, pending, inside=limited, wanted=wanted)
        covered = coverage(self._cache, query, self._tools.concepts, limited)
        matches: dict[int, Match] = {}
        spelled = by_words(self._connection, query, covered, self._scope, self._cache, wanted=wanted)
        self._compare(query, spelled, matches, inside)
        repairs = self._repairs(query, matches)
        changed = self._tools.embed(list(repairs.values())) if repairs else None
        probe = pending.result()
        rest = by_everything(self._cache, covered, probe, near.result(), wanted=wanted)
        self._compare(query, rest, matches, inside)
        better = (
            dict(zip(repairs, probe.meaning(changed.result() @ probe.direction).tolist(), strict=True))
            if changed
            else {}
        )
        ranked = self._ranked(query, probe, self._allowed(asked, matches), better)[:wanted]
        ranked = self._reranked(query, self._with_neighbours(query, covered, ranked, matches))
        return Found(query, probe, ranked, len(repairs))

    def _inside(self, asked: Asked) -> Mask:
        inside = self._cache.alive.values if self._rows is None else self._rows
        for words in asked.exact:
            inside = inside & rows_holding(self._connection, self._cache, words)
        for words in asked.without:
            inside = inside & ~self._holding(words, inside)
        return inside

    def _holding(self, words: str, inside: Mask) -> Mask:
        """The rows ``inside`` that hold ``words``; texts are read where postings cannot tell, unless there are many."""
        mask = rows_holding(self._connection, self._cache, words) & inside
        rows = np.flatnonzero(mask).tolist()
        if len(rows) <= READ_TO_EXCLUDE:
            texts = self._read(rows)
            mask[[row for row in rows if row not in texts or not holds(texts[row][0], words)]] = False
        return mask

    def _compare(self, query: Query, rows: Rows, matches: dict[int, Match], inside: Mask) -> None:
        """Add the matches of ``rows``, in order, to ``matches``."""
        new = [int(row) for row in rows if int(row) not in matches and inside[row]]
        texts = self._read(new)
        for row in new:
            if row in texts:
                matches[row] = self._tools.matcher.match(query, *texts[row])

    def _read(self, rows: Sequence[int]) -> Texts:
        missing = [row for row in rows if row not in self._texts]
        ids = {int(self._cache.ids.values[row]): row for row in missing}
        found = get_texts(self._connection, self._cache.reader.version, list(ids))
        self._texts |= {ids[identifier]: texts for identifier, texts in found.items()}
        return self._texts

    def _repairs(self, query: Query, matches: Mapping[int, Match]) -> dict[int, str]:
        """The texts that sound most like the query where nothing put them right when they were said."""
        changed: dict[int, str] = {}
        for row in sorted(matches, key=lambda row: -matches[row].coverage):
            if len(changed) == REPAIRS:
                break
            text, read = self._texts[row]
            other = repaired(query, read or text, matches[row])
            if other is not None:
                changed[row] = other
        return changed

    def _allowed(self, asked: Asked, matches: Mapping[int, Match]) -> dict[int, Match]:
        if not asked.exact and not asked.without:
            return dict(matches)
        return {
            row: match
            for row, match in matches.items()
            if all(holds(self._texts[row][0], words) for words in asked.exact)
            and not any(holds(self._texts[row][0], words) for words in asked.without)
        }

    def _ranked(
        self, query: Query, probe: Probe, matches: Mapping[int, Match], better: Mapping[int, float]
    ) -> list[Ranked]:
        rows = np.array(list(matches), dtype=np.int64)
        judged = self._judged(query, rows)
        meanings, likenesses = self._nearness(probe, rows)
        ranked: list[Ranked] = []
        for row, known, likeness in zip(rows.tolist(), meanings.tolist(), likenesses.tolist(), strict=True):
            meaning = max(MEANING_UNKNOWN if np.isnan(known) else known, better.get(row, 0.0))
            meaning = heard(meaning, likeness, matches[row])
            match, identifier = matches[row], int(self._cache.ids.values[row])
            found = judged.get(identifier, Judged())
            value = score(meaning, match) + standing(query, found, meaning, match)
            ranked.append(Ranked(row, identifier, match, meaning, value))
        return sorted(ranked, key=lambda r: (-r.score, r.id))

    def _nearness(self, probe: Probe, rows: Rows) -> tuple[Matrix, Matrix]:
        """Meaning and plain likeness of ``rows``."""
        meanings = probe.meaning(self._cache.products(probe.direction, rows))
        if probe.plain is None:
            return meanings, np.zeros_like(meanings)
        return meanings, probe.likeness(self._cache.products(probe.plain, rows))

    def _judged(self, query: Query, rows: Rows) -> dict[int, Judged]:
        """What the rule packs made of the rows; nothing where the query speaks of no class of claims."""
        if not query.classes:
            return {}
        return judgements_of(self._connection, self._cache.ids.values[rows].tolist())

    def _with_neighbours(
        self, query: Query, covered: Coverage, ranked: list[Ranked], matches: Mapping[int, Match]
    ) -> list[Ranked]:
        """The same with the score of what a neighbour completes raised."""
        near = neighbours_of(self._cache, covered, [r.row for r in ranked])
        self._read([other for sides in near.values() for other, _ in sides])
        changed: list[Ranked] = []
        for r in ranked:
            sides = near.get(r.row, [])
            joined = best_join(self._tools.matcher, query, r.match, r.row, texts=self._texts, near=sides, known=matches)
            if joined is None:
                changed.append(r)
            else:
                raised = max(r.score, score(r.meaning, joined.match))
                changed.append(Ranked(r.row, r.id, r.match, r.meaning, raised, joined))
        return _once_each(ranked, sorted(changed, key=lambda r: (-r.score, r.id)))

    def _reranked(self, query: Query, ranked: list[Ranked]) -> list[Ranked]:
        """The same in the order that the cross-encoder, if there is one, gives the first of them."""
        reranker = self._tools.reranker
        if reranker is None or not ranked:
            return ranked
        first, rest = ranked[:RERANKED], ranked[RERANKED:]
        found = reranker.scores(query.text, [self._read_together(r) for r in first])
        better = [replace(r, score=r.score + RERANKING * (s - 0.5)) for r, s in zip(first, found, strict=True)]
        return sorted(better, key=lambda r: (-r.score, r.id)) + rest

    def _read_together(self, ranked: Ranked) -> str:
        own = self._texts[ranked.row][0]
        if ranked.joined is None:
            return own
        other = self._texts[ranked.joined.row][0]
        return other + JOINT + own if ranked.joined.first else own + JOINT + other


def _once_each(alone: Sequence[Ranked], ranked: Sequence[Ranked]) -> list[Ranked]:
    """Of two that were raised by one another the first keeps it, and the other stands for itself."""
    before = {r.row: r for r in alone}
    raised: dict[int, int] = {}
    kept: list[Ranked] = []
    for r in ranked:
        if r.joined is not None and raised.get(r.joined.row) == r.row:
            kept.append(before[r.row])
        else:
            kept.append(r)
            if r.joined is not None:
                raised[r.row] = r.joined.row
    return sorted(kept, key=lambda r: (-r.score, r.id))
