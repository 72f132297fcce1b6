"""The vectors of one model in memory: FAISS, 8 bits a component, behind a coarse pass over signs.

Up to `EXACT` vectors stand in a flat index. Then a scalar quantiser (SQ8) is trained on them, and the sign of each
component against the mean is kept beside it: 1 bit a component finds the few thousand nearest (Charikar, 2002),
SQ8 puts them in order. The signs of a million are read in about 10 ms on one core.
"""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from models.embedding import Matrix

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]
FaissIndex = Any
_faiss: Any = faiss  # its stubs do not know the wrappers that take numpy arrays

# One query cannot be shared out well, and threads that wait for one another on busy cores cost ten times the gain.
_faiss.omp_set_num_threads(1)
EXACT = 4_096
# Below this many vectors in question SQ8 itself reads all of them; above, the signs choose first.
SCAN = 30_000
# This many come out of the coarse pass.
SHORTLIST = 1_000
# SQ8 leaves this share of the range it was trained on free at both ends.
_MARGIN = 0.02


class VectorStore:
    """Vectors by place (0, 1, 2 … in order of adding). Not thread-safe."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.index: FaissIndex = _faiss.IndexFlatIP(dim)
        self.mean: Matrix = np.zeros(dim, dtype=np.float32)
        self.signs: FaissIndex = _faiss.IndexBinaryFlat(8 * -(-dim // 8))

    def __len__(self) -> int:
        return int(self.index.ntotal)

    @property
    def quantised(self) -> bool:
        """Whether vectors are kept in 8 bits."""
        return not isinstance(self.index, _faiss.IndexFlatIP)

    @classmethod
    def of(cls, index: FaissIndex, mean: Matrix, signs: FaissIndex) -> "VectorStore":
        """A store as it was saved."""
        store = cls(index.d)
        store.index, store.mean, store.signs = index, mean, signs
        return store

    def add(self, matrix: Matrix) -> None:
        """Append rows ``(n, dim)``."""
        matrix = np.ascontiguousarray(matrix, dtype=np.float32)
        self.index.add(matrix)
        if self.quantised:
            self.signs.add(self._packed(matrix))
        elif len(self) >= EXACT:
            self._quantise()

    def nearest(self, vector: Matrix, count: int, mask: Mask | None = None) -> tuple[Places, Matrix]:
        """Places and inner products of the ``count`` nearest to ``vector`` (dim,), best first; within ``mask`` (n,)."""
        inside = len(self) if mask is None else int(mask.sum())
        count = min(count, inside)
        if not count:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        if self.quantised and inside > SCAN:
            places, _ = _selected(self.signs, self._packed(vector.reshape(1, -1)), max(SHORTLIST, 4 * count), mask)
            scores = self.similarities(vector, places)
            best = np.argsort(-scores, kind="stable")[:count]
            return places[best], scores[best]
        return _selected(self.index, vector.reshape(1, -1), count, mask)

    def similarities(self, vector: Matrix, places: Places) -> Matrix:
        """Inner products of ``vector`` with the vectors at ``places``."""
        if not len(places):
            return np.zeros(0, dtype=np.float32)
        # Without BLAS, whose threads cost more than they bring where the cores are busy.
        scores: Matrix = np.einsum("ij,j->i", self.vectors(places), vector)
        return scores

    def vectors(self, places: Places) -> Matrix:
        """The vectors at ``places``, as exact as they are kept."""
        matrix: Matrix = self.index.reconstruct_batch(np.ascontiguousarray(places, dtype=np.int64))
        return matrix

    def _quantise(self) -> None:
        matrix = self.index.reconstruct_n(0, len(self))
        quantised = _faiss.IndexScalarQuantizer(self.dim, _faiss.ScalarQuantizer.QT_8bit, _faiss.METRIC_INNER_PRODUCT)
        quantised.sq.rangestat = _faiss.ScalarQuantizer.RS_minmax
        quantised.sq.rangestat_arg = _MARGIN
        quantised.train(matrix)
        quantised.add(matrix)
        self.index = quantised
        self.mean = matrix.mean(axis=0)
        self.signs.add(self._packed(matrix))

    def _packed(self, matrix: Matrix) -> NDArray[np.uint8]:
        return np.packbits(matrix > self.mean, axis=1)


def _selected(index: FaissIndex, rows: NDArray[Any], count: int, mask: Mask | None) -> tuple[Places, Matrix]:
    """A search of one row in a FAISS index, within ``mask``."""
    parameters = None
    if mask is not None:
        bits = np.packbits(mask, bitorder="little")
        # The selector keeps a bare pointer: `bits` has to live until the search is over.
        parameters = _faiss.SearchParameters(sel=_faiss.IDSelectorBitmap(bits))
    scores, places = index.search(rows, count, params=parameters)
    return places[0][places[0] >= 0], scores[0][places[0] >= 0]
