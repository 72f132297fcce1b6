"""Findings on heard text are laid over what was said; the whole way from sound is run on the bundled broadcast."""

import json
from pathlib import Path

import pytest

from claims.checker import load_checker
from livewitness.bench.asr import Recording
from livewitness.bench.claims_audio import compare, moved, run_audio, term_spans
from livewitness.broadcast import load_truth, media_path


def test_a_span_is_found_where_it_was_heard() -> None:
    said, heard = "这瓶精华三天祛斑，真的", "那么这瓶精华3天去班真的"
    start, end = moved((6, 8), said, heard)
    assert heard[start:end] == "去班"


def test_terms_stand_where_the_text_has_them() -> None:
    assert term_spans("全网最低价，三天祛斑", ("三天祛斑", "没有说的")) == ((6, 10),)


def test_what_was_misheard_counts_where_it_stands() -> None:
    recordings = [
        Recording(Path("a"), "今天全网最低价", end=2.0, terms=("全网最低价",)),
        Recording(Path("b"), "尺码偏大一码", end=2.0),
    ]
    report = compare(recordings, ["今天全往最低价", "尺码偏大一码"], load_checker(meaning=False), 1.0)
    assert (report.heard.recall["spoken"].found, report.heard.recall["spoken"].of) == (1, 1)
    assert report.heard.false_alarms["spoken"].found == 0
    assert report.cer > 0
    assert report.seconds == 4.0


@pytest.mark.slow
def test_from_sound_to_finding_on_the_bundled_broadcast(tmp_path: Path) -> None:
    truth = load_truth()
    line = {
        "path": str(media_path()), "text": "".join(sentence.text for sentence in truth),
        "terms": [term for sentence in truth for term in sentence.terms],
    }  # fmt: skip
    manifest = tmp_path / "broadcast.jsonl"
    manifest.write_text(json.dumps(line), encoding="utf-8")
    report = json.loads(run_audio(manifest, as_json=True))
    spoken = report["heard"]["recall"]["spoken"]
    assert spoken["found"] / spoken["of"] >= 0.6
