"""Numbers in one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.numerals import chinese, spoken, value


@given(st.integers(min_value=0, max_value=99_999_999))
def test_a_spoken_number_has_its_value(number: int) -> None:
    assert value(chinese(number)) == number


@pytest.mark.parametrize(
    ("arabic", "said"),
    [
        ("3", "三"),
        ("72", "七十二"),
        ("95%", "百分之九十五"),
        ("2.5", "二点五"),
        ("13800001111", "一三八零零零零一一一一"),
    ],
)
def test_arabic_numerals_are_spoken(arabic: str, said: str) -> None:
    assert spoken(arabic) == said


@pytest.mark.parametrize(
    ("said", "number"), [("一万五", 15000), ("三千九百九", 3990), ("俩", 2), ("半", 0.5), ("二零二四", 2024)]
)
def test_shortened_numbers(said: str, number: float) -> None:
    assert value(said) == number


@given(st.text(max_size=20))
def test_other_text_is_no_number(text: str) -> None:
    assert value(text) is None or value(text) >= 0  # type: ignore[operator]  # None was just excluded
