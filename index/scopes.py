"""A part of the archive as a mask over rows: from the arrays where they know it, from the database where not."""

import numpy as np
from sqlalchemy import Connection

from index.cache import IndexCache
from index.vectors import Mask
from store.scope import Scope, scope_ids, scope_streams


def scope_mask(connection: Connection, cache: IndexCache, scope: Scope) -> Mask | None:
    """The living rows in ``scope``; ``None`` when that is all of them."""
    if scope.everything:
        return None
    by_row = Scope(scope.stream, scope.shop, host=scope.host, wall_from=scope.wall_from, wall_to=scope.wall_to)
    if scope != by_row:
        mask = np.zeros(len(cache), dtype=bool)
        mask[cache.rows_of(np.array(scope_ids(connection, scope), dtype=np.int64))] = True
        return mask
    mask = _of_streams(connection, cache, scope)
    start = cache.wall_ms.values
    if scope.wall_from is not None:
        mask &= start + cache.length_ms.values > scope.wall_from.timestamp() * 1000
    if scope.wall_to is not None:
        mask &= start < scope.wall_to.timestamp() * 1000
    return mask


def _of_streams(connection: Connection, cache: IndexCache, scope: Scope) -> Mask:
    if not (scope.stream or scope.shop or scope.host):
        return cache.alive.values.copy()
    mask = np.zeros(len(cache), dtype=bool)
    codes = [code for code in map(cache.code, scope_streams(connection, scope)) if code >= 0]
    if codes:
        chosen = np.zeros(len(cache.stream_names), dtype=bool)
        chosen[codes] = True
        # What one stream says stands close together: only the rows between its first and last need be looked at.
        last = cache.last_of_streams()
        reach = slice(min(cache.first_rows[code] for code in codes), max(last[code][0] for code in codes) + 1)
        mask[reach] = chosen[cache.streams.values[reach]] & cache.alive.values[reach]
    return mask
