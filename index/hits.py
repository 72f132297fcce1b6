"""From rows in order to hits: the words meant, their time, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from core.records import Utterance
from index.answer import Hit, Why
from index.cache import IndexCache
from index.neighbours import JOINT
from index.phrase import Embed, Found, Ranked
from index.places import clause_texts, time_of, words_meant
from index.ranking import Match, Query
from store.utterances import get_utterances

# Texts embedded for one answer beyond the queries, and how many hits may ask for it.
REEMBEDDED = 3
CLAUSES_OF = 3
# Below this share of the query, words in common do not say where the meaning lies: the best clause does.
_PLAIN_COVERAGE = 0.3


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that answers a phrase, what was said in it, and in the neighbour that completes it."""

    found: Found
    ranked: Ranked
    utterance: Utterance
    partner: Utterance | None


class HitMaker:
    """Makes hits; embeds the clauses of a hit that words do not place."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed

    def make(self, connection: Connection, cache: IndexCache, chosen: Sequence[tuple[Found, int]]) -> tuple[Hit, ...]:
        """The hits of ``chosen``: a phrase, and the place in its ranking."""
        ranked = [(found, found.ranked[place]) for found, place in chosen]
        partners = {r.row: int(cache.ids.values[r.joined.row]) for _, r in ranked if r.joined is not None}
        known = get_utterances(connection, [r.id for _, r in ranked] + list(partners.values()))
        entries = [
            Entry(found, r, known[r.id], known.get(partners.get(r.row, 0))) for found, r in ranked if r.id in known
        ]
        clauses = self._clauses(entries)
        return tuple(hit_of(entry, clauses.get(number)) for number, entry in enumerate(entries))

    def _clauses(self, entries: Sequence[Entry]) -> Mapping[int, tuple[int, int]]:
        """For the first hits that words do not place the clause nearest in meaning."""
        left = REEMBEDDED - max((entry.found.reembedded for entry in entries), default=0)
        best: dict[int, tuple[int, int]] = {}
        for number, entry in enumerate(entries[:CLAUSES_OF]):
            if entry.partner is not None or _placed_by_words(entry):
                continue
            spans = clause_texts(entry.utterance)
            if len(spans) == 1:
                best[number] = spans[0]
            elif len(spans) <= left:
                left -= len(spans)
                texts = [entry.utterance.text[start:end] for start, end in spans]
                nearness = self._embed(texts).result() @ entry.found.probe.direction
                best[number] = spans[int(nearness.argmax())]
        return best


def _placed_by_words(entry: Entry) -> bool:
    match = entry.ranked.match
    return match.coverage >= _PLAIN_COVERAGE and words_meant(entry.found.query, match.evidence) is not None


def hit_of(entry: Entry, clause: tuple[int, int] | None = None) -> Hit:
    """The hit of a row: the words meant, or ``clause`` where words do not place them."""
    query, ranked, said = entry.found.query, entry.ranked, entry.utterance
    if ranked.joined is not None and entry.partner is not None:
        return _spread(entry, ranked.joined.match, ranked.joined.first, entry.partner)
    start, end = clause or words_meant(query, ranked.match.evidence) or (0, len(said.text))
    start_ms, end_ms = time_of(said, start, end)
    matched = said.text[start:end]
    why = _why(query, ranked.match, ranked.meaning, matched)
    return Hit(said, ranked.score, start_ms, end_ms, matched, why, _denied(ranked.match), None, query.text)


def _spread(entry: Entry, match: Match, first: bool, partner: Utterance) -> Hit:
    """A hit whose words stand partly in a neighbour: its range runs from the first word to the last."""
    query, ranked, said = entry.found.query, entry.ranked, entry.utterance
    one, two = (partner, said) if first else (said, partner)
    start, end = words_meant(query, match.evidence) or (0, len(one.text))
    second = len(one.text) + len(JOINT)
    begin = time_of(one, start, min(end, len(one.text))) if start < len(one.text) else time_of(two, start - second, end)
    finish = time_of(two, max(0, start - second), end - second) if end > second else begin
    matched = (one.text + JOINT + two.text)[start:end]
    why = _why(query, match, ranked.meaning, matched)
    return Hit(said, ranked.score, begin[0], finish[1], matched, why, _denied(match), partner, query.text)


def _denied(match: Match) -> bool:
    return any(evidence.denied for evidence in match.evidence)


def _why(query: Query, match: Match, meaning: float, matched: str) -> tuple[Why, ...]:
    """The ways that found something, each with its words and the share of the query it answers."""
    ways: list[Why] = []
    total = sum(query.weights) or 1.0
    if match.phrase == 1.0:
        ways.append(Why("exact", (matched,), 1.0))
    for way in ("letters", "sound", "concept"):
        pieces = [e for e in match.evidence if e.way == way]
        if pieces:
            best: dict[int, float] = {}
            for piece in pieces:
                for position in piece.covers:
                    best[position] = max(best.get(position, 0.0), piece.credit)
            share = sum(query.weights[i] * c for i, c in best.items()) / total
            ways.append(Why(way, tuple(dict.fromkeys(p.words for p in pieces)), share))
    ways.append(Why("meaning", (matched,), min(1.0, meaning)))
    return tuple(ways)
