"""The vectors of one model in memory, in FAISS: a cache of what the database holds, exact inner products."""

import threading
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from core.records import ModelIdentity
from models.embedding import Matrix
from store.vectors import vectors_after

Ids = NDArray[np.int64]
_faiss: Any = faiss  # its stubs do not know the wrappers that take numpy arrays


class VectorCache:
    """Vectors of ``identity`` by utterance id. `refresh` reads what was written since, by any process."""

    def __init__(self, identity: ModelIdentity, dim: int) -> None:
        self.identity = identity
        self._index = _faiss.IndexFlatIP(dim)
        self._ids: Ids = np.zeros(0, dtype=np.int64)
        self._order: Ids = np.zeros(0, dtype=np.int64)
        self._last_row = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._ids)

    def refresh(self, connection: Connection) -> int:
        """Append the vectors written since the last call; how many those were."""
        with self._lock:
            new: list[Ids] = []
            while True:
                self._last_row, ids, matrix = vectors_after(connection, self.identity.sha256, self._last_row)
                if matrix is None:
                    break
                self._index.add(np.ascontiguousarray(matrix, dtype=np.float32))
                new.append(np.array(ids, dtype=np.int64))
            if new:
                self._ids = np.concatenate([self._ids, *new])
                self._order = np.argsort(self._ids, kind="stable")
            return sum(map(len, new))

    def nearest(self, vector: Matrix, count: int, within: Ids | None = None) -> list[tuple[int, float]]:
        """``(utterance id, inner product)`` of the ``count`` nearest to ``vector`` (dim,), best first.

        ``within`` limits the search to these ids.
        """
        with self._lock:
            parameters = None
            if within is not None:
                chosen = np.isin(self._ids, within)
                count = min(count, int(chosen.sum()))
                bits = np.packbits(chosen, bitorder="little")
                # The selector keeps a bare pointer: `bits` has to live until the search is over.
                parameters = _faiss.SearchParameters(sel=_faiss.IDSelectorBitmap(bits))
            count = min(count, len(self._ids))
            if not count:
                return []
            scores, rows = self._index.search(vector.reshape(1, -1), count, params=parameters)
            return [(int(self._ids[r]), float(s)) for r, s in zip(rows[0], scores[0], strict=True) if r >= 0]

    def similarities(self, vector: Matrix, ids: list[int]) -> dict[int, float]:
        """Inner products of ``vector`` with the vectors of ``ids``; ids without a vector are left out."""
        with self._lock:
            if not len(self._ids) or not ids:
                return {}
            wanted = np.array(ids, dtype=np.int64)
            places = np.searchsorted(self._ids, wanted, sorter=self._order)
            rows = self._order[np.minimum(places, len(self._order) - 1)]
            known = self._ids[rows] == wanted
            if not known.any():
                return {}
            matrix = self._index.reconstruct_batch(rows[known])
            return dict(zip(wanted[known].tolist(), (matrix @ vector).tolist(), strict=True))
