"""What was meant, where no rule has a word for it: several cheap scorers, each a regression, fused by another.

``text`` reads the utterance as hashed n-grams of letters and syllables, ``clause`` does the same clause by
clause, ``head`` reads what a sentence encoder makes of each token where one was handed in (`claims.tokenhead`),
and flags say what the rules and the judgement of voice made of it. Where rules found something, the question is
another (is it meant?), and another regression answers it. The weights come from ``python -m claims.training.train``.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claims.flags import DOUBTED, ruled
from claims.fold import CLAUSE, MARKS
from claims.ngrams import MAX_CHARS, bag, grams
from claims.tokenhead import Opinion, TokenHead
from core.errors import ModelError
from core.records import Category
from models.embedder import TokenEmbedder

WEIGHTS = Path(__file__).parent / "weights" / "meaning.npz"
CARD = WEIGHTS.with_suffix(".json")
CLASSES = tuple(Category)
FUSIONS = ("fusion_head", "fusion_plain", "fusion_head_ruled", "fusion_plain_ruled")
Matrix = NDArray[np.floating[Any]]
WINDOW = 12
NEAR_CHARS = 20
FAR_CHARS = 60
"""Between them lie most of the sentences that the model learnt from."""
_ENDS = "。！？"
_SHORT_CLAUSE = 5
_TOP = 12.0


@dataclass(frozen=True, slots=True)
class Reading:
    """An utterance as the scorers see it: folded, the same with what was heard by sound put right, and flags."""

    text: str
    repaired: str
    kind: str
    flags: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How likely an utterance holds a claim (0 to 1), of which class, and the ranges of its suspicious clauses."""

    probability: float
    category: Category
    clauses: tuple[tuple[int, int], ...]


class MeaningModel:
    """Trained weights, ready to judge; read-only and safe from any thread. ``encoder`` is the sha256 it reads."""

    def __init__(self, arrays: Mapping[str, NDArray[np.generic]], sha256: str, version: str, encoder: str = "") -> None:
        self._weights = {name: np.asarray(value, dtype=np.float32) for name, value in arrays.items()}
        self._head = TokenHead(self._weights)
        self.sha256 = sha256
        self.version = version
        self.encoder = encoder

    def judge(self, reading: Reading, opinion: Opinion | None = None) -> Judgement:
        """Probability, class and clauses; ``opinion`` is what the head makes of the utterance, if it was encoded."""
        parts = self.scores(reading, opinion)
        inputs = fusion_inputs(np.array([parts if opinion else parts[:2]]), np.array([reading.flags]))[0]
        fusion = self._weights[fusion_name(reading, opinion is not None)]
        logit = float(fusion[0] + np.dot(fusion[1:], inputs))
        return Judgement(_sigmoid(logit), self._category(reading, opinion), self._clauses(reading))

    def threshold(self, opinion: Opinion | None) -> float:
        """The least probability that is reported, with or without an opinion of the head."""
        return float(self._weights["thresholds"][1 if opinion is None else 0])

    def least_meant(self, opinion: Opinion | None) -> float:
        """The least probability at which what rules found is taken as meant."""
        return float(self._weights["thresholds"][3 if opinion is None else 2])

    def opinions(self, embedder: TokenEmbedder, readings: Sequence[Reading]) -> list[Opinion | None]:
        """What the head makes of each reading, as heard and as repaired; one call to the embedder for all."""
        texts = list(dict.fromkeys(text for r in readings for text in (r.text, r.repaired)))
        states = dict(zip(texts, embedder.states([text[:MAX_CHARS] for text in texts]), strict=True))
        return [self.opinion([states[text] for text in dict.fromkeys((r.text, r.repaired))]) for r in readings]

    def opinion(self, states: Sequence[NDArray[np.float32]]) -> Opinion | None:
        """The mean opinion on several readings of one utterance; none where nothing was encoded."""
        read = [self._head.read(rows) for rows in states if len(rows)]
        if not read:
            return None
        classes = np.mean([opinion.classes for opinion in read], axis=0)
        return Opinion(sum(opinion.claim for opinion in read) / len(read), classes)

    def scores(self, reading: Reading, opinion: Opinion | None) -> tuple[float, float, float]:
        """The log-odds of the scorers ``text``, ``clause`` and ``head``."""
        whole = self._linear("text", features(reading))
        return whole, self.clause_score(reading.text), _bounded(opinion.claim) if opinion else 0.0

    def clause_score(self, text: str) -> float:
        """The log-odds of the most suspicious clause of folded ``text``."""
        return max((self._linear("clause", bag([text[a:b]])) for a, b in clauses(text)), default=-_TOP)

    def _linear(self, name: str, buckets: NDArray[np.int64]) -> float:
        weights = self._weights[name]
        return _bounded(float(weights[-1] + weights[buckets].sum() / np.sqrt(max(1, buckets.size))))

    def _category(self, reading: Reading, opinion: Opinion | None) -> Category:
        buckets = features(reading)
        table = self._weights["text_class"]
        logits = table[:, -1] + table[:, buckets].sum(axis=1) / np.sqrt(max(1, buckets.size))
        if opinion is not None:
            logits = logits + opinion.classes
        return CLASSES[int(np.argmax(logits))]

    def _clauses(self, reading: Reading) -> tuple[tuple[int, int], ...]:
        scored = [(self._linear("clause", bag([reading.text[a:b]])), a, b) for a, b in clauses(reading.text)]
        if not scored:
            return ()
        best = max(scored)[0]
        kept = sorted((a, b) for score, a, b in scored if score >= best - 0.5 or score > 1.0)
        return tuple(self._window(reading.text, a, b) for a, b in kept)

    def _window(self, text: str, start: int, end: int) -> tuple[int, int]:
        """The stretch of at most `WINDOW` characters of a clause that carries its score."""
        if end - start <= WINDOW:
            return start, end
        weights, found = self._weights["clause"], grams(text[start:end])
        carried = np.zeros(end - start + 1)
        for index, first, last in zip(found.buckets, found.starts, found.ends, strict=True):
            carried[first:last] += weights[index] / max(1, last - first)
        sums = np.convolve(carried[: end - start], np.ones(WINDOW), mode="valid")
        first = start + int(np.argmax(sums))
        return first, first + WINDOW


