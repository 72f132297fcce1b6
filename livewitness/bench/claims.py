"""``livewitness bench claims --set FILE``: how well the rule packs find what was promised.

A set is JSON lines with ``id``, ``text``, ``label``, ``spans`` (code points, end exclusive), ``variant``,
``product`` and, where more than one label is right, ``also``. A finding counts for a span if it overlaps it and is no
longer than 12 characters or 2.5 times the span, whichever is more. ``info`` findings count for nothing.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from claims.checker import Checker, load_checker
from claims.training.sentences import read_sentences
from core.errors import BadInputError, NotFoundError
from core.records import Finding, Verdict
from models.embedding import Embedder

PREVALENCE = 0.10
LENGTH_FLOOR = 12
LENGTH_FACTOR = 2.5
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


@dataclass(slots=True)
class Report:
    """What a set measured. Rates are 0 to 1; ``recall`` and ``false_alarms`` by variant with their counts."""

    items: int = 0
    recall: dict[str, tuple[int, int]] = field(default_factory=dict)
    false_alarms: dict[str, tuple[int, int]] = field(default_factory=dict)
    utterance_recall: float = 0.0
    class_accuracy: float = 0.0
    precision_at_prevalence: float = 0.0
    chars_per_second: float = 0.0
    ms_per_utterance: float = 0.0


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


def measure(items: Iterable[Item], checker: Checker) -> Report:
    """Run the checker over a set."""
    recall: dict[str, list[bool]] = defaultdict(list)
    false: dict[str, list[bool]] = defaultdict(list)
    hit_items: list[bool] = []
    classes: list[bool] = []
    chars, seconds, total = 0, 0.0, 0
    for item in items:
        began = time.perf_counter()
        found = alarms(checker.check(item.text, item.product))
        seconds += time.perf_counter() - began
        chars += len(item.text)
        total += 1
        if item.label == "none":
            false[item.variant].append(bool(found))
            continue
        hits = [[f for f in found if counts(f, span)] for span in item.spans]
        recall[item.variant] += [bool(hit) for hit in hits]
        hit_items.append(any(hits))
        best = [f for hit in hits for f in hit]
        if best:
            classes.append(any(f.category in (item.label, *item.also) for f in best))
    return Report(
        items=total,
        recall=_pairs(recall),
        false_alarms=_pairs(false),
        utterance_recall=_mean(hit_items),
        class_accuracy=_mean(classes),
        precision_at_prevalence=_precision(_mean(hit_items), _mean([x for xs in false.values() for x in xs])),
        chars_per_second=chars / seconds if seconds else 0.0,
        ms_per_utterance=1000 * seconds / total if total else 0.0,
    )


def _pairs(groups: Mapping[str, list[bool]]) -> dict[str, tuple[int, int]]:
    return {name: (sum(values), len(values)) for name, values in sorted(groups.items())}


def _mean(values: list[bool]) -> float:
    return sum(values) / len(values) if values else 0.0


def _precision(true_rate: float, false_rate: float) -> float:
    """Precision if one utterance in ten were unlawful."""
    good, bad = PREVALENCE * true_rate, (1 - PREVALENCE) * false_rate
    return good / (good + bad) if good + bad else 0.0


def render(report: Report) -> str:
    """The report as a table for people."""
    lines = [f"{report.items} utterances"]
    lines += [f"span recall   {name:<22} {_rate(pair)}" for name, pair in report.recall.items()]
    lines += [f"false alarms  {name:<22} {_rate(pair)}" for name, pair in report.false_alarms.items()]
    lines += [
        f"utterances found            {report.utterance_recall:.2f}",
        f"right class                 {report.class_accuracy:.2f}",
        f"precision at 10 % prevalence {report.precision_at_prevalence:.2f}",
        f"characters a second         {report.chars_per_second:,.0f}  ({report.ms_per_utterance:.2f} ms an utterance)",
    ]
    return "\n".join(lines)


def _rate(pair: tuple[int, int]) -> str:
    return f"{pair[0] / pair[1]:.2f}  ({pair[0]} of {pair[1]})" if pair[1] else "-"


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
