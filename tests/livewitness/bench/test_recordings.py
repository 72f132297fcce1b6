"""The recordings of ``bench live``: what is said lies where the truth says, and noise is as loud as it claims."""

from itertools import pairwise

import numpy as np
import pytest

from livewitness.bench.recordings import (
    MAKERS,
    Recording,
    clean,
    crowd,
    fast,
    lawful,
    lawful_recordings,
    lawful_talks,
    music,
    recordings,
    talk,
)
from livewitness.broadcast import TruthSentence
from models.speech import SAMPLE_RATE

TONE = np.ones(SAMPLE_RATE * 4, dtype=np.float32)


def sentence(name: str, start: float, end: float) -> TruthSentence:
    return TruthSentence(name, "三天祛斑", start, end, "cosmetic_special", (), ("三天祛斑",), "cosmetics")


def test_a_longer_recording_says_everything_again():
    once = Recording("r", TONE, (sentence("a", 0.5, 1.5), sentence("b", 2.0, 3.5)))
    looped = once.first(7.0)
    assert looped.seconds == 7.0
    assert [(s.id, s.start) for s in looped.sentences] == [("a.0", 0.5), ("b.0", 2.0), ("a.1", 4.5)]
    assert looped.samples[round(5.9 * SAMPLE_RATE)] == 1
    assert not looped.samples[round(6.0 * SAMPLE_RATE) :].any(), "half a sentence is not heard either"


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_sentences_are_in_order_inside_the_sound(make):
    made = make()
    assert np.abs(made.samples).max() <= 1.0
    assert made.sentences[-1].end <= made.seconds
    for a, b in pairwise(made.sentences):
        assert a.start < a.end <= b.start


@pytest.mark.parametrize("make", [music, crowd], ids=lambda make: make.__name__)
def test_noise_is_heard_in_the_pauses_well_below_the_voice(make):
    made = make()
    a, b = made.sentences[0], made.sentences[1]
    voice = made.samples[round(a.start * SAMPLE_RATE) : round(a.end * SAMPLE_RATE)]
    pause = made.samples[round((a.end + 0.15) * SAMPLE_RATE) : round((b.start - 0.05) * SAMPLE_RATE)]
    ratio = 10 * np.log10(np.mean(voice**2) / np.mean(pause**2))
    assert 5 < ratio < 20


def test_the_fast_host_leaves_no_pauses_and_words_stay_under_their_sentences():
    host, slow = fast(), talk("claims_fast")
    assert host.seconds < 0.95 * slow.seconds
    assert all(b.start - a.end < 0.1 for a, b in pairwise(host.sentences))
    for quick, calm in zip(host.sentences, slow.sentences, strict=True):
        assert 0.6 * (calm.end - calm.start) < quick.end - quick.start <= calm.end - calm.start + 0.1


def test_ten_minutes_are_lawful_in_eight_voices():
    assert lawful().seconds > 590
    assert not any(s.violating for s in lawful().sentences)
    assert len(lawful_talks()) == 10
    made = lawful_recordings()
    assert len({r.seconds for r in made}) == 1
    assert sum(r.seconds for r in made) > 600


def test_the_next_turn_of_a_kind_begins_elsewhere():
    made = list(recordings(len(MAKERS) + 1, 30))
    again = made[-1]
    assert again.name == "clean 2"
    assert {r.seconds for r in made} == {30.0}
    first = again.sentences[0]
    there = next(s for s in clean().sentences if s.text == first.text)
    assert there.start > first.start
    heard = again.samples[round(first.start * SAMPLE_RATE) :][:SAMPLE_RATE]
    source = clean().samples[round(there.start * SAMPLE_RATE) :][:SAMPLE_RATE]
    np.testing.assert_allclose(heard, source, atol=1e-6)
