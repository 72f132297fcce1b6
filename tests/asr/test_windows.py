"""Windows are cut from probabilities alone, so they can be tested without audio."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.windows import Window, Windower, WindowPolicy, best_cut
from models.speech import FRAME_MS, FRAME_SAMPLES

POLICY = WindowPolicy()


def frames(ms: int) -> int:
    return round(ms / FRAME_MS)


def windows_of(*stretches: tuple[bool, int], policy: WindowPolicy = POLICY) -> list[Window]:
    """Windows of alternating speech (True) and silence, each of so many milliseconds."""
    windower = Windower(policy)
    found = []
    for voiced, ms in stretches:
        count = frames(ms)
        found += windower.push([0.95 if voiced else 0.02] * count, [1.0 if voiced else 0.0] * count)
    return found + windower.finish()


def ms(samples: int) -> int:
    return samples * 1000 // 16_000


def test_silence_makes_no_window_however_long():
    assert windows_of((False, 3_600_000)) == []


def test_scraps_are_joined_until_they_are_worth_decoding():
    scraps = [stretch for _ in range(4) for stretch in ((True, 1_200), (False, 500))]
    (window,) = windows_of(*scraps)
    assert len(window.speech) == 4
    assert ms(window.end - window.start) > 5_000


def test_a_short_remark_is_closed_by_a_long_silence_not_held_for_ever():
    windower = Windower(POLICY)
    windower.push([0.9] * frames(1_000), [1.0] * frames(1_000))
    assert windower.push([0.0] * frames(1_100), [0.0] * frames(1_100)) == []
    (window,) = windower.push([0.0] * frames(160), [0.0] * frames(160))
    assert window.reason == "silence"


@pytest.mark.parametrize(("said_ms", "waited_ms"), [(2_000, 1_200), (5_500, 600), (9_000, 350)])
def test_the_longer_the_window_the_shorter_the_pause_that_closes_it(said_ms, waited_ms):
    windower = Windower(POLICY)
    windower.push([0.9] * frames(said_ms), [1.0] * frames(said_ms))
    silence = 0
    while not windower.push([0.0], [0.0]):
        silence += FRAME_MS
    assert abs(silence - waited_ms) <= 2 * FRAME_MS


def test_a_window_has_a_lead_and_a_tail_of_silence():
    (window,) = windows_of((False, 2_000), (True, 6_000), (False, 3_000))
    assert 2_000 - ms(window.start) == pytest.approx(POLICY.lead_ms, abs=2 * FRAME_MS)
    assert ms(window.end) - 8_000 == pytest.approx(POLICY.tail_ms, abs=2 * FRAME_MS)


def test_a_click_is_no_speech():
    assert windows_of((False, 1_000), (True, 64), (False, 3_000)) == []


def test_speech_without_end_is_cut_in_its_longest_pause():
    found = windows_of((True, 9_000), (False, 256), (True, 20_000))
    assert found[0].reason == "limit"
    assert 9_000 <= ms(found[0].end) <= 9_256


def test_without_any_pause_it_is_cut_where_it_is_quietest():
    windower = Windower(POLICY)
    levels = [1.0] * frames(15_000)
    quiet = frames(10_000)
    levels[quiet - 2 : quiet + 3] = [0.1] * 5
    (window,) = windower.push([0.9] * len(levels), levels)
    assert window.end == quiet * FRAME_SAMPLES


def test_best_cut_ignores_what_lies_too_early():
    voiced = [True, False, False, False, True, True, True, False, True]
    assert best_cut(voiced, [0.0] * len(voiced), 5) == 7


def test_the_cursor_waits_for_an_open_window_and_passes_silence():
    windower = Windower(POLICY)
    windower.push([0.0] * 100, [0.0] * 100)
    assert windower.settled_until == 100 * FRAME_SAMPLES
    windower.push([0.9] * 50, [1.0] * 50)
    assert windower.settled_until <= 100 * FRAME_SAMPLES
    windower.finish()
    assert windower.settled_until == 150 * FRAME_SAMPLES


_STRETCHES = st.lists(st.tuples(st.booleans(), st.integers(32, 20_000)), max_size=12)


@settings(deadline=None)
@given(stretches=_STRETCHES)
def test_windows_are_in_order_never_overlap_and_keep_the_limit(stretches):
    found = windows_of(*stretches)
    for a, b in pairwise(found):
        assert a.end <= b.start
    for window in found:
        assert ms(window.end - window.start) <= POLICY.limit_ms + POLICY.lead_ms + POLICY.tail_ms + 2 * FRAME_MS
        assert all(window.start <= a < b <= window.end for a, b in window.speech)


@settings(deadline=None)
@given(stretches=_STRETCHES)
def test_all_speech_longer_than_a_click_is_in_some_window(stretches):
    found = windows_of(*stretches)
    covered = sum(b - a for window in found for a, b in window.speech)
    spoken = sum(frames(length) for voiced, length in stretches if voiced) * FRAME_SAMPLES
    clicks = sum(frames(length) for voiced, length in stretches if voiced and length <= 200) * FRAME_SAMPLES
    assert covered >= spoken - clicks


@settings(deadline=None, max_examples=30)
@given(stretches=_STRETCHES, size=st.integers(1, 40))
def test_it_does_not_matter_how_many_frames_come_at_once(stretches, size):
    values = [p for voiced, length in stretches for p in [0.9 if voiced else 0.1] * frames(length)]
    windower = Windower(POLICY)
    stepwise = []
    for i in range(0, len(values), size):
        stepwise += windower.push(values[i : i + size], values[i : i + size])
    once = Windower(POLICY)
    assert stepwise + windower.finish() == once.push(values, values) + once.finish()


def test_what_is_no_longer_needed_can_be_dropped():
    windower = Windower(POLICY)
    for _ in range(200):
        windower.push([0.9] * 31, [1.0] * 31)
        held_ms = (windower._count * FRAME_SAMPLES - windower.needed_from) // 16
        assert held_ms <= POLICY.limit_ms + POLICY.lead_ms + FRAME_MS
