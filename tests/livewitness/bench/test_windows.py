"""The material and the windows of ``bench windows``."""

from itertools import pairwise

from asr.windows import LIVE_POLICY
from livewitness.bench.asr import load_audio
from livewitness.bench.windows import POLICIES, _slide, _windows, talks


def test_the_talks_are_heard_whole_and_hold_their_terms():
    for talk in talks():
        assert len(load_audio(talk)) > 30 * 16_000
        assert talk.terms
        assert all(term in talk.text for term in talk.terms)


def test_windows_of_a_policy_keep_every_moment_once_and_say_when_they_close():
    audio = load_audio(talks()[0])
    found = [*_windows(audio, LIVE_POLICY)]
    assert len(found) > 8
    for (a, closed_a), (b, closed_b) in pairwise(found):
        assert a.keep[1] <= b.keep[0]
        assert a.keep[1] <= closed_a <= closed_b


def test_overlapping_windows_keep_adjoining_stretches():
    audio = load_audio(talks()[0])
    kept = [window.keep for window, _ in _slide(audio, 8.0, 2.0)]
    assert kept[0][0] == 0
    assert all(a[1] == b[0] for a, b in pairwise(kept))
    assert kept[-1][1] == len(audio) * 1000 // 16_000


def test_the_policy_in_use_is_among_those_measured():
    assert POLICIES["live"][0] == LIVE_POLICY
