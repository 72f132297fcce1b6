"""Windows are cut from probabilities alone, so they can be tested without audio."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.windows import LIVE_POLICY, Window, Windower, WindowPolicy, best_cut
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


def live_windows(*stretches, **changes) -> list[Window]:
    return windows_of(*stretches, policy=replace(LIVE_POLICY, **changes))


def test_a_live_window_closes_at_the_first_pause_and_is_decoded_with_what_came_before():
    first, second = live_windows((True, 2_500), (False, 600), (True, 2_500), (False, 2_000))
    assert first.keep[1] <= second.keep[0]
    assert second.start < first.keep[1], "earlier speech is decoded along"
    assert ms(second.end - second.start) > 5_000
    assert len(second.speech) == 2


def test_what_a_long_silence_parts_is_not_decoded_along():
    first, second = live_windows((True, 2_500), (False, 4_000), (True, 2_500), (False, 2_000))
    assert second.start == second.keep[0] > first.end


def test_a_host_without_pauses_is_cut_with_a_margin_on_either_side():
    first, second, *_ = live_windows((True, 14_000), (False, 2_000))
    assert first.reason == "limit"
    assert first.keep[1] == second.keep[0]
    assert ms(first.end - first.keep[1]) >= 600
    assert ms(second.keep[0] - second.start) >= 600


@given(st.lists(st.tuples(st.booleans(), st.integers(32, 9_000)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_live_windows_keep_every_moment_of_speech_once(stretches):
    windows = live_windows(*stretches, (False, 3_000), min_speech_ms=0)
    for a, b in pairwise(windows):
        assert a.keep[1] <= b.keep[0]
    at = 0
    for voiced, length in stretches:
        for frame in range(at, at + frames(length)):
            if voiced:
                inside = [w for w in windows if w.keep[0] <= frame * FRAME_SAMPLES < w.keep[1]]
                assert len(inside) == 1
        at += frames(length)


def test_the_open_window_can_be_looked_at_without_closing_it():
    windower = Windower(LIVE_POLICY)
    windower.push([0.9] * frames(3_000), [1.0] * frames(3_000))
    seen = windower.so_far(2_000)
    assert ms(seen.end - seen.start) == pytest.approx(2_000, abs=FRAME_MS)
    assert seen == windower.so_far(2_000)
    (closed,) = windower.finish()
    assert closed.start < seen.start
    assert windower.so_far(2_000) is None


def test_silence_lets_go_of_what_was_said_before():
    windower = Windower(LIVE_POLICY)
    windower.push([0.9] * frames(3_000) + [0.0] * frames(60_000), [1.0] * frames(63_000))
    assert windower.needed_from * 1000 // 16_000 > 60_000
