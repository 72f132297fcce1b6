"""Saved searches: what is newly indexed is shown to queries that somebody left, and a match is told once.

Runs where vectors are made, so that no alert waits for it. A match and the event that tells of it are written in the
transaction that stores the vectors: kill -9 loses neither, and a batch done again finds nothing twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sqlalchemy import Connection

from core.clock import iso, plus_ms, seconds
from core.errors import NotFoundError
from core.records import Utterance
from core.shapes import Json
from index.answer import Hit, hit_json
from index.cache import NEIGHBOUR_MS
from index.concepts import load_concepts
from index.exact import holds
from index.fusion import heard, score, standing
from index.hearing import embedded_text, load_reader
from index.hits import Entry, hit_of
from index.lexicon import load_lexicon
from index.neighbours import Joined, best_join
from index.phrase import Found, Ranked
from index.projection import Probe, Projection, projection_of
from index.ranking import Match, Matcher, Query
from index.request import Asked, SearchRequest, asked_phrases
from models.embedding import Embedder, Matrix
from store import outbox
from store.engine import Database
from store.judgements import Judged, judgements_of
from store.saved_searches import (
    MatchLevel,
    SavedSearch,
    SearchMatch,
    add_match,
    inside,
    list_searches,
    mark_done,
)
from store.utterances import previous_utterance

EVENT = outbox.SEARCH_MATCHED
# A text that denies more of the query than this, or warns, is no match.
_DENIED = 0.3
_SAID = 0.6
_LEAST_COVERAGE = 0.4
_LEAST_SCORE = {MatchLevel.CLAIM: 1.0, MatchLevel.WIDE: 0.8}


def answers(level: MatchLevel, match: Match, value: float) -> bool:
    """Whether a match is sure enough: said in order by letter or sound; or, from `CLAIM` on, a high score on words."""
    if match.caution or match.denial > _DENIED:
        return False
    if match.phrase >= _SAID:
        return True
    least = _LEAST_SCORE.get(level)
    return least is not None and value >= least and match.coverage >= _LEAST_COVERAGE


@dataclass(frozen=True, slots=True)
class Told:
    """A hit of a saved search that is about to be told."""

    search: SavedSearch
    hit: Hit


@dataclass(frozen=True, slots=True)
class _Said:
    """An utterance as it is compared: with its reading, its meaning, and what was said just before it."""

    utterance: Utterance
    repaired: str
    vector: Matrix
    before: Utterance | None
    judged: Judged


class SavedSearches:
    """Compares new utterances with the saved searches. One thread at a time."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._reader = load_reader()
        self._phrases: dict[str, list[tuple[Asked, Query, Probe]]] = {}

    @cached_property
    def _matcher(self) -> Matcher:
        return Matcher(load_lexicon(), load_concepts())

    @cached_property
    def _projection(self) -> Projection:
        return projection_of(self._embedder)

    def found_in(
        self, db: Database, new: Sequence[Utterance], repaired: Sequence[str], matrix: Matrix
    ) -> tuple[Told, ...]:
        """What the saved searches find in ``new``, with its readings and its vectors (n, dim)."""
        with db.read() as connection:
            searches = [s for s in list_searches(connection) if s.done_to < new[-1].id]
            if not searches:
                return ()
            judged = judgements_of(connection, [u.id for u in new])
            said = [
                _Said(u, reading, vector, _before(connection, u, new[:n]), judged.get(u.id, Judged()))
                for n, (u, reading, vector) in enumerate(zip(new, repaired, matrix, strict=True))
            ]
        told = []
        for search in searches:
            phrases = self._prepared(search.query)
            for one in said:
                hit = self._best(search.level, phrases, one) if one.utterance.id > search.done_to else None
                if hit is not None:
                    told.append(Told(search, hit))
        return tuple(told)

    def _prepared(self, text: str) -> list[tuple[Asked, Query, Probe]]:
        if text not in self._phrases:
            phrases, _, _ = asked_phrases(SearchRequest(text))
            vectors = self._embedder.embed([embedded_text(asked.text) for asked in phrases], "query")
            self._phrases[text] = [
                (asked, self._matcher.query(asked.text), self._projection.probe(vector))
                for asked, vector in zip(phrases, vectors, strict=True)
            ]
        return self._phrases[text]

    def _best(self, level: MatchLevel, phrases: Sequence[tuple[Asked, Query, Probe]], said: _Said) -> Hit | None:
        """The hit for the phrase that the utterance answers best, if it is sure enough."""
        hits = [self._hit(level, query, probe, said) for asked, query, probe in phrases if _allowed(asked, said)]
        return max((hit for hit in hits if hit is not None), key=lambda hit: hit.score, default=None)

    def _hit(self, level: MatchLevel, query: Query, probe: Probe, said: _Said) -> Hit | None:
        utterance = said.utterance
        meaning = float(probe.meaning(np.einsum("i,i->", said.vector, probe.direction)))
        match = self._matcher.match(query, utterance.text, said.repaired)
        if probe.plain is not None:
            likeness = float(probe.likeness(np.einsum("i,i->", said.vector, probe.plain)))
            meaning = heard(meaning, likeness, match)
        value = score(meaning, match) + standing(query, said.judged, meaning, match)
        joined = None if answers(level, match, value) else self._joined(query, match, said)
        if joined is not None:
            value = score(meaning, joined.match) + standing(query, said.judged, meaning, joined.match)
        if not answers(level, joined.match if joined else match, value):
            return None
        ranked = Ranked(0, utterance.id, match, meaning, value, joined)
        return hit_of(Entry(Found(query, probe, [ranked], 0), ranked, utterance, said.before if joined else None))

    def _joined(self, query: Query, match: Match, said: _Said) -> Joined | None:
        """The utterance read together with the one before it, where only the two make the claim."""
        if said.before is None:
            return None
        texts: Mapping[int, tuple[str, str]] = {
            0: (said.utterance.text, said.repaired),
            1: (said.before.text, self._reader.repair(said.before.text)),
        }
        return best_join(self._matcher, query, match, 0, texts=texts, near=[(1, True)])


