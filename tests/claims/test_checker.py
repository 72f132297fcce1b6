"""What the checker finds, where it says it is, and that no text breaks it."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.checker import Checker, load_checker
from core.records import Verdict
from tests.counts import times


@pytest.fixture(scope="module")
def checker() -> Checker:
    return load_checker()


@pytest.mark.parametrize(
    ("text", "product", "category", "words"),
    [
        ("这瓶精华三天祛斑", "cosmetics", "cosmetic_special", "祛斑"),
        ("去班效果特别好的精华", "cosmetics", "cosmetic_special", "去班"),
        ("mei白精华来了", "cosmetics", "cosmetic_special", "mei白"),
        ("這款茶能治療失眠", "food", "health_food_disease", "能治療失眠"),
        ("按摩枕治疗失眠", "home", "medical_claim", "治疗失眠"),
        ("今天就是全往最低价", "digital", "price_fraud", "全往最低价"),
        ("吊牌价3999，现在99带走", "apparel", "price_fraud", "吊牌价3999"),
        ("V我给你内部价", "digital", "off_platform_transaction", "V我"),
        ("我不能说美白，你们懂的都懂", "cosmetics", "cosmetic_special", "美白"),
    ],
)
def test_a_claim_is_found_in_the_speakers_own_words(
    checker: Checker, text: str, product: str, category: str, words: str
) -> None:
    found = checker.check(text, product)
    assert (category, words) in [(f.category.value, f.matched) for f in found]
    assert all(text[f.start : f.end] == f.matched for f in found)


@pytest.mark.parametrize(
    "text",
    [
        "我们可不敢说祛斑，就是补水",
        "能美白吗，不能，别抱期待",
        "别家说三天祛斑的都是骗人",
        "刚才说最好吃是口误，更正一下",
        "第一步先洁面，第二步上水",
        "平台规定不能说全网最低价",
        "要是喝茶能治高血压，还要医院干什么",
        "每百克含糖六克",
        "只好先下架",
        "重点我用红笔圈出来了",
    ],
)
def test_denials_and_plain_facts_raise_no_alarm(checker: Checker, text: str) -> None:
    assert [f for f in checker.check(text) if f.verdict is not Verdict.INFO] == []


def test_a_registered_special_cosmetic_is_information(checker: Checker) -> None:
    found = checker.check("这款祛斑霜有国妆特字", "cosmetics")
    assert found
    assert {f.verdict for f in found} == {Verdict.INFO}


@pytest.mark.parametrize(
    ("text", "bare", "registered"),
    [
        ("这瓶三天祛斑", "cosmetics 焕亮精华", "cosmetics 焕亮祛斑精华 国妆特字G20240001"),
        ("每天两粒增强免疫力", "health_food 某某片", "health_food 某某片 国食健注G20240002 蓝帽子"),
        ("贴上缓解腰疼", "medical 热敷贴", "medical 热敷贴 二类医疗器械注册证"),
    ],
)
def test_a_registration_named_on_the_shelf_changes_the_verdict(
    checker: Checker, text: str, bare: str, registered: str
) -> None:
    assert {f.verdict for f in checker.check(text, bare)} - {Verdict.INFO}
    assert {f.verdict for f in checker.check(text, registered)} == {Verdict.INFO}


def test_a_blue_hat_is_no_licence_to_cure(checker: Checker) -> None:
    found = checker.check("吃它治好了失眠", "health_food 某某片 国食健注G20240002")
    assert Verdict.VIOLATION in {f.verdict for f in found}


def test_several_claims_of_one_sentence_are_all_reported_once(checker: Checker) -> None:
    found = checker.check("全网最低价，稳赚不赔，加我微信", "jewellery")
    assert len(found) == 3
    assert all(a.end <= b.start for a, b in pairwise(found))


def test_badly_heard_words_score_lower(checker: Checker) -> None:
    text = "这瓶精华祛斑"
    sure = checker.check(text, "cosmetics", [0.99] * len(text))[0].score
    unsure = checker.check(text, "cosmetics", [0.2] * len(text))[0].score
    assert unsure < sure


@settings(max_examples=times(60, 300), deadline=None)
@given(st.text(st.characters(), max_size=120))
def test_no_text_breaks_it(text: str) -> None:
    checker = _shared()
    for finding in checker.check(text):
        assert 0 <= finding.start < finding.end <= len(text)
        assert finding.matched == text[finding.start : finding.end]


@settings(max_examples=times(60, 200), deadline=None)
@given(st.text("三天祛斑治失眠全网最低价不没有你懂的加微信v，。？百分之1%28 ", max_size=60))
def test_no_mixture_of_its_own_words_breaks_it(text: str) -> None:
    for finding in _shared().check(text, "cosmetics"):
        assert finding.matched == text[finding.start : finding.end]


@pytest.mark.parametrize(
    "text", ["三" * 50_000, "不" * 2_000_000, "a" * 2_000_000, "，" * 100_000, "\ud800\x00" * 1000]
)
def test_long_and_hostile_lines_end_soon(checker: Checker, text: str) -> None:
    began = time.thread_time()
    checker.check(text)
    assert time.thread_time() - began < 30


def test_an_utterance_takes_milliseconds(checker: Checker) -> None:
    text = "这瓶精华真的特别好用，三天祛斑，全网最低价，加我微信再便宜五十"
    checker.check(text)
    began = time.thread_time()
    for _ in range(20):
        checker.check(text, "cosmetics")
    assert (time.thread_time() - began) / 20 < 0.05


@pytest.mark.slow
@settings(max_examples=times(500, 10_000), deadline=None)
@given(st.text(max_size=60))
def test_random_strings_never_break_it(text: str) -> None:
    assert all(f.matched == text[f.start : f.end] for f in _shared().check(text))


_CHECKERS: list[Checker] = []


def _shared() -> Checker:
    if not _CHECKERS:
        _CHECKERS.append(load_checker())
    return _CHECKERS[0]
