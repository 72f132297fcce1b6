"""How much an answer looked through: counted from the rows in memory, and from what is recorded of each stream."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection

from index.cache import IndexCache
from index.vectors import Mask
from store.scope import (
    Extent,
    Scope,
    StreamTotals,
    recorded_within,
    stream_states,
    stream_totals,
    streams_within,
)


class ExtentMeter:
    """Remembers the totals of streams while nothing is added to them, so that a year need not be summed up again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int | None, ...], StreamTotals]] = {}

    def measure(self, connection: Connection, cache: IndexCache, scope: Scope, rows: Mask | None) -> Extent:
        """The extent of ``scope``, whose rows are ``rows`` (all when None)."""
        totals = self._totals(connection, scope)
        part = None if scope.whole_streams else recorded_within(connection, scope)
        spoken = _spoken(cache, [n for n, t in totals.items() if t.recorded_ms is None], None if part is None else rows)
        found = _spoken(cache, list(totals), None if part is None else rows)
        found_in = set() if rows is None else _streams_of(cache, rows)
        recorded = sum(t.recorded_ms or 0 for t in totals.values()) if part is None else part.recorded_ms or 0
        return Extent(
            streams=len(totals) if part is None else len(streams_within(connection, scope) | found_in),
            recorded_ms=recorded + spoken[2],
            untranscribed_ms=part.untranscribed_ms if part else sum(t.untranscribed_ms for t in totals.values()),
            gaps=part.gaps if part else sum(t.gaps for t in totals.values()),
            gap_ms=part.gap_ms if part else sum(t.gap_ms for t in totals.values()),
            utterances=found[0],
            not_indexed=found[0] - found[1],
        )

    def _totals(self, connection: Connection, scope: Scope) -> dict[str, StreamTotals]:
        found: dict[str, StreamTotals] = {}
        for name, state in stream_states(connection, scope).items():
            known = self._known.get(name)
            if known is None or known[0] != state:
                known = (state, stream_totals(connection, name))
                self._known[name] = known
            found[name] = known[1]
        return found


def _spoken(cache: IndexCache, streams: Sequence[str], rows: Mask | None) -> tuple[int, int, int]:
    """Living utterances of ``streams`` among ``rows``, how many of them have a vector, their length in ms."""
    codes = [code for code in map(cache.code, streams) if code >= 0]
    if rows is None:
        utterances, embedded, length = cache.totals[codes].sum(axis=0).tolist()
        return int(utterances), int(embedded), int(length)
    chosen = np.zeros(len(cache.stream_names), dtype=bool)
    chosen[codes] = True
    inside = np.flatnonzero(rows & cache.alive.values)
    inside = inside[chosen[cache.streams.values[inside]]]
    embedded = np.count_nonzero(cache.place.values[inside] >= 0)
    return len(inside), int(embedded), int(cache.length_ms.values[inside].sum(dtype=np.int64))


def _streams_of(cache: IndexCache, rows: Mask) -> set[str]:
    codes = np.unique(cache.streams.values[np.flatnonzero(rows & cache.alive.values)])
    return {cache.stream_names[code] for code in codes.tolist()}
