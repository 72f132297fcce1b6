"""Loops, chants, scraps of text and closing credits. Sentences are our own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.guards import (
    SpeechEvidence,
    compression_ratio,
    credit_spans,
    first_occurrence,
    is_chant,
    is_hallucination,
    loop_signs,
    unheard_ms,
)
from core.records import Word

GOOD = [
    "这款扫地机器人可以自己回到充电座，电量不够的时候会提前提醒大家",
    "今天的羊毛衫一共有六种颜色，个子不高的姐妹可以选短款，显得腿长",
    "点击下方链接之后先领券再付款，领完券的朋友在公屏上打个已领",
    "好的好的，我看到了，这位朋友问能不能开发票，可以的可以的",
]
CLEAR = SpeechEvidence(voiced_s=5.0, no_speech=0.01)
HARDLY_ANY = SpeechEvidence(voiced_s=0.2, no_speech=0.1)


@pytest.mark.parametrize("text", GOOD)
def test_ordinary_speech_shows_no_sign_of_a_loop(text):
    assert loop_signs(text, tokens=len(text), seconds=len(text) / 5) == frozenset()


def test_a_sentence_said_twice_on_end_is_a_repeat():
    assert "repeat" in loop_signs("这个锅不粘底的" * 2, tokens=20, seconds=5)
    assert "repeat" in loop_signs("这个锅不粘底的，这个锅不粘底的。", tokens=20, seconds=5)


def test_more_tokens_than_anybody_can_speak_is_a_loop():
    assert loop_signs("一二三四五六七", tokens=41, seconds=3) == {"rate"}


def test_a_fast_host_is_no_loop():
    """Eight characters a second are nine to ten tokens."""
    assert loop_signs(GOOD[0], tokens=38, seconds=len(GOOD[0]) / 8) == frozenset()


def test_repetition_compresses():
    assert compression_ratio("买它" * 20) > 1.4 > compression_ratio(GOOD[0])
    assert "ratio" in loop_signs("买它" * 20, tokens=40, seconds=10)


@given(st.text(alphabet="上下左右东西南北", max_size=11))
def test_short_texts_are_never_called_loops_by_their_ratio(text):
    assert "ratio" not in loop_signs(text, tokens=1, seconds=10)


def test_a_loop_is_cut_to_its_first_occurrence():
    pieces = tuple("先说价格这个锅不粘底这个锅不粘底这个锅")
    assert "".join(pieces[: first_occurrence(pieces)]) == "先说价格这个锅不粘底"


def test_a_loop_of_short_words_is_cut_too():
    pieces = ("好", "的", "，") * 9
    assert pieces[: first_occurrence(pieces)] == ("好", "的", "，")


def test_nothing_is_cut_where_nothing_repeats():
    assert first_occurrence(tuple(GOOD[0])) == len(GOOD[0])


@pytest.mark.parametrize(
    ("text", "expected"), [("买它买它买它", True), ("抢抢抢抢", True), ("谢谢", False), (GOOD[3], False)]
)
def test_chants_are_what_hosts_shout(text, expected):
    assert is_chant(text) is expected


def said(*edges: tuple[int, int]) -> list[Word]:
    return [Word("字", start, end, 0.9) for start, end in edges]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (said((0, 200), (200, 500), (500, 1_300), (1_300, 1_900), (1_900, 2_500)), 600),
        (said((0, 200), (200, 1_900), (1_900, 3_000)), 1_200),
        (said((0, 200), (200, 400)), 1_600),
        (said((1_700, 1_900), (1_900, 2_500)), 1_200),
        ([], 2_000),
    ],
    ids=["pauses do not count", "skipped inside", "stopped early", "began late", "nothing"],
)
def test_voice_without_words_is_noticed(words, expected):
    """Somebody speaks from 0 to 0.5 s and from 1 to 2.5 s."""
    assert unheard_ms(words, ((0, 500), (1_000, 2_500))) == expected


@pytest.mark.parametrize("text", ["字幕由某某社区提供", "中文字幕志愿者 小王", "請不吝點贊 訂閱 轉發", "某某独播剧场"])
def test_credits_are_dropped_whatever_was_heard(text):
    assert is_hallucination(text, CLEAR)


@pytest.mark.parametrize("text", ["谢谢观看", "感谢大家的收看", "我们下期再见", "谢谢大家"])
def test_courtesies_are_dropped_only_where_hardly_anybody_speaks(text):
    assert is_hallucination(text, HARDLY_ANY)
    assert not is_hallucination(text, CLEAR)


@pytest.mark.parametrize("text", [*GOOD, "谢谢观看，接下来这款面膜买一送一"])
def test_speech_is_never_dropped(text):
    assert not is_hallucination(text, CLEAR)
    assert not is_hallucination(text, HARDLY_ANY)


def test_marks_alone_are_nothing():
    assert is_hallucination("。 ，", CLEAR)


def test_credits_inside_a_text_are_located():
    ((a, b),) = credit_spans("这口锅三百块。字幕由某某提供")
    assert "这口锅三百块。字幕由某某提供"[a:b] == "字幕由某某提供"
