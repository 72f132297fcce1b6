"""What recognition mis-hears sounds the same after the merges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.pinyin import merged, merged_syllables, readings, syllables


@pytest.mark.parametrize(
    ("said", "heard"),
    [("祛斑", "去班"), ("国家级", "国家及"), ("全网", "全往"), ("手慢无", "守曼无")],
)
def test_homophones_share_merged_syllables(said: str, heard: str) -> None:
    assert merged_syllables(said) == merged_syllables(heard)


def test_different_words_stay_apart() -> None:
    assert merged_syllables("祛斑") != merged_syllables("保湿")


def test_letters_stand_for_themselves_and_marks_are_silent() -> None:
    assert syllables("V我,8") == ["V", "wo", "", "8"]


def test_readings_begin_with_the_commonest_and_skip_strangers() -> None:
    assert readings("长")[0] in {"chang", "zhang"}
    assert set(readings("长")) >= {"chang", "zhang"}
    assert readings("a") == ()


@given(st.text(st.characters(), max_size=60))
def test_one_syllable_a_character_whatever_comes(text: str) -> None:
    assert len(merged_syllables(text)) == len(syllables(text)) == len(text)


@given(st.from_regex(r"[a-z]{1,6}", fullmatch=True))
def test_merging_keeps_a_syllable(syllable: str) -> None:
    assert merged(syllable)