def fusion_name(reading: Reading, heard: bool) -> str:
    """Which regression fuses the scores: with an opinion of the head or without, and whether rules found something."""
    return FUSIONS[(0 if heard else 1) + (2 if ruled(reading.flags) else 0)]


def fusion_inputs(scores: Matrix, flags: Matrix) -> Matrix:
    """Rows of scores and flags as the fusion takes them: a sign of doubt changes what a score is worth."""
    doubt = flags[:, DOUBTED, None]
    return np.concatenate([scores, flags, scores * doubt], axis=1).astype(np.float32)


def features(reading: Reading) -> NDArray[np.int64]:
    """The buckets of an utterance: n-grams of both readings and the kind of product."""
    return bag([reading.text, reading.repaired], (f"product {reading.kind}",) if reading.kind else ())


def clauses(text: str) -> Iterator[tuple[int, int]]:
    """The clauses of folded text; one of a few characters is joined to the next."""
    start = 0
    for index, char in enumerate(text + CLAUSE):
        if char in MARKS and (index - start >= _SHORT_CLAUSE or index == len(text)):
            if index > start:
                yield start, index
            start = index + 1


def windows(text: str, least: int = NEAR_CHARS, most: int = FAR_CHARS) -> list[tuple[int, int]]:
    """Stretches of folded ``text`` that hold together, from its beginning to its end: mostly sentences.

    Short sentences are joined to the next one until there are ``least`` characters; one of more than ``most`` is parted
    at a clause.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for _, end in clauses(text):
        stop = end + 1
        ends = end >= len(text) or text[end] in _ENDS
        if (ends and stop - start >= least) or stop - start >= most:
            found.append((start, min(stop, len(text))))
            start = stop
    if start < len(text):
        if found and len(text) - start < least:
            start = found.pop()[0]
        found.append((start, len(text)))
    return found


def load_meaning(path: Path = WEIGHTS) -> MeaningModel:
    """The trained weights, checked against the sha256 of their card; ModelError when they do not fit."""
    try:
        data = path.read_bytes()
        card = json.loads(path.with_suffix(".json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError("meaning_missing", f"读不到语义模型：{path}", f"Cannot read {path}.") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != card["sha256"]:
        raise ModelError(
            "meaning_changed",
            f"语义模型 {path.name} 与模型卡的校验值不符。",
            f"The meaning model {path.name} does not match the sha256 of its card.",
        )
    with np.load(path, allow_pickle=False) as arrays:
        return MeaningModel(dict(arrays), digest, str(card["version"]), str(card["embedder_sha256"]))


def _sigmoid(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-max(-30.0, min(30.0, logit)))))


def _bounded(logit: float) -> float:
    return max(-_TOP, min(_TOP, logit))
