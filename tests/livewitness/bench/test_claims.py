"""The claims benchmark counts as the set's readme says."""

import json
from pathlib import Path

import pytest

from claims.checker import load_checker
from core.errors import BadInputError, NotFoundError
from livewitness.bench.claims import OWN_SET, Item, counts, measure, own_items, rate, read_set, render, run


def test_a_finding_must_overlap_and_be_short() -> None:
    finding = load_checker().check("这瓶精华祛斑", "cosmetics")[0]
    assert counts(finding, (4, 6))
    assert not counts(finding, (0, 4))


def test_rates_by_variant() -> None:
    items = [
        Item("a", "这瓶精华祛斑", "cosmetic_special", ((4, 6),), "plain", "cosmetics"),
        Item("b", "这瓶精华好香", "cosmetic_special", ((4, 6),), "plain", "cosmetics"),
        Item("c", "全网最低价", "none", (), "hard_negative"),
        Item("d", "尺码偏大", "none"),
    ]
    report = measure(items, load_checker())
    assert {name: (rate.found, rate.of) for name, rate in report.recall.items()} == {"plain": (1, 2)}
    false = {name: (rate.found, rate.of) for name, rate in report.false_alarms.items()}
    assert false == {"hard_negative": (1, 1), "plain": (0, 1)}
    assert report.class_accuracy == 1
    assert report.precision_at_prevalence == pytest.approx(0.05 / (0.05 + 0.45))
    assert "span recall   plain" in render(report)


def test_the_own_set_is_balanced_and_measured() -> None:
    items = own_items()
    lawful = sum(item.label == "none" for item in items)
    assert len(items) >= 1500
    assert 0.3 < lawful / len(items) < 0.7
    assert all(item.text[a:b].strip() for item in items for a, b in item.spans)
    report = json.loads(run(OWN_SET, part="unseen", as_json=True))
    plain = report["recall"]["plain"]
    assert plain["found"] / plain["of"] >= 0.75
    assert plain["low"] < plain["found"] / plain["of"] < plain["high"]


def test_intervals_hold_the_rate_and_narrow_with_more_utterances() -> None:
    few, many = rate([(1, 1), (0, 1)] * 10), rate([(1, 1), (0, 1)] * 400)
    assert few.low < 0.5 < few.high
    assert many.high - many.low < (few.high - few.low) / 3
    assert rate([(1, 1)] * 5).low == 1.0


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text('{"id": 1, "text": "x", "label": "none"}\nnonsense\n', encoding="utf-8")
    with pytest.raises(BadInputError) as caught:
        read_set(path)
    assert "line 2" in caught.value.sentence.en
    with pytest.raises(NotFoundError):
        read_set(tmp_path / "none.jsonl")
