"""Numbers are the same however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.numerals import NUMERAL_CHARS, numeral_value, spoken


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("三", "3"),
        ("十", "10"),
        ("两百", "200"),
        ("一千九百九十九", "1999"),
        ("一万零五", "10005"),
        ("三亿五千万", "350000000"),
        ("二零二六", "2026"),
        ("叁佰", "300"),
    ],
)
def test_chinese_numerals_have_a_value(written: str, value: str) -> None:
    assert numeral_value(written) == value


@given(st.integers(0, 99_999_999))
def test_what_is_read_out_has_the_value_it_was_read_from(number: int) -> None:
    assert numeral_value(spoken(str(number))) == str(number)


@given(st.text(st.sampled_from(sorted(NUMERAL_CHARS)), min_size=1, max_size=16))
def test_any_run_of_numerals_gives_digits(run: str) -> None:
    assert numeral_value(run).isdecimal()
