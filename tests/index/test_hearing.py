"""Mis-heard words are put right by sound; what was said in so many words is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.hearing import load_reader


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("用这支三天去班", "用这支三天祛斑"),
        ("今天全往最低价", "今天全网最低价"),
        ("吃了免义力就上来", "吃了免疫力就上来"),
        ("我们家是甲一陪十的", "我们家是假一赔十的"),
    ],
)
def test_a_word_of_the_table_is_heard_by_its_sound(heard: str, meant: str) -> None:
    assert load_reader().repair(heard) == meant


@pytest.mark.parametrize(
    "heard", ["小姐姐去上班都能穿", "我把差价补给你", "这条裤子你再去班上穿", "三天祛斑", "欢迎大家", ""]
)
def test_what_is_a_word_already_stays(heard: str) -> None:
    assert load_reader().repair(heard) == ""


def test_concepts_are_read_from_what_was_meant() -> None:
    assert "色斑" in load_reader().read("三天去班").concepts


@given(st.text(max_size=40))
def test_a_reading_is_as_long_as_the_text(text: str) -> None:
    repaired = load_reader().repair(text)
    assert not repaired or len(repaired) == len(text)
