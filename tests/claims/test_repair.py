"""Sentences put right by sound: what is restored, what stays, and that no place moves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.checker import load_checker
from claims.fold import fold
from claims.repair import REMEMBERED, Repairer, spoken_counts, spoken_words
from claims.words import dictionary
from tests.counts import times

REPAIRER = Repairer(dictionary(), spoken_counts(), ("祛斑", "全网最低价"))


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("抹完连上白白嫩嫩", "抹完脸上白白嫩嫩"),
        ("今天全往最低价", "今天全网最低价"),
        ("皱文全都没有了", "皱纹全都没有了"),
    ],
)
def test_words_come_back_by_their_sound(heard: str, said: str) -> None:
    assert REPAIRER.repaired(heard) == said


@pytest.mark.parametrize(
    "text",
    [
        "尺码偏大一码，先拍小的",
        "每百克含糖六克",
        "今天我们聊聊怎么洗羊毛衫",
        "库存还有三十件",
        "开封以后三个月内用完",
        "一袋六升，晾四十分钟",
    ],
)
def test_plain_speech_stays_as_it_is(text: str) -> None:
    assert REPAIRER.repaired(text) == text


@settings(max_examples=times(60, 200), deadline=None)
@given(st.text(st.sampled_from("三天去班全往最低价的了，。abc1斑祛"), max_size=40))
def test_nothing_moves(text: str) -> None:
    said = REPAIRER.repaired(text)
    assert len(said) == len(text)
    assert all(a == b for a, b in zip(text, said, strict=True) if not "\u4e00" <= a <= "\u9fff")


def test_what_is_counted_stays_and_the_words_beside_it_come_back() -> None:
    assert REPAIRER.repaired("三天皱文全都没有了") == "三天皱纹全都没有了"


def test_words_are_counted_as_they_are_cut() -> None:
    counts = spoken_words([fold("这款面霜好用，面霜").text])
    assert counts["面霜"] == 2


def test_rules_find_what_was_said_and_point_at_what_was_heard() -> None:
    text = "这个家格全往最低"
    found = load_checker(meaning=False).check(text, "cosmetics")
    assert found
    assert all(finding.method.startswith("sound") and finding.score <= 0.8 for finding in found)
    assert all(text[finding.start : finding.end] == finding.matched for finding in found)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claims.repair.REMEMBERED", 50)
    words = [word for word in dictionary() if len(word) == 2][:400]
    short, long = Repairer(dictionary(), {}), Repairer(dictionary(), {})
    assert [short.repaired(word) for word in words] == [long.repaired(word) for word in reversed(words)][::-1]
    assert short.remembered <= 50 < REMEMBERED
