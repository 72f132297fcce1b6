"""Learns the query projection (index/projection.py) and writes it: ``python -m index.training.train``.

The matrix is found by Adam on the contrastive loss InfoNCE (van den Oord et al., 2018): of all texts of training a
query has to find its answers; a penalty keeps it near the identity. No chance in it: the same pairs give the same
weights. ``--crossed`` trains on one author and measures on the other instead, and writes nothing.
"""

import hashlib
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.hearing import embedded_text
from index.projection import WEIGHTS, LearntProjection, unit
from index.training.pairs import Block, read_blocks, tuning_blocks
from models.embedder import Embedder, Matrix
from models.embedding import load_embedder

VERSION = "1"
STEPS = 300
_LOSS_TEMPERATURE = 0.05
_PENALTY = 0.01
_RATE = 0.01
_BETA1, _BETA2, _TINY = 0.9, 0.999, 1e-8
_DEPTH = 10
Vectors = dict[str, Matrix]


def main() -> None:
    """Train on everything and write weights and card, or with ``--crossed`` measure by author."""
    blocks = read_blocks()
    embedder = load_embedder()
    try:
        vectors = embedded([*blocks, *tuning_blocks()], embedder)
    finally:
        embedder.close()
    if "--crossed" in sys.argv[1:]:
        for line in crossed(blocks, vectors):
            sys.stdout.write(line + "\n")
        return
    everything = [*blocks, *tuning_blocks()]
    sha256 = write(learn(everything, vectors))
    card = {
        "name": "projection",
        "version": VERSION,
        "sha256": sha256,
        "embedder": embedder.identity.name,
        "embedder_sha256": embedder.identity.sha256,
        "queries": len(everything),
        "texts": len({text for block in everything for text in block.texts}),
    }
    WEIGHTS.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    sys.stdout.write(f"{card}\n")


def embedded(blocks: Sequence[Block], embedder: Embedder) -> Vectors:
    """The vector of every text of ``blocks``."""
    texts = list(dict.fromkeys(text for block in blocks for text in block.texts))
    return dict(zip(texts, embedder.embed([embedded_text(text) for text in texts], "passage"), strict=True))


def learn(blocks: Sequence[Block], vectors: Vectors, steps: int = STEPS) -> dict[str, Matrix]:
    """The arrays of a `LearntProjection`."""
    texts = list(dict.fromkeys(text for block in blocks for text in block.texts))
    place = {text: number for number, text in enumerate(texts)}
    mean = np.stack([vectors[text] for text in texts]).mean(axis=0)
    known = unit(np.stack([vectors[text] for text in texts]) - mean)
    asked = np.array([place[block.query] for block in blocks])
    target = np.zeros((len(blocks), len(texts)), dtype=np.float32)
    for number, block in enumerate(blocks):
        target[number, [place[text] for text in block.answers]] = 1 / len(set(block.answers))
    answers = np.stack([known[[place[text] for text in block.answers]].mean(axis=0) for block in blocks])
    matrix = _fitted(known, asked, target, steps)
    return {"mean": mean, "matrix": matrix, "asked": known[asked], "answers": answers}


def _fitted(known: Matrix, asked: NDArray[np.int64], target: Matrix, steps: int) -> Matrix:
    """The matrix with which the rows ``asked`` of ``known`` find their answers; no query finds itself."""
    queries, identity = known[asked], np.eye(known.shape[1], dtype=np.float32)
    itself = np.zeros_like(target)
    itself[np.arange(len(asked)), asked] = -1e9
    matrix, first, second = identity.copy(), np.zeros_like(identity), np.zeros_like(identity)
    for step in range(1, steps + 1):
        logits = (queries @ matrix) @ known.T / np.float32(_LOSS_TEMPERATURE) + itself
        found = np.exp(logits - logits.max(axis=1, keepdims=True))
        found /= found.sum(axis=1, keepdims=True)
        errors = (found - target) / np.float32(len(asked) * _LOSS_TEMPERATURE)
        gradient = queries.T @ (errors @ known) + np.float32(_PENALTY) * (matrix - identity)
        first = np.float32(_BETA1) * first + np.float32(1 - _BETA1) * gradient
        second = np.float32(_BETA2) * second + np.float32(1 - _BETA2) * gradient**2
        pace = _RATE * (1 - 0.9 * step / steps) / (1 - _BETA1**step)
        upward = np.sqrt(second / np.float32(1 - _BETA2**step)) + np.float32(_TINY)
        matrix = matrix - np.float32(pace) * first / upward
    return matrix


def write(arrays: dict[str, Matrix], path: Path = WEIGHTS) -> str:
    """Write the weights as float16 and return their sha256."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{n: a.astype(np.float16) for n, a in arrays.items()})
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def crossed(blocks: Sequence[Block], vectors: Vectors) -> list[str]:
    """For each author what is found of another's answers: by cosine, and by what was learnt from all others."""
    lines = []
    for author in sorted({block.author for block in blocks}):
        theirs = [block for block in blocks if block.author == author]
        rest = [*(block for block in blocks if block.author != author), *tuning_blocks()]
        projection = LearntProjection(learn(rest, vectors))
        plain = recall(theirs, vectors, None)
        lines.append(
            f"author {author}: {len(theirs)} queries, R@{_DEPTH} by cosine {plain:.3f}, "
            f"learnt from {len(rest)} queries of others {recall(theirs, vectors, projection):.3f}"
        )
    return lines


def recall(blocks: Sequence[Block], vectors: Vectors, projection: LearntProjection | None) -> float:
    """Mean share of the answers that stand among the first 10 of all texts of ``blocks``, queries left out."""
    texts = list(dict.fromkeys(text for block in blocks for text in (*block.answers, *block.others)))
    rows = np.stack([vectors[text] for text in texts])
    shares = []
    for block in blocks:
        vector = vectors[block.query]
        scores = rows @ (vector if projection is None else projection.probe(vector).direction)
        first = {texts[place] for place in np.argsort(-scores, kind="stable")[:_DEPTH]}
        shares.append(len(first & set(block.answers)) / len(set(block.answers)))
    return float(np.mean(shares))


if __name__ == "__main__":
    main()
