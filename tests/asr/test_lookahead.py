"""When a look is taken at the window that is still open."""

import numpy as np
import pytest

from asr.lookahead import Lookahead, LookaheadPolicy
from asr.transcriber import Listener
from asr.windows import LIVE_POLICY
from models.speech import FRAME_MS, FRAME_SAMPLES

LOUD, QUIET = 1.0, 0.0


class Levels:
    """A detector that hears speech where the samples are not zero."""

    def probabilities(self, samples):
        return np.abs(samples.reshape(-1, FRAME_SAMPLES)).max(axis=1)

    def reset(self):
        pass


def looks(*spoken: tuple[float, int], policy: LookaheadPolicy | None = None) -> list[int]:
    """Feed (level, ms) pieces frame by frame, as an ear does; the ms at which a look was taken."""
    listener = Listener(Levels(), LIVE_POLICY)
    ahead = Lookahead(listener, policy)
    taken = []
    for level, length_ms in spoken:
        for _ in range(length_ms // FRAME_MS):
            if listener.feed(np.full(FRAME_SAMPLES, level, dtype=np.float32)):
                ahead.closed()
            if ahead.due() is not None:
                taken.append(listener.fed_ms)
    return taken


def test_in_running_speech_a_look_is_taken_every_so_often():
    first, second, third = looks((LOUD, 4_000))[:3]
    assert first == pytest.approx(1_200, abs=FRAME_MS)
    assert second - first == pytest.approx(1_100, abs=FRAME_MS)
    assert third - second == pytest.approx(1_100, abs=FRAME_MS)


def test_a_pause_brings_the_look_forward():
    assert looks((LOUD, 1_600), (QUIET, 300), (LOUD, 320))[1] == pytest.approx(1_600 + 160, abs=FRAME_MS)


def test_nothing_new_nothing_to_look_at():
    """In a long pause one look is enough, and silence before any speech needs none."""
    assert looks((QUIET, 3_000)) == []
    assert len(looks((LOUD, 1_500), (QUIET, 800))) == 2


def test_a_short_word_is_not_looked_at_by_itself():
    assert looks((LOUD, 800), (QUIET, 600)) == []


def test_no_look_in_a_pause_when_the_final_pass_is_about_to_begin():
    """After 4 s of speech 320 ms of silence close the window: a look 160 ms before would only cost."""
    before = looks((LOUD, 4_500))
    assert looks((LOUD, 4_500), (QUIET, 300)) == before


def test_the_look_covers_the_end_of_the_speech():
    listener = Listener(Levels(), LIVE_POLICY)
    ahead = Lookahead(listener, LookaheadPolicy(longest_ms=2_000))
    listener.feed(np.full(FRAME_SAMPLES * 94, LOUD, dtype=np.float32))
    window = ahead.due()
    assert window is not None
    assert window.start_ms + round(window.seconds * 1000) == listener.fed_ms
    assert window.seconds == pytest.approx(2.0, abs=0.04)
