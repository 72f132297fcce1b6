"""A claim spread over two sentences: a text read together with the one before or after it in the same stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.cache import IndexCache
from index.candidates import Coverage
from index.ranking import Match, Matcher, Query

LOOKED_AT = 12
# A neighbour joins when it covers this share of the query, and the two together this much more than either.
_LEAST = 0.15
_GAIN = 0.25
_TOGETHER = 0.75
_ENOUGH = 0.8
# What a run across the joint may add to what the two cover alone.
_ACROSS = 0.15
JOINT = "，"


@dataclass(frozen=True, slots=True)
class Joined:
    """A row read together with ``row``, which comes first or not; ``match`` is that of the two texts joined."""

    row: int
    first: bool
    match: Match


def neighbours_of(cache: IndexCache, found: Coverage, rows: Sequence[int]) -> dict[int, list[tuple[int, bool]]]:
    """For each of the first rows its living neighbours that cover a part of the query, and whether they come first."""
    before, after, alive = cache.before.values, cache.after.values, cache.alive.values
    near: dict[int, list[tuple[int, bool]]] = {}
    for row in rows[:LOOKED_AT]:
        sides = [(int(before[row]), True), (int(after[row]), False)]
        near[row] = [(other, first) for other, first in sides if other >= 0 and alive[other]]
        near[row] = [(other, first) for other, first in near[row] if found.share(other) >= _LEAST]
    return near


def _covered_by_either(query: Query, one: Match, other: Match) -> float:
    """The share of the query that the two texts cover side by side, denied words like any."""
    best = [0.0] * len(query.weights)
    for evidence in (*one.evidence, *other.evidence):
        for position in evidence.covers:
            best[position] = max(best[position], evidence.credit)
    total = sum(query.weights)
    return sum(w * c for w, c in zip(query.weights, best, strict=True)) / total if total else 0.0


def best_join(
    matcher: Matcher,
    query: Query,
    own: Match,
    row: int,
    *,
    texts: Mapping[int, tuple[str, str]],
    near: Sequence[tuple[int, bool]],
    known: Mapping[int, Match] | None = None,
) -> Joined | None:
    """The neighbour that adds most to what ``row`` covers; ``None`` when none adds enough.

    ``known``: what was compared before, by row.
    """
    if own.coverage >= _ENOUGH:
        return None
    best: Joined | None = None
    for other, first in near:
        alone = (known or {}).get(other) or matcher.match(query, *texts[other])
        greater, both = max(own.coverage, alone.coverage), _covered_by_either(query, own, alone)
        if both < _TOGETHER - _ACROSS or both - greater < _GAIN - _ACROSS:
            continue
        one, two = (other, row) if first else (row, other)
        text = texts[one][0] + JOINT + texts[two][0]
        repaired = (texts[one][1] or texts[one][0]) + JOINT + (texts[two][1] or texts[two][0])
        match = matcher.match(query, text, repaired)
        gain = match.coverage - greater
        if (
            gain >= _GAIN
            and match.coverage >= _TOGETHER
            and not match.denial
            and (best is None or match.coverage > best.match.coverage)
        ):
            best = Joined(other, first, match)
    return best
