"""Train the meaning model: ``python -m claims.training.train [FOLDER]``.

Reads the sentences, counts their words, adds grammar and noise, lets the rules and the sentence encoder see them,
fits the scorers, fuses their scores on authors left out, sets the thresholds on those, and writes weights
and model card. The ``unseen`` blocks are not read. Takes some ten minutes on one core; all that is random is seeded.
FOLDER keeps encoded texts and learnt networks, so that a run that was cut off goes on where it was.
"""

import hashlib
import io
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from claims.checker import load_checker
from claims.flags import ruled
from claims.fold import fold
from claims.meaning import (
    CARD,
    CLASSES,
    FUSIONS,
    WEIGHTS,
    MeaningModel,
    Reading,
    clauses,
    features,
    fusion_inputs,
)
from claims.ngrams import bag
from claims.repair import SPOKEN, spoken_counts, spoken_words
from claims.training.augment import from_grammar, variants
from claims.training.encoded import Ranges, States, Store, digest
from claims.training.regression import Bags, Dense, Matrix, fit, predict
from claims.training.sentences import Sentence, read_sentences
from claims.training.tokenhead import Lesson, learn, together
from core.errors import ModelError
from models.embedder import TokenEmbedder
from models.embedding import load_embedder

SEED = 20260201
LEFT_OUT = (("first", "sixth", "seventh"), ("second", "fifth"), ("third", "fourth"))
"""Whose sentences are left out together: what is measured out of fold is measured on authors the model never met."""
VERSION = "4"
WRITTEN, GRAMMAR, NOISY = 1.0, 0.35, 0.5
FALSE_ALARMS = 0.06
_GRID = tuple(float(x) for x in np.arange(0.3, 0.98, 0.01))
TEXT_PENALTY = 2e-4
_STEPS = 120
KINDS = ("plain", "hard_negative", "negated_or_quoted")
_UNTRUE = frozenset({"homophone_asr_error", "evasion"})
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence as the scorers see it; ``source`` ties copies of one sentence together."""

    sentence: Sentence
    reading: Reading
    source: int
    weight: float

    @property
    def guilty(self) -> bool:
        """Whether it holds a claim."""
        return self.sentence.label != "none"

    @property
    def fold(self) -> int:
        """Which part of `LEFT_OUT` it is in; -1 for grammar, which is learnt from and not measured on."""
        return next((i for i, authors in enumerate(LEFT_OUT) if self.sentence.author in authors), -1)


def main() -> None:
    """Train and write the weights."""
    began = time.monotonic()
    written = [s for s in read_sentences() if not s.unseen]
    write_spoken(written)
    examples = examples_of(written)
    sys.stdout.write(f"{len(written)} sentences, {len(examples)} with grammar and noise\n")
    embedder = load_embedder()
    try:
        if not isinstance(embedder, TokenEmbedder):
            raise ModelError("model_embedder", "句向量模型给不出逐字状态。", "The embedder tells no states of tokens.")
        identity = embedder.identity
        store = Store(Path(sys.argv[1]) if sys.argv[1:] else None, identity.sha256)
        states = store.states([text for e in examples for text in (e.reading.text, e.reading.repaired)], embedder)
    finally:
        embedder.close()
    arrays, notes = train(examples, states, store)
    card = {
        "name": "meaning", "version": VERSION, "sha256": write(arrays), "embedder": identity.name,
        "embedder_sha256": identity.sha256, "sentences": len(written), "examples": len(examples), "seed": SEED, **notes,
    }  # fmt: skip
    CARD.write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(notes) + f"\n{time.monotonic() - began:.0f} s\n")


def write_spoken(written: Sequence[Sentence]) -> None:
    """Count the words of sentences that were heard right, for `claims.repair`."""
    terms = {t for p in load_checker(meaning=False).packs for lexicon in p.lexicons.values() for t in lexicon.terms}
    counts = spoken_words((fold(s.text).text for s in written if s.variant not in _UNTRUE), terms)
    rows = sorted((word, count) for word, count in counts.items() if word.strip() and word.isalpha())
    SPOKEN.write_text("".join(f"{word} {count}\n" for word, count in rows), "utf-8")
    spoken_counts.cache_clear()


def examples_of(written: Sequence[Sentence]) -> list[Example]:
    """Sentences, their noisy copies and grammar, read by the rules. Some of them without the product."""
    checker = load_checker(meaning=False)
    found: list[Example] = []
    for source, sentence in enumerate([*written, *from_grammar(np.random.default_rng(SEED))]):
        rng = np.random.default_rng([SEED, crc32(sentence.text.encode())])  # a sentence's noise is its own
        by_hand = source < len(written)
        weight = WRITTEN if by_hand else GRAMMAR
        copies = list(variants(sentence, rng)) if by_hand or rng.random() < 0.3 else []
        for number, copy in enumerate([sentence, *copies]):
            kind = sentence.product if rng.random() < 0.7 else ""
            reading = checker.read(fold(copy.text).text, kind).reading
            found.append(Example(copy, reading, source, NOISY * weight if number else weight))
    return found


def train(
    examples: Sequence[Example], states: dict[str, States], store: Store
) -> tuple[dict[str, Matrix], dict[str, object]]:
    """The weights by name, and what was measured out of fold."""
    learner = Learner(examples, states, store)
    scores = np.zeros((len(examples), 3), np.float32)
    folds = np.array([e.fold for e in examples])
    networks = []
    for number in range(len(LEFT_OUT)):
        held, others = np.flatnonzero(folds == number), np.flatnonzero(folds != number)
        networks.append(learner.head(others, SEED + number))
        model = learner.scorers(others) | networks[number]
        scores[held] = _scores(model, [examples[int(i)] for i in held], states)
    everything = np.arange(len(examples))
    # Those that left authors out know nearly as much as the one that met all: four opinions are better than one.
    networks.append(learner.head(everything, SEED + len(LEFT_OUT)))
    arrays = learner.scorers(everything) | together(networks) | _class_table(examples)
    notes = dict[str, object]()
    by_hand = np.flatnonzero(folds >= 0)
    measured, thresholds = [examples[int(i)] for i in by_hand], [0.0] * len(FUSIONS)
    for number, columns in enumerate((3, 2)):
        fused, cuts, notes[FUSIONS[number]] = _fused(measured, scores[by_hand, :columns])
        arrays |= {FUSIONS[number]: fused[0], FUSIONS[number + 2]: fused[1]}
        thresholds[number], thresholds[number + 2] = cuts
    arrays["thresholds"] = np.array(thresholds, np.float32)
    return arrays, notes


class Learner:
    """Learns scorers on parts of the examples."""

    def __init__(self, examples: Sequence[Example], states: dict[str, States], store: Store) -> None:
        self._examples = examples
        self._store = store
        ranges = Ranges()
        self._lessons = [_lessons(example, states, ranges) for example in examples]
        texts = [f"{e.reading.text}|{e.reading.repaired}|{e.sentence.label}|{e.weight}" for e in examples]
        self._digest = digest(texts)

    def head(self, chosen: Ints, seed: int) -> dict[str, Matrix]:
        """One network on the examples of those indexes."""
        lessons = [lesson for i in chosen for lesson in self._lessons[int(i)]]
        name = f"network-{self._digest}-{len(chosen)}-{seed}"
        return self._store.kept(name, lambda: learn(lessons, len(CLASSES), seed))

    def scorers(self, chosen: Ints) -> dict[str, Matrix]:
        """The scorers of n-grams on the examples of those indexes."""
        name = f"scorers-{self._digest}-{len(chosen)}"
        return self._store.kept(name, lambda: _scorers([self._examples[int(i)] for i in chosen]))


def _lessons(example: Example, states: dict[str, States], ranges: Ranges) -> list[Lesson]:
    """What the head learns from an example: as heard, and as repaired where that differs."""
    reading, folded = example.reading, fold(example.sentence.text)
    category = next((i for i, c in enumerate(CLASSES) if c.value == example.sentence.label), -1)
    places = [folded.original_span(i, i + 1) for i in range(len(folded.text))]
    marked = [any(a < stop and start < b for a, b in example.sentence.spans) for start, stop in places]
    texts = [t for t in dict.fromkeys((reading.text, reading.repaired)) if len(states[t])]
    return [
        Lesson(
            states[text], float(example.guilty), category, example.weight / len(texts) ** 0.5,
            ranges.inside(text, marked) if len(text) == len(marked) else None,
        )
        for text in texts
    ]  # fmt: skip


def _fused(
    examples: Sequence[Example], scores: Matrix
) -> tuple[tuple[Matrix, Matrix], tuple[float, float], dict[str, float]]:
    """Fusion weights and thresholds, without and with findings of rules, and measures on out-of-fold ``scores``."""
    inputs = fusion_inputs(scores, np.array([e.reading.flags for e in examples], np.float32))
    guilty = np.array([[float(e.guilty)] for e in examples], np.float32)
    weights = np.array([e.weight for e in examples], np.float32)
    found = np.array([ruled(e.reading.flags) for e in examples])
    fused, probabilities = [], np.zeros(len(examples), np.float32)
    for regime in (~found, found):
        rows = np.flatnonzero(regime)
        some = Dense(inputs[rows])
        weight, bias = fit(some, guilty[rows], weights[rows], penalty=1e-4, steps=800, rate=0.05)
        fused.append(np.concatenate([bias, weight[0]]))
        probabilities[rows] = predict(some, weight, bias)[:, 0]
    cuts, note = _thresholds(examples, found, probabilities)
    return (fused[0], fused[1]), cuts, note


def _scorers(examples: Sequence[Example]) -> dict[str, Matrix]:
    """The scorers of n-grams."""
    guilty = np.array([[float(e.guilty)] for e in examples], np.float32)
    weights = np.array([e.weight for e in examples], np.float32)
    bags = Bags.of([features(e.reading) for e in examples])
    text, text_bias = fit(bags, guilty, weights, penalty=TEXT_PENALTY, steps=_STEPS)
    clause, clause_bias = fit(*_clause_rows(examples), penalty=TEXT_PENALTY, steps=_STEPS)
    return {"text": np.append(text[0], text_bias), "clause": np.append(clause[0], clause_bias)}


def _clause_rows(examples: Sequence[Example]) -> tuple[Bags, Matrix, Matrix]:
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
    return Bags.of(bags), np.array(targets, np.float32), np.array(importance, np.float32)


def _scores(model: dict[str, Matrix], examples: Sequence[Example], states: dict[str, States]) -> Matrix:
    judge = MeaningModel(dict(model), "", VERSION)
    found = []
    for example in examples:
        texts = dict.fromkeys((example.reading.text, example.reading.repaired))
        opinion = judge.opinion([states[text].astype(np.float32) for text in texts])
        found.append(judge.scores(example.reading, opinion))
    return np.array(found, np.float32)


def _class_table(examples: Sequence[Example]) -> dict[str, Matrix]:
    guilty = [e for e in examples if e.guilty]
    targets = np.array([[float(e.sentence.label == c.value) for c in CLASSES] for e in guilty], np.float32)
    weights = np.array([e.weight for e in guilty], np.float32)
    bags = Bags.of([features(e.reading) for e in guilty])
    text, bias = fit(bags, targets, weights, penalty=TEXT_PENALTY, steps=_STEPS // 2)
    return {"text_class": np.concatenate([text, bias[:, None]], axis=1)}


def _thresholds(
    examples: Sequence[Example], found: NDArray[np.bool_], probabilities: Matrix
) -> tuple[tuple[float, float], dict[str, float]]:
    """The two thresholds (meaning alone, a rule's finding) that find most of what was written by hand.

    At most `FALSE_ALARMS` of each kind of lawful sentence may be reported. Among sentences with a claim those of each
    variant count alike.
    """
    written = np.array([e.weight == WRITTEN for e in examples])
    guilty = np.array([e.guilty for e in examples])
    variants = np.array([e.sentence.variant for e in examples])
    lawful = {kind: written & ~guilty & (variants == kind) for kind in KINDS}
    claims = {name: written & guilty & (variants == name) for name in dict.fromkeys(variants[guilty])}
    best = (-1.0, (1.0, 1.0))
    for alone in _GRID:
        for meant in _GRID:
            alarms = probabilities >= np.where(found, meant, alone)
            if all(alarms[some].mean() <= FALSE_ALARMS for some in lawful.values() if some.any()):
                recall = float(np.mean([alarms[some].mean() for some in claims.values() if some.any()]))
                best = max(best, (recall, (alone, meant)))
    cuts = best[1]
    alarms = probabilities >= np.where(found, cuts[1], cuts[0])
    note = {"threshold": round(cuts[0], 3), "meant": round(cuts[1], 3)}
    note |= {str(name): round(float(alarms[some].mean()), 3) for name, some in claims.items() if some.any()}
    note |= {f"lawful_{kind}": round(float(alarms[some].mean()), 3) for kind, some in lawful.items() if some.any()}
    return cuts, note


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
