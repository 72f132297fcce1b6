"""The streaming detector: the same probabilities however the audio is cut, and speech where there is speech."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.pcm import decode_pcm
from livewitness.broadcast import load_truth, media_path
from models.speech import FRAME_SAMPLES, SAMPLE_RATE
from models.vad import load_vad


@pytest.fixture(scope="module")
def broadcast():
    return np.concatenate([*decode_pcm([media_path()])])


def test_speech_is_heard_in_the_sentences_and_not_before_them(broadcast):
    probabilities = load_vad().probabilities(broadcast)
    truth = load_truth()
    first_frame = int(truth[0].start * SAMPLE_RATE / FRAME_SAMPLES)
    assert probabilities[: first_frame - 8].max(initial=0) < 0.5
    for sentence in truth:
        a, b = (int(t * SAMPLE_RATE / FRAME_SAMPLES) for t in (sentence.start, sentence.end))
        assert np.median(probabilities[a:b]) > 0.5, sentence.text


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 4 * SAMPLE_RATE), max_size=6))
def test_block_sizes_do_not_matter(broadcast, cuts):
    audio = broadcast[: 4 * SAMPLE_RATE]
    whole = load_vad().probabilities(audio)
    detector = load_vad()
    edges = [0, *sorted(cuts), len(audio)]
    pieces = [detector.probabilities(audio[a:b]) for a, b in pairwise(edges)]
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-4)


def test_digital_silence_is_cheap_and_the_detector_wakes_from_it(broadcast):
    detector = load_vad()
    silence = np.zeros(SAMPLE_RATE * 60, dtype=np.float32)
    assert detector.probabilities(silence).max() < 0.1
    quick = detector.probabilities(silence)
    assert len(quick) == len(silence) // FRAME_SAMPLES
    assert quick.max() < 0.1
    assert detector.probabilities(broadcast[: 8 * SAMPLE_RATE]).max() > 0.9


def test_reset_forgets_the_state(broadcast):
    detector = load_vad()
    audio = broadcast[SAMPLE_RATE : 3 * SAMPLE_RATE]
    first = detector.probabilities(audio)
    detector.reset()
    np.testing.assert_array_equal(detector.probabilities(audio), first)
