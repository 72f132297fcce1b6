"""The meaning model: what it may report, where it points, and that its weights are the ones of its card."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.checker import Checker, load_checker
from claims.fold import fold
from claims.meaning import NEAR_CHARS, WEIGHTS, Reading, clauses, load_meaning, windows
from claims.meant import least_probability
from core.errors import ModelError
from core.records import ModelIdentity, Severity, Verdict
from models.cards import card
from tests.counts import times


class FixedEmbedder:
    """Stands in for the sentence encoder: always the same states, and it counts calls."""

    dim = 384

    def __init__(self, sha256: str) -> None:
        self.identity = ModelIdentity("fixed", sha256)
        self.calls = 0

    def embed(self, texts, kind="passage"):
        raise AssertionError("vectors of whole texts are not asked for")

    def states(self, texts, kind="query"):
        self.calls += 1
        return [np.full((5, 384), 0.01, np.float32) for _ in texts]

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture(scope="module")
def checker() -> Checker:
    return load_checker()


def test_a_story_without_any_forbidden_word_is_for_review_and_never_severe(checker: Checker) -> None:
    text = "擦之前眼角全是沟，现在呢，光溜溜一条都找不着"
    found = [f for f in checker.check(text, "cosmetics") if f.method == "meaning"]
    assert found
    assert {f.verdict for f in found} == {Verdict.REVIEW}
    assert {f.severity for f in found} == {Severity.LOW}
    assert all(f.rule_id.startswith("MEAN-") and f.legal_basis and f.advice for f in found)


def test_it_marks_a_stretch_of_a_clause_not_the_whole_utterance(checker: Checker) -> None:
    text = "擦之前眼角全是沟，现在呢，光溜溜一条都找不着"
    for finding in checker.check(text, "cosmetics"):
        assert finding.end - finding.start <= 12
        assert text[finding.start : finding.end] == finding.matched


def test_what_the_utterance_denies_as_a_whole_is_information(checker: Checker) -> None:
    text = "药停不停听医生的，说能治好三高的都是害人"
    assert [f for f in checker.check(text, "cosmetics") if f.verdict is not Verdict.INFO] == []


def test_it_can_be_left_out() -> None:
    plain = load_checker(meaning=False)
    assert plain.check("擦之前眼角全是沟，现在呢，光溜溜一条都找不着", "cosmetics") == ()


def test_one_call_to_the_encoder_serves_an_utterance() -> None:
    embedder = FixedEmbedder(_MODEL.encoder)
    load_checker(embedder=embedder).check("擦之前眼角全是沟，现在呢，光溜溜一条都找不着")
    assert embedder.calls == 1


def test_without_its_encoder_it_goes_on_by_letters_and_sounds(caplog: pytest.LogCaptureFixture) -> None:
    class Gone(FixedEmbedder):
        def states(self, texts, kind="query"):
            raise ModelError("model_embedder", "没有了", "gone")

    found = load_checker(embedder=Gone(_MODEL.encoder)).check("全网最低价，擦之前全是沟，现在一条都找不着", "cosmetics")
    assert "全网最低价" in {finding.matched for finding in found}
    assert "without it" in caplog.text


def test_an_encoder_that_the_model_was_not_trained_on_is_not_asked() -> None:
    embedder = FixedEmbedder("another")
    assert load_checker(embedder=embedder).check("擦之前眼角全是沟，现在呢，光溜溜一条都找不着", "cosmetics")
    assert embedder.calls == 0


def test_weights_that_do_not_match_their_card_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "meaning.npz"
    path.write_bytes(WEIGHTS.read_bytes() + b"x")
    (tmp_path / "meaning.json").write_text(json.dumps({"sha256": "0" * 64, "version": "1"}))
    with pytest.raises(ModelError, match="sha256"):
        load_meaning(path)
    with pytest.raises(ModelError):
        load_meaning(tmp_path / "nothing.npz")


@settings(max_examples=times(40, 200), deadline=None)
@given(st.text("三天祛斑，。？a1的了我", max_size=60))
def test_clauses_lie_in_the_text_in_order(text: str) -> None:
    folded = fold(text).text
    ranges = list(clauses(folded))
    assert all(0 <= start < end <= len(folded) for start, end in ranges)
    assert ranges == sorted(ranges)


@settings(max_examples=times(30, 100), deadline=None)
@given(st.text(max_size=80))
def test_any_text_gets_a_probability(text: str) -> None:
    folded = fold(text).text
    judged = _MODEL.judge(Reading(folded, folded, "", (0.0,) * 18))
    assert 0.0 <= judged.probability <= 1.0


_MODEL = load_meaning()


def test_a_scrap_of_a_few_characters_means_nothing_by_itself() -> None:
    checker = load_checker()
    assert least_probability("今天全网。", 0.8, None) > 1
    assert least_probability("脸上的斑点都没了", 0.8, None) == 0.8
    assert least_probability("放在原来的袋子里就行", 0.8, 0.9) == 0.95
    assert least_probability("我婆婆用了半个月脸上干干净净的", 0.8, 0.9) == 0.8
    assert least_probability("孤子我们万一电在降，显霸称善力温体", 0.8, 0.7) > 1
    assert checker.check("今天全网。") == ()


def test_the_list_of_models_knows_the_weights() -> None:
    (file,) = card("meaning").files
    known = json.loads(WEIGHTS.with_suffix(".json").read_text("utf-8"))
    assert (file.sha256, file.size) == (known["sha256"], WEIGHTS.stat().st_size)


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("全网最低价。", ["全网最低价。"]),
        ("三天见效。真的。", ["三天见效。真的。"]),
        (
            "这条裤子我自己也在穿，口袋深。今天就是全网最低价，买贵了我赔。先看尺码。",
            ["这条裤子我自己也在穿，口袋深。今天就是全网最低价，买贵了我赔。先看尺码。"],
        ),
        (
            "这条裤子我自己也在穿，口袋深得很能放手机。今天就是全网最低价，买贵了差价我赔给你。先看尺码。",
            ["这条裤子我自己也在穿，口袋深得很能放手机。", "今天就是全网最低价，买贵了差价我赔给你。先看尺码。"],
        ),
    ],
)
def test_speech_is_parted_into_stretches_of_some_length(said: str, parts: list[str]) -> None:
    assert [said[start:end] for start, end in windows(said)] == parts


@settings(max_examples=times(60, 300), deadline=None)
@given(st.text("三天祛斑我们说。，？a", max_size=200))
def test_stretches_cover_a_text_without_gaps(text: str) -> None:
    folded = fold(text).text
    found = windows(folded)
    assert "".join(folded[start:end] for start, end in found) == folded
    assert all(end - start >= NEAR_CHARS for start, end in found[:-1])
