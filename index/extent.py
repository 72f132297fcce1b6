"""How much an answer looked through: counted from the rows in memory, and from what is recorded of each stream."""

import numpy as np
from sqlalchemy import Connection

from index.cache import IndexCache
from index.vectors import Mask
from store.scope import Extent, Scope, StreamTotals, recorded_within, stream_states, stream_totals


class ExtentMeter:
    """Remembers the totals of streams while nothing is added to them, so that a year need not be summed up again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int | None, ...], StreamTotals]] = {}

    def measure(self, connection: Connection, cache: IndexCache, scope: Scope, rows: Mask | None) -> Extent:
        """The extent of ``scope``, whose rows are ``rows`` (all when None)."""
        totals = self._totals(connection, scope)
        living = cache.alive.values if rows is None else cache.alive.values & rows
        part = None if scope.whole_streams else recorded_within(connection, scope)
        recorded = sum(t.recorded_ms or 0 for t in totals.values()) if part is None else part.recorded_ms or 0
        return Extent(
            streams=len(totals),
            recorded_ms=recorded + self._imported_ms(cache, totals, living),
            untranscribed_ms=part.untranscribed_ms if part else sum(t.untranscribed_ms for t in totals.values()),
            gaps=part.gaps if part else sum(t.gaps for t in totals.values()),
            gap_ms=part.gap_ms if part else sum(t.gap_ms for t in totals.values()),
            utterances=int(living.sum()),
            not_indexed=int((living & (cache.place.values < 0)).sum()),
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

    def _imported_ms(self, cache: IndexCache, totals: dict[str, StreamTotals], living: Mask) -> int:
        """Speech of streams that are known by a transcript only."""
        codes = [cache.code(name) for name, total in totals.items() if total.recorded_ms is None]
        if not codes or not len(cache):
            return 0
        only_text = np.zeros(len(cache.stream_names) + 1, dtype=bool)
        only_text[codes] = True  # code -1, a stream without utterances, is the last place
        only_text[-1] = False
        return int(cache.length_ms.values[living & only_text[cache.streams.values]].sum(dtype=np.int64))
