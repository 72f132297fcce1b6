"""Quantities in slots."""

import pytest

from claims.matcher import amount, days


@pytest.mark.parametrize(
    ("said", "length"), [("三天", 3), ("七十二小时", 3), ("半个月", 15), ("一礼拜", 7), ("两个疗程", 60), ("几天", 0)]
)
def test_durations_in_days(said: str, length: float) -> None:
    assert days(said) == length


@pytest.mark.parametrize(("said", "sum_"), [("三千九百九", 3990), ("一百块", 100), ("块", 0)])
def test_amounts(said: str, sum_: float) -> None:
    assert amount(said) == sum_
