"""Stretches: what is recorded without a break, whatever order and lengths the segments have."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from core.records import Gap, Segment
from evidence.coverage import Stretch, stretches
from tests.timecode import MOMENT


def segment(sequence: int, start_ms: int, end_ms: int, epoch: int = 0) -> Segment:
    return Segment("s", epoch, sequence, f"p{sequence}", "", 1, start_ms, end_ms, start_ms, end_ms, MOMENT)


def test_rounding_is_no_hole_but_a_missing_segment_is() -> None:
    rows = [segment(0, 0, 2002), segment(1, 2033, 4000), segment(3, 6000, 8000)]
    assert stretches(rows) == [Stretch(0, 0, 4000), Stretch(0, 6000, 8000)]


def test_a_recorded_gap_parts_even_when_it_is_short() -> None:
    rows = [segment(0, 0, 2000), segment(1, 2500, 4000)]
    gap = Gap("s", 0, 2000, 2500, "stall", MOMENT, MOMENT)
    assert stretches(rows) == [Stretch(0, 0, 4000)]
    assert stretches(rows, [gap]) == [Stretch(0, 0, 2000), Stretch(0, 2500, 4000)]


def test_a_new_epoch_always_starts_a_new_stretch() -> None:
    assert stretches([segment(0, 0, 2000), segment(1, 2000, 4000, 1)]) == [
        Stretch(0, 0, 2000),
        Stretch(1, 2000, 4000),
    ]


@given(st.lists(st.tuples(st.integers(1, 6000), st.integers(0, 3000), st.booleans()), max_size=40))
def test_stretches_hold_every_segment_once_and_in_order(steps: list[tuple[int, int, bool]]) -> None:
    rows, now, epoch = [], 0, 0
    for number, (length, pause, restart) in enumerate(steps):
        now, epoch = now + pause, epoch + restart
        rows.append(segment(number, now, now + length, epoch))
        now += length
    found = stretches(rows)
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(found))
    for row in rows:
        assert sum(s.epoch == row.epoch and s.start_ms <= row.start_ms and row.end_ms <= s.end_ms for s in found) == 1
    assert len({(s.epoch, s.start_ms) for s in found}) == len(found)
