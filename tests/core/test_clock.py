"""Times are written one way and read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import parse_iso, parse_seconds, seconds, timecode


def test_people_see_timecodes() -> None:
    assert timecode(3_723_450) == "1:02:03.450"


def test_seconds_come_in_three_spellings() -> None:
    assert parse_seconds("83.5") == parse_seconds("1:23.5") == parse_seconds("0:01:23.5") == 83.5


@pytest.mark.parametrize("text", ["", "abc", "1:2:3:4", "-5", "nan", "inf", "1e12"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_seconds(text)


@given(st.integers(0, 10**9))
def test_timecode_and_seconds_agree(ms: int) -> None:
    assert round(parse_seconds(timecode(ms)) * 1000) == ms
    assert round(seconds(ms) * 1000) == ms


def test_a_time_without_zone_is_utc() -> None:
    assert (
        parse_iso("2026-11-11T20:31:00") == parse_iso("2026-11-11T20:31:00Z") == parse_iso("2026-11-12T04:31:00+08:00")
    )
