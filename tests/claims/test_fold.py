"""Folding: the many ways to write one thing become one, and every character knows where it came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.fold import fold


@pytest.mark.parametrize(
    ("said", "folded"),
    [
        ("3天祛斑", "三天祛斑"),
        ("95%的人", "百分之九十五的人"),
        ("N.O.1", "no一"),
        ("三 高 人群", "三高人群"),
        ("最最最好", "最好"),
        ("示去斑", "祛斑"),
        ("袪斑、癒合", "祛斑，愈合"),
        ("赔着本儿卖嘞", "赔着本卖"),
        ("薇❤", "薇心"),
        ("能美白吗?不能!", "能美白吗？不能。"),
    ],
)
def test_one_spelling(said: str, folded: str) -> None:
    assert fold(said).text == folded


def test_offsets_lead_back_over_joined_characters_and_numerals() -> None:
    text = "用72小时，示去斑！"
    folded = fold(text)
    at = folded.text.index("祛斑")
    assert text[slice(*folded.original_span(at, at + 2))] == "示去斑"
    at = folded.text.index("七十二")
    assert text[slice(*folded.original_span(at, at + 3))] == "72"


@given(st.text(st.characters(), max_size=120))
def test_any_text_folds_and_maps_back(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    for index in range(len(folded.text)):
        start, end = folded.original_span(index, index + 1)
        assert 0 <= start < end <= len(text)
