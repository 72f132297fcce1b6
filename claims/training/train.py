"""Train the meaning model: ``python -m claims.training.train``.

Reads the sentences, adds grammar and noise, lets the rules and the embedder see them, fits the scorers, fuses
their out-of-fold scores, sets the thresholds on sentences written by hand, and writes weights and model card.
The ``unseen`` blocks are not read. Takes some minutes on one core; all that is random is seeded. A file
named as the only argument keeps the sentence vectors from one run to the next.
"""

import hashlib
import io
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from claims.checker import load_checker
from claims.fold import fold
from claims.meaning import CARD, CLASSES, WEIGHTS, Reading, clauses, embedded, features
from claims.ngrams import bag
from claims.training.augment import from_grammar, variants
from claims.training.regression import Bags, Dense, Matrix, fit, predict
from claims.training.sentences import Sentence, read_sentences
from models.embedding import Embedder, load_embedder

SEED = 20260201
FOLDS = 5
VERSION = "1"
WRITTEN, GRAMMAR, NOISY = 1.0, 0.35, 0.5
FALSE_ALARMS = 0.03
EMBEDDED_COPIES = (0, 2)
TEXT_PENALTY = 2e-4
_BATCH = 32
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence as the scorers see it; ``source`` ties copies of one sentence together."""

    sentence: Sentence
    reading: Reading
    source: int
    weight: float
    embeds: bool

    @property
    def guilty(self) -> bool:
        """Whether it holds a claim."""
        return self.sentence.label != "none"


def main() -> None:
    """Train and write the weights."""
    began = time.monotonic()
    written = [s for s in read_sentences() if not s.unseen]
    examples = examples_of(written)
    sys.stdout.write(f"{len(written)} sentences, {len(examples)} with grammar and noise\n")
    embedder = load_embedder()
    try:
        arrays, notes = train(examples, vectors_of(examples, embedder, Path(sys.argv[1]) if sys.argv[1:] else None))
        identity = embedder.identity
    finally:
        embedder.close()
    card = {
        "name": "meaning", "version": VERSION, "sha256": write(arrays), "embedder": identity.name,
        "embedder_sha256": identity.sha256, "sentences": len(written), "examples": len(examples), "seed": SEED, **notes,
    }  # fmt: skip
    CARD.write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(notes) + f"\n{time.monotonic() - began:.0f} s\n")


def examples_of(written: Sequence[Sentence]) -> list[Example]:
    """Sentences, their noisy copies and grammar, read by the rules. Half of them without the product."""
    rng = np.random.default_rng(SEED)
    checker = load_checker(meaning=False)
    found: list[Example] = []
    for source, sentence in enumerate([*written, *from_grammar(rng)]):
        by_hand = source < len(written)
        weight = WRITTEN if by_hand else GRAMMAR
        copies = list(variants(sentence, rng)) if by_hand or rng.random() < 0.4 else []
        for number, copy in enumerate([sentence, *copies]):
            kind = sentence.product if rng.random() < 0.7 else ""
            reading = checker.read(fold(copy.text).text, kind).reading
            embeds = number in EMBEDDED_COPIES if by_hand else number == 0 and rng.random() < 0.3
            found.append(Example(copy, reading, source, NOISY * weight if number else weight, embeds))
    return found


def vectors_of(examples: Sequence[Example], embedder: Embedder, cache: Path | None = None) -> Matrix:
    """One vector an example, zero for copies that are not embedded; ``cache`` keeps vectors between runs."""
    known: dict[str, Matrix] = {}
    if cache is not None and cache.is_file():
        with np.load(cache, allow_pickle=False) as stored:
            known = dict(zip(stored["texts"].tolist(), stored["vectors"], strict=True))
    wanted = [e for e in examples if e.embeds and _key(e) not in known]
    for first in range(0, len(wanted), _BATCH):
        batch = wanted[first : first + _BATCH]
        known |= dict(zip(map(_key, batch), embedded(embedder, [e.reading for e in batch]), strict=True))
    if cache is not None and wanted:
        np.savez(cache, allow_pickle=False, texts=np.array(list(known)), vectors=np.stack(list(known.values())))
    empty = np.zeros(embedder.dim, np.float32)
    return np.stack([known[_key(e)] if e.embeds else empty for e in examples]).astype(np.float32)


def _key(example: Example) -> str:
    return f"{example.reading.text}|{example.reading.repaired}"


def train(examples: Sequence[Example], vectors: Matrix) -> tuple[dict[str, Matrix], dict[str, object]]:
    """The weights by name, and what was measured out of fold."""
    scores = np.zeros((len(examples), 3), np.float32)
    for fold_number in range(FOLDS):
        held = np.array([e.source % FOLDS == fold_number for e in examples])
        model = _scorers([e for e, h in zip(examples, held, strict=True) if not h], vectors[~held])
        chosen = [e for e, h in zip(examples, held, strict=True) if h]
        scores[held] = _scores(model, chosen, vectors[held])
    arrays = _scorers(examples, vectors) | _class_tables(examples, vectors)
    guilty = np.array([[float(e.guilty)] for e in examples], np.float32)
    weights = np.array([e.weight for e in examples], np.float32)
    flags = np.array([e.reading.flags for e in examples], np.float32)
    thresholds, notes = [], dict[str, object]()
    has_vector = np.array([e.embeds for e in examples])
    by_hand = weights >= NOISY
    for name, columns in (("fusion_vector", 3), ("fusion_plain", 2)):
        rows = np.flatnonzero((has_vector | (columns == 2)) & by_hand)
        inputs = Dense(np.concatenate([scores[rows, :columns], flags[rows]], axis=1))
        fused, bias = fit(inputs, guilty[rows], weights[rows], penalty=1e-4, steps=800, rate=0.05)
        arrays[name] = np.concatenate([bias, fused[0]])
        threshold, note = _threshold([examples[int(i)] for i in rows], predict(inputs, fused, bias)[:, 0])
        thresholds.append(threshold)
        notes[name] = note
    arrays["thresholds"] = np.array(thresholds, np.float32)
    return arrays, notes


def _scorers(examples: Sequence[Example], vectors: Matrix) -> dict[str, Matrix]:
    guilty = np.array([[float(e.guilty)] for e in examples], np.float32)
    weights = np.array([e.weight for e in examples], np.float32)
    text, text_bias = fit(Bags.of([features(e.reading) for e in examples]), guilty, weights, penalty=TEXT_PENALTY)
    known = np.any(vectors != 0, axis=1)
    vector = _standardised(vectors[known], guilty[known], weights[known])[0]
    bags, targets, importance = _clause_rows(examples)
    clause, clause_bias = fit(Bags.of(bags), targets, importance, penalty=TEXT_PENALTY)
    return {
        "text": np.append(text[0], text_bias),
        "clause": np.append(clause[0], clause_bias),
        "vector": vector,
    }


def _clause_rows(examples: Sequence[Example]) -> tuple[list[Ints], Matrix, Matrix]:
    """Clauses with whether they hold words of a claim."""
    bags, targets, importance = [], [], []
    for example in examples:
        folded = fold(example.sentence.text)
        for start, end in clauses(folded.text):
            first, last = folded.original_span(start, end)
            inside = any(a < last and first < b for a, b in example.sentence.spans)
            bags.append(bag([folded.text[start:end]]))
            targets.append([float(inside)])
            importance.append(example.weight)
    return bags, np.array(targets, np.float32), np.array(importance, np.float32)


def _scores(model: dict[str, Matrix], examples: Sequence[Example], vectors: Matrix) -> Matrix:
    from claims.meaning import MeaningModel

    judge = MeaningModel(dict(model), "", VERSION)
    return np.array([judge.scores(e.reading, v) for e, v in zip(examples, vectors, strict=True)], np.float32)


def _class_tables(examples: Sequence[Example], vectors: Matrix) -> dict[str, Matrix]:
    chosen = np.array([e.guilty for e in examples])
    guilty = [e for e in examples if e.guilty]
    targets = np.array([[float(e.sentence.label == c.value) for c in CLASSES] for e in guilty], np.float32)
    weights = np.array([e.weight for e in guilty], np.float32)
    text, text_bias = fit(Bags.of([features(e.reading) for e in guilty]), targets, weights, penalty=TEXT_PENALTY)
    known = np.any(vectors[chosen] != 0, axis=1)
    return {
        "text_class": np.concatenate([text, text_bias[:, None]], axis=1),
        "vector_class": _standardised(vectors[chosen][known], targets[known], weights[known]),
    }


def _standardised(vectors: Matrix, targets: Matrix, weights: Matrix) -> Matrix:
    """Biases and weights ``(classes, 1 + columns)`` for raw vectors, fitted on standardised ones.

    E5 vectors lie in a narrow cone; without this the penalty would fall on what they have in common.
    """
    mean, spread = vectors.mean(axis=0), vectors.std(axis=0) * np.sqrt(vectors.shape[1]) + 1e-9
    fitted, bias = fit(Dense((vectors - mean) / spread), targets, weights, penalty=1e-4, steps=400)
    raw = fitted / spread
    return np.concatenate([(bias - raw @ mean)[:, None], raw], axis=1).astype(np.float32)


def _threshold(examples: Sequence[Example], probabilities: Matrix) -> tuple[float, dict[str, float]]:
    """The lowest threshold with at most `FALSE_ALARMS` on the lawful sentences written by hand."""
    written = [(e, float(p)) for e, p in zip(examples, probabilities, strict=True) if e.weight == WRITTEN]
    threshold = float(np.quantile([p for e, p in written if not e.guilty], 1 - FALSE_ALARMS))
    found = [p >= threshold for e, p in written if e.guilty]
    implied = [p >= threshold for e, p in written if e.sentence.variant == "paraphrase"]
    note = {
        "threshold": round(threshold, 3),
        "recall": round(float(np.mean(found)), 3),
        "paraphrase": round(float(np.mean(implied)), 3),
    }
    for kind in ("plain", "hard_negative", "negated_or_quoted"):
        lawful = [p >= threshold for e, p in written if not e.guilty and e.sentence.variant == kind]
        note[kind] = round(float(np.mean(lawful)), 3)
    return threshold, note


def write(arrays: dict[str, Matrix], path: Path = WEIGHTS) -> str:
    """Write the weights as float16 and return their sha256; the large tables lose their smallest weights."""
    small = {name: value.astype(np.float16) for name, value in arrays.items()}
    for name in ("text", "clause", "text_class"):
        small[name][np.abs(small[name]) < 0.02] = 0
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **small)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


if __name__ == "__main__":
    main()
