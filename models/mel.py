"""Whisper's log-mel features without a matrix product.

Each mel filter touches a few neighbouring frequencies, so the product with the filter bank is a sum over short
runs. Given to a threaded BLAS, that product is over in a millisecond, but leaves the BLAS's second thread spinning
for as long as the encoder then works: twice the CPU of an encode, for nothing.

Log-mel as in Whisper: Radford et al. 2022, https://arxiv.org/abs/2212.04356; filters: Slaney 1998.
"""

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models.speech import SAMPLE_RATE, Samples

FFT_SAMPLES = 400
HOP_SAMPLES = 160
_DYNAMIC_RANGE = 8.0


class LogMel:
    """Features of one model: ``mels`` bands, a frame every 10 ms. Stateless; safe from any thread."""

    def __init__(self, mels: int) -> None:
        bank = FeatureExtractor.get_mel_filters(SAMPLE_RATE, FFT_SAMPLES, n_mels=mels)
        self._bins, self._weights, self._starts = _runs(bank)
        self._window = np.hanning(FFT_SAMPLES + 1)[:-1].astype(np.float32)

    def __call__(self, samples: Samples) -> NDArray[np.float32]:
        """Features [mels, frames] of at least 400 samples; one frame for each whole 10 ms."""
        half = FFT_SAMPLES // 2
        padded = np.pad(np.pad(samples, (0, HOP_SAMPLES)), half, mode="reflect")
        frames = sliding_window_view(padded, FFT_SAMPLES)[::HOP_SAMPLES][:-1]
        spectrum = np.fft.rfft(frames * self._window, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        energy = np.add.reduceat(power.T[self._bins] * self._weights, self._starts, axis=0)
        logarithm = np.log10(np.maximum(energy, 1e-10))
        return np.asarray((np.maximum(logarithm, logarithm.max() - _DYNAMIC_RANGE) + 4) / 4, dtype=np.float32)


def _runs(bank: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp]]:
    """The non-zero entries of a filter bank [mels, bins]: bins, weights [entries, 1], where each filter begins.

    A filter too narrow to touch any bin keeps one entry of weight zero.
    """
    bins: list[int] = []
    starts: list[int] = []
    rows: list[int] = []
    for row, weights in enumerate(bank):
        touched = np.flatnonzero(weights).tolist() or [0]
        starts.append(len(bins))
        bins += touched
        rows += [row] * len(touched)
    return np.array(bins), bank[rows, bins].astype(np.float32)[:, None], np.array(starts)
