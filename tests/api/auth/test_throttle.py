"""Token buckets by hand-moved clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.auth.throttle import Throttle, origin
from api.errors import BusyError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(address: str, counted: str) -> None:
    assert origin(address) == counted


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    throttle = Throttle(2.0, 3, now=clock)
    assert [throttle.wait_s("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert throttle.wait_s("b") == 0
    clock.now = 0.5
    assert throttle.wait_s("a") == 0
    with pytest.raises(BusyError) as told:
        throttle.check("a")
    assert told.value.retry_after_s == pytest.approx(0.5)
    throttle.forgive("a")
    throttle.check("a")


def test_a_token_given_back_is_one_token() -> None:
    throttle = Throttle(0.001, 2, now=Clock())
    throttle.give_back("a")
    assert [throttle.wait_s("a") for _ in range(2)] == [0, 0]
    throttle.give_back("a")
    assert throttle.wait_s("a") == 0
    assert throttle.wait_s("a") > 0


@given(st.lists(st.floats(0, 3), max_size=200))
def test_never_more_than_burst_and_rate(steps: list[float]) -> None:
    clock = Clock()
    throttle = Throttle(2.0, 5, now=clock)
    passed = 0
    for step in steps:
        clock.now += step
        passed += throttle.wait_s("a") == 0
    assert passed <= 5 + 2 * clock.now + 1e-6
