"""``livewitness bench claims --set FILE``: how well the rule packs find what was promised.

A set is JSON lines with ``id``, ``text``, ``label``, ``spans`` (code points, end exclusive), ``variant``,
``product`` and, where more than one label is right, ``also``. A finding counts for a span if it overlaps it and is no
longer than 12 characters or 2.5 times the span, whichever is more. ``info`` findings count for nothing. The
ranges are 95 % bootstrap intervals over utterances (Efron & Tibshirani 1993).
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from claims.checker import Checker, load_checker
from claims.fold import fold
from claims.training.sentences import read_sentences
from core.errors import BadInputError, NotFoundError
from core.records import Category, Finding, Verdict
from models.embedding import Embedder

PREVALENCE = 0.10
LENGTH_FLOOR = 12
LENGTH_FACTOR = 2.5
RESAMPLES = 2_000
_MATCHING_S = 1.0
_CLASSES = frozenset(category.value for category in Category)
OWN_SET = Path(__file__).parents[2] / "claims" / "eval" / "own_set.jsonl"


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled utterance."""

    id: str
    text: str
    label: str
    spans: tuple[tuple[int, int], ...] = ()
    variant: str = "plain"
    product: str = ""
    also: tuple[str, ...] = ()
    slice: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """``found`` of ``of``, and the 95 % interval of that share."""

    found: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Between 0 and 1; 0 of nothing."""
        return self.found / self.of if self.of else 0.0


@dataclass(slots=True)
class Report:
    """What a set measured, all at the same threshold. Rates are 0 to 1, by variant of the sentence."""

    items: int = 0
    recall: dict[str, Rate] = field(default_factory=dict)
    false_alarms: dict[str, Rate] = field(default_factory=dict)
    utterance_recall: float = 0.0
    class_accuracy: float = 0.0
    classified: int = 0
    precision_at_prevalence: float = 0.0
    precision_range: tuple[float, float] = (0.0, 0.0)
    ms_per_utterance: float = 0.0
    chars_per_second: float = 0.0
    terms: int = 0
    matching_chars_per_second: float = 0.0


def read_set(path: Path) -> list[Item]:
    """The items of a set; BadInputError naming the line that does not fit."""
    if not path.is_file():
        raise NotFoundError("bench_missing", f"找不到评测集：{path}", f"There is no set at {path}")
    return [
        _item(line, number, path) for number, line in enumerate(path.read_text("utf-8").splitlines(), 1) if line.strip()
    ]


def _item(line: str, number: int, path: Path) -> Item:
    try:
        raw = json.loads(line)
        return Item(
            id=str(raw["id"]),
            text=str(raw["text"]),
            label=str(raw["label"]),
            spans=tuple((int(a), int(b)) for a, b in raw.get("spans", ())),
            variant=str(raw.get("variant", "plain")),
            product=str(raw.get("product", "")),
            also=tuple(map(str, raw.get("also") or ())),
            slice=str(raw.get("slice", "")),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(
            "bench_line",
            f"{path.name} 第 {number} 行不是评测条目。",
            f"{path.name}, line {number} is not an item of a set.",
        ) from error


def counts(finding: Finding, span: tuple[int, int]) -> bool:
    """Whether a finding points at a span closely enough."""
    overlap = finding.start < span[1] and span[0] < finding.end
    return overlap and finding.end - finding.start <= max(LENGTH_FLOOR, LENGTH_FACTOR * (span[1] - span[0]))


def alarms(findings: Iterable[Finding]) -> list[Finding]:
    """Findings that would reach a person."""
    return [finding for finding in findings if finding.verdict is not Verdict.INFO]


@dataclass(slots=True)
class Outcomes:
    """What came of every utterance: hit and marked spans by variant, alarms on lawful ones, classes of what was hit."""

    spans: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    false: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    hit: list[int] = field(default_factory=list)
    classes: list[int] = field(default_factory=list)

    def add(self, item: Item, found: list[Finding]) -> None:
        """Count the alarms ``found`` on ``item``."""
        if item.label == "none":
            self.false[item.variant].append((int(bool(found)), 1))
            return
        hits = [[f for f in found if counts(f, span)] for span in item.spans]
        self.spans[item.variant].append((sum(map(bool, hits)), len(hits)))
        self.hit.append(int(any(hits)))
        if any(hits) and item.label in _CLASSES:
            right = {item.label, *item.also}
            self.classes.append(int(any(f.category.value in right for hit in hits for f in hit)))

    def report(self) -> Report:
        """Rates with their intervals."""
        lawful = [alarm for group in self.false.values() for alarm, _ in group]
        return Report(
            items=len(self.hit) + len(lawful),
            recall={name: rate(pairs) for name, pairs in sorted(self.spans.items())},
            false_alarms={name: rate(pairs) for name, pairs in sorted(self.false.items())},
            utterance_recall=_mean(self.hit),
            class_accuracy=_mean(self.classes),
            classified=len(self.classes),
            precision_at_prevalence=_precision(_mean(self.hit), _mean(lawful)),
            precision_range=_precision_range(self.hit, lawful),
        )


def measure(items: Iterable[Item], checker: Checker) -> Report:
    """Run the checker over a set."""
    outcomes, texts, seconds = Outcomes(), list[str](), 0.0
    for item in items:
        began = time.perf_counter()
        found = alarms(checker.check(item.text, item.product))
        seconds += time.perf_counter() - began
        texts.append(item.text)
        outcomes.add(item, found)
    report = outcomes.report()
    if seconds:
        report.chars_per_second = sum(map(len, texts)) / seconds
        report.ms_per_utterance = 1000 * seconds / len(texts)
        report.terms, report.matching_chars_per_second = checker.terms, matching_speed(checker, texts)
    return report


def matching_speed(checker: Checker, texts: Sequence[str]) -> float:
    """Characters a second on one core in which all terms are looked for, by letter and by sound."""
    folded = [fold(text).text for text in texts]
    chars, began = 0, time.perf_counter()
    while (seconds := time.perf_counter() - began) < _MATCHING_S:
        for text in folded:
            checker.hits(text)
            chars += len(text)
    return chars / seconds


def rate(pairs: Sequence[tuple[int, int]]) -> Rate:
    """Hits and chances of each utterance as one rate; whole utterances are drawn anew for the interval."""
    found, of = np.array(pairs).T
    drawn = _draws(len(pairs))
    shares = found[drawn].sum(axis=1) / np.maximum(1, of[drawn].sum(axis=1))
    low, high = np.quantile(shares, (0.025, 0.975))
    return Rate(int(found.sum()), int(of.sum()), float(low), float(high))


def _draws(size: int) -> NDArray[np.int64]:
    return np.random.default_rng(size).integers(0, size, (RESAMPLES, size))


def _precision_range(hit: Sequence[int], lawful: Sequence[int]) -> tuple[float, float]:
    if not hit or not lawful:
        return 0.0, 0.0
    true = np.array(hit)[_draws(len(hit))].mean(axis=1)
    false = np.array(lawful)[_draws(len(lawful))].mean(axis=1)
    values = [_precision(float(a), float(b)) for a, b in zip(true, false, strict=True)]
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0.0


def _precision(true_rate: float, false_rate: float) -> float:
    """Precision if one utterance in ten were unlawful."""
    good, bad = PREVALENCE * true_rate, (1 - PREVALENCE) * false_rate
    return good / (good + bad) if good + bad else 0.0


def render(report: Report) -> str:
    """The report as a table for people."""
    low, high = report.precision_range
    lines = [f"{report.items} utterances; in brackets 95 % intervals"]
    lines += [f"span recall   {name:<22} {_shown(pair)}" for name, pair in report.recall.items()]
    lines += [f"false alarms  {name:<22} {_shown(pair)}" for name, pair in report.false_alarms.items()]
    lines += [
        f"utterances found             {report.utterance_recall:.2f}",
        *([f"right class                  {report.class_accuracy:.2f}"] if report.classified else []),
        f"precision at 10 % prevalence {report.precision_at_prevalence:.2f}  [{low:.2f}-{high:.2f}]",
    ]
    if report.ms_per_utterance:
        whole, matching = f"{report.chars_per_second:,.0f}", f"{report.matching_chars_per_second:,.0f}"
        lines.append(f"an utterance, all included   {report.ms_per_utterance:.1f} ms ({whole} characters/s)")
        lines.append(f"{report.terms:,} terms matched by letter and sound: {matching} characters/s")
    return "\n".join(lines)


def _shown(rate: Rate) -> str:
    return f"{rate.share:.2f}  [{rate.low:.2f}-{rate.high:.2f}]  {rate.found} of {rate.of}"


def own_items() -> list[Item]:
    """The project's own set: the sentences the model was trained on (slice ``train``), those kept from it, and more."""
    written = [
        Item(f"T{number:05d}", s.text, s.label, s.spans, s.variant, s.product, slice="unseen" if s.unseen else "train")
        for number, s in enumerate(read_sentences())
    ]
    return read_set(OWN_SET) + written


def run(path: Path | None = None, *, part: str = "", as_json: bool = False, embedder: Embedder | None = None) -> str:
    """Measure the bundled packs and the meaning model on the set at ``path``, or our own.

    ``part``: only items of that slice. Without an ``embedder`` the meaning model runs on n-grams alone.
    """
    items = [item for item in (read_set(path) if path else own_items()) if not part or item.slice == part]
    report = measure(items, load_checker(embedder=embedder))
    return json.dumps(asdict(report), ensure_ascii=False) if as_json else render(report)
