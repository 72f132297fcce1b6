"""Lag and latency are counted from when the audio itself came, not from when its successor did."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.arrivals import _MARKS, Arrivals


def test_a_sample_was_here_when_its_block_was() -> None:
    arrivals = Arrivals()
    arrivals.note(0, 16_000, 100.0)
    arrivals.note(16_000, 32_000, 101.0)
    assert (arrivals.at(0), arrivals.at(16_000), arrivals.at(16_001)) == (100.0, 100.0, 101.0)
    assert arrivals.at(40_000) == 101.0, "silence at the end counts with the last block"


def test_what_lies_before_a_hole_is_not_as_young_as_what_follows_it() -> None:
    arrivals = Arrivals()
    arrivals.note(0, 16_000, 100.0)
    arrivals.note(16_000 * 61, 16_000 * 62, 162.0)
    assert arrivals.at(16_000 * 31) == pytest.approx(132.0)
    assert arrivals.at(16_000 + 1) == pytest.approx(102.0, abs=0.01)


def test_nothing_is_known_of_what_an_earlier_process_recorded() -> None:
    arrivals = Arrivals()
    assert arrivals.at(5) is None
    assert abs(arrivals.waiting_since(5) - time.monotonic()) < 5


@given(st.integers(0, 4 * _MARKS), st.integers(0, 4 * _MARKS * 1_600))
def test_old_notes_are_forgotten_and_still_tell_the_time(count: int, sample: int) -> None:
    arrivals = Arrivals()
    for number in range(count):
        arrivals.note(number * 1_600, (number + 1) * 1_600, (number + 1) / 10)
    assert len(arrivals._marks) <= 2 * _MARKS + 1
    if count:
        assert arrivals.at(sample) == pytest.approx(min(sample / 16_000, count / 10), abs=0.11)
