"""Log-mel features: the same as the reference implementation's, without its matrix product."""

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from models.mel import HOP_SAMPLES, LogMel
from models.speech import SAMPLE_RATE


@pytest.mark.parametrize("mels", [80, 128])
@pytest.mark.parametrize("samples", [400, 16_000, 56_123])
def test_features_are_those_of_the_reference(mels: int, samples: int) -> None:
    rng = np.random.default_rng(samples)
    tone = np.sin(2 * np.pi * 220 * np.arange(samples) / SAMPLE_RATE)
    audio = (0.3 * tone + rng.normal(0, 0.05, samples)).astype(np.float32)
    expected = FeatureExtractor(feature_size=mels)(audio, padding=HOP_SAMPLES)
    found = LogMel(mels)(audio)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_silence_has_the_lowest_value_everywhere() -> None:
    found = LogMel(80)(np.zeros(SAMPLE_RATE, dtype=np.float32))
    np.testing.assert_allclose(found, -1.5, rtol=1e-6)


def test_a_filter_that_touches_no_frequency_stays_silent() -> None:
    found = LogMel(400)(np.random.default_rng(1).normal(0, 0.1, SAMPLE_RATE).astype(np.float32))
    assert np.isfinite(found).all()
    assert found.shape[0] == 400
