"""A part of the archive as a mask over rows: from the arrays where they know it, from the database where not."""

import numpy as np
from sqlalchemy import Connection

from index.cache import IndexCache
from index.vectors import Mask
from store.scope import Scope, scope_ids, scope_streams


def scope_mask(connection: Connection, cache: IndexCache, scope: Scope) -> Mask | None:
    """The rows in ``scope``; ``None`` when that is all of them. Deleted rows may be among them."""
    if scope.everything:
        return None
    mask = np.zeros(len(cache), dtype=bool)
    by_row = Scope(scope.stream, scope.shop, host=scope.host, wall_from=scope.wall_from, wall_to=scope.wall_to)
    if scope != by_row:
        mask[cache.rows_of(np.array(scope_ids(connection, scope), dtype=np.int64))] = True
        return mask
    mask |= _of_streams(connection, cache, scope)
    start = cache.wall_ms.values
    if scope.wall_from is not None:
        mask &= start + cache.length_ms.values > scope.wall_from.timestamp() * 1000
    if scope.wall_to is not None:
        mask &= start < scope.wall_to.timestamp() * 1000
    return mask


def _of_streams(connection: Connection, cache: IndexCache, scope: Scope) -> Mask:
    if not (scope.stream or scope.shop or scope.host):
        return np.ones(len(cache), dtype=bool)
    codes = [cache.code(name) for name in scope_streams(connection, scope)]
    chosen = np.zeros(len(cache.stream_names) + 1, dtype=bool)
    chosen[codes] = True  # code -1, a stream without utterances, is the last place
    chosen[-1] = False
    wanted: Mask = chosen[cache.streams.values]
    return wanted
