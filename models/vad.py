"""Voice activity: Silero VAD as a stream, one probability for each 32 ms.

The bundled network takes frames of 512 samples with the 64 samples before them and carries an LSTM
state. All frames of one call go through it in one run. Exact digital silence (a muted source, an
archive's padding) brings the state to rest within two seconds; from then on the network is not run.
"""

from functools import lru_cache

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.cards import card
from models.library import package_file
from models.speech import FRAME_SAMPLES, Samples

CONTEXT_SAMPLES = 64
_STATE_SHAPE = (1, 1, 128)
_FRAMES_A_RUN = 2_048
_FRAMES_TO_REST = 64


class SileroDetector:
    """Streaming `models.speech.SpeechDetector`. One instance hears one stream; not thread-safe."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self.reset()

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._h = np.zeros(_STATE_SHAPE, dtype=np.float32)
        self._c = np.zeros(_STATE_SHAPE, dtype=np.float32)
        self._pending = np.zeros(0, dtype=np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, dtype=np.float32)
        self._silent_frames = 0
        self._last = np.float32(0)

    def probabilities(self, samples: Samples) -> NDArray[np.float32]:
        """Speech probability of each 512-sample frame that ``samples`` (float32, 16 kHz) complete."""
        heard = np.concatenate((self._pending, samples)) if self._pending.size else samples
        count = len(heard) // FRAME_SAMPLES
        whole = np.ascontiguousarray(heard[: count * FRAME_SAMPLES], dtype=np.float32)
        self._pending = np.array(heard[count * FRAME_SAMPLES :], dtype=np.float32)
        frames = whole.reshape(count, FRAME_SAMPLES)
        runs = [self._run(frames[i : i + _FRAMES_A_RUN]) for i in range(0, count, _FRAMES_A_RUN)]
        return np.concatenate(runs) if runs else np.zeros(0, dtype=np.float32)

    def _run(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        silent = not frames.any()
        if silent and self._silent_frames >= _FRAMES_TO_REST:
            return np.full(len(frames), self._last, dtype=np.float32)
        before = np.vstack((self._context[None], frames[:-1, -CONTEXT_SAMPLES:]))
        inputs = {"input": np.hstack((before, frames)), "h": self._h, "c": self._c}
        output, self._h, self._c = self._session.run(None, inputs)
        found = np.asarray(output, dtype=np.float32).reshape(-1)
        self._context = frames[-1, -CONTEXT_SAMPLES:].copy()
        self._silent_frames = self._silent_frames + len(frames) if silent else 0
        self._last = found[-1]
        return found


@lru_cache(maxsize=1)
def _session() -> onnxruntime.InferenceSession:
    """One network for all streams: a run does not change it, the state lies with the detector."""
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    path = package_file(card("silero-vad").files[0])
    return onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])


def load_vad() -> SileroDetector:
    """A fresh detector. Raises `core.errors.ModelError` when the bundled network is not installed."""
    return SileroDetector(_session())