def tell_matches(connection: Connection, found: Sequence[Told], done_to: int) -> None:
    """Store matches and append their events, and say that utterances up to ``done_to`` were looked at.

    Another process may have been faster, a search or an utterance may be gone: those are left out.
    """
    for search in list_searches(connection):
        mine = [told for told in found if told.search.name == search.name and told.search.query == search.query]
        new = [told for told in mine if told.hit.utterance.id > search.done_to]
        standing_ids = inside(connection, search.scope, [told.hit.utterance.id for told in new]) if new else set()
        for told in new:
            if told.hit.utterance.id in standing_ids:
                _tell(connection, search, told.hit)
        if search.done_to < done_to:
            mark_done(connection, search.name, done_to)


def _tell(connection: Connection, search: SavedSearch, hit: Hit) -> None:
    cursor = outbox.append_event(connection, matched_event(search, hit))
    add_match(connection, SearchMatch(search.name, hit.utterance.id, hit.start_ms, hit.end_ms, hit.score, cursor))


def matched_event(search: SavedSearch, hit: Hit) -> Json:
    """What is told of a match: the search, and the hit as a search would give it."""
    fields = hit_json(hit, 1)
    del fields["rank"]
    named = {"search": search.name, "query": search.query, "utterance_id": hit.utterance.id}
    return {"event": EVENT, "stream": hit.utterance.stream, **named, **fields}


def _allowed(asked: Asked, said: _Said) -> bool:
    text = said.utterance.text
    return all(holds(text, words) for words in asked.exact) and not any(holds(text, words) for words in asked.without)


def _before(connection: Connection, utterance: Utterance, earlier: Sequence[Utterance]) -> Utterance | None:
    """What was said just before in the same stream."""
    known = next((u for u in reversed(earlier) if u.stream == utterance.stream), None)
    known = known or previous_utterance(connection, utterance)
    return known if known is not None and -1_000 <= utterance.start_ms - known.end_ms <= NEIGHBOUR_MS else None


def search_json(search: SavedSearch, matches: int) -> Json:
    """A saved search, and how much it found."""
    return {
        "name": search.name,
        "query": search.query,
        "stream": search.stream,
        "shop": search.shop,
        "host": search.host,
        "product": search.product,
        "category": search.category,
        "level": search.level.value,
        "created_by": search.created_by,
        "created_at": iso(search.created_at) if search.created_at else None,
        "matches": matches,
    }


def match_json(match: SearchMatch, said: Utterance) -> Json:
    """What a saved search found; ``start``/``end`` are seconds in the stream, ``cursor`` that of the event."""
    return {
        "search": match.search,
        "cursor": match.cursor,
        "stream": said.stream,
        "utterance_id": said.id,
        "start": seconds(match.start_ms),
        "end": seconds(match.end_ms),
        "wall_time": iso(plus_ms(said.wall_start, match.start_ms - said.start_ms)),
        "text": said.text,
        "score": round(match.score, 4),
    }


def unknown_search(name: str) -> NotFoundError:
    """The sentence for a search that nobody saved."""
    return NotFoundError(
        "search_unknown", f"没有名为“{name}”的已保存检索。", f"There is no saved search named “{name}”."
    )
