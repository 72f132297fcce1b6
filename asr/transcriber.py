"""A stream of audio to utterances: detector, windows, decoder and marks put together.

`Listener` cuts the windows, `Transcriber` also decodes them on the spot. Memory is bounded by the longest
window and one block, however long the stream; silence is never decoded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.decode import AudioWindow, Decoded, DecodeOptions, decode
from asr.punctuation import punctuated
from asr.windows import Window, Windower, WindowPolicy
from asr.words import Token, pauses_after
from core.records import ModelIdentity, Word
from models.speech import FRAME_SAMPLES, SAMPLE_RATE, Samples, SpeechDetector, SpeechEngine

SPLIT_MS = 900
RECALL_SAMPLES = 180 * FRAME_SAMPLES
"""As much as a live window takes along of what was said before it, and some for the detector to settle."""
_BLOCK = SAMPLE_RATE * 10


@dataclass(frozen=True, slots=True)
class TranscriberOptions:
    """How windows are cut and decoded. A pause of ``split_ms`` inside a window parts two utterances."""

    policy: WindowPolicy = field(default_factory=WindowPolicy)
    decode: DecodeOptions = field(default_factory=DecodeOptions)
    split_ms: int = SPLIT_MS


@dataclass(frozen=True, slots=True)
class Heard:
    """An utterance in the time of the audio fed. ``words`` spell ``text`` without its marks and spaces."""

    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...]
    flags: tuple[str, ...]
    logprob: float


class Listener:
    """Feed 16 kHz mono audio in blocks of any size; windows come out as soon as they close. One stream, one thread."""

    def __init__(self, detector: SpeechDetector, policy: WindowPolicy | None = None, *, start_ms: int = 0) -> None:
        self._detector = detector
        self._start_ms = start_ms
        self._windower = Windower(policy)
        self._audio = np.zeros(0, dtype=np.float32)
        self._audio_from = 0
        self._framed = 0

    @property
    def settled_ms(self) -> int:
        """Everything before it is in windows already given out, or is silence."""
        return self._ms(self._windower.settled_until)

    @property
    def fed_ms(self) -> int:
        """How much audio has been fed, counted from the very beginning."""
        return self._ms(self._audio_from + len(self._audio))

    @property
    def said_ms(self) -> int:
        """How much was said since the very beginning."""
        return self._windower.said_ms

    @property
    def quiet_ms(self) -> int:
        """For how long nobody has spoken in the open window; 0 when none is open."""
        return self._windower.quiet_ms

    @property
    def closes_in_ms(self) -> int:
        """How much longer nobody may speak until the open window closes."""
        return self._windower.closes_in_ms

    def so_far(self, longest_ms: int) -> AudioWindow | None:
        """The last ``longest_ms`` of the open window and what came before it; ``None`` when nobody speaks."""
        window = self._windower.so_far(longest_ms)
        return None if window is None else self._cut(window)

    def feed(self, samples: NDArray[np.float32] | NDArray[np.int16]) -> list[AudioWindow]:
        """The windows that these samples close."""
        closed: list[AudioWindow] = []
        for first in range(0, len(samples), _BLOCK):
            block = _as_float(samples[first : first + _BLOCK])
            self._audio = np.concatenate((self._audio, block))
            probabilities = self._detector.probabilities(block)
            windows = self._windower.push(probabilities.tolist(), self._levels(len(probabilities)))
            closed += map(self._cut, windows)
            self._forget()
        return closed

    def recall(self, samples: NDArray[np.float32] | NDArray[np.int16]) -> None:
        """Hear again what lies before the first sample that is wanted, in whole frames; before anything is fed.

        A listener that goes on where another was stopped then cuts and decodes what follows as that one would have.
        """
        if len(samples) % FRAME_SAMPLES:
            raise ValueError(f"{len(samples)} samples are no whole frames")
        self._audio = _as_float(samples)
        probabilities = self._detector.probabilities(self._audio)
        self._windower.recall(probabilities.tolist(), self._levels(len(probabilities)))
        self._forget()

    def finish(self) -> list[AudioWindow]:
        """The audio has ended: close what is open. The listener is then empty and at its end."""
        rest = -(self._audio_from + len(self._audio)) % FRAME_SAMPLES
        closed = self.feed(np.zeros(rest, dtype=np.float32)) if rest else []
        return [*closed, *map(self._cut, self._windower.finish())]

    def _levels(self, count: int) -> list[float]:
        """Mean square of each of the ``count`` frames just detected."""
        first = self._framed * FRAME_SAMPLES - self._audio_from
        frames = self._audio[first : first + count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
        self._framed += count
        return np.einsum("ij,ij->i", frames, frames).tolist()  # type: ignore[no-any-return]  # numpy types it Any

    def _cut(self, window: Window) -> AudioWindow:
        samples = self._audio[window.start - self._audio_from : window.end - self._audio_from]
        speech = tuple((self._ms(a), self._ms(b)) for a, b in window.speech)
        keep = (self._ms(window.keep[0]), self._ms(window.keep[1]))
        return AudioWindow(samples.copy(), self._ms(window.start), speech, keep)

    def _ms(self, sample: int) -> int:
        return self._start_ms + sample * 1000 // SAMPLE_RATE

    def _forget(self) -> None:
        keep = min(self._windower.needed_from, self._framed * FRAME_SAMPLES) - self._audio_from
        if keep > 0:
            self._audio = self._audio[keep:].copy()
            self._audio_from += keep


class Transcriber:
    """Feed audio, get utterances: a `Listener` whose windows are decoded on the spot, for whole recordings."""

    def __init__(
        self,
        engine: SpeechEngine,
        detector: SpeechDetector,
        options: TranscriberOptions | None = None,
        *,
        start_ms: int = 0,
    ) -> None:
        self._engine = engine
        self._options = options or TranscriberOptions()
        self._listener = Listener(detector, self._options.policy, start_ms=start_ms)

    @property
    def identity(self) -> ModelIdentity:
        """The model that makes the texts."""
        return self._engine.identity

    @property
    def decoded_ms(self) -> int:
        """The cursor: everything before it has been transcribed for good or is silence."""
        return self._listener.settled_ms

    @property
    def fed_ms(self) -> int:
        """How much audio has been fed, counted from the very beginning."""
        return self._listener.fed_ms

    def feed(self, samples: NDArray[np.float32] | NDArray[np.int16]) -> list[Heard]:
        """Take more audio and return the utterances that have become final."""
        return self._decoded(self._listener.feed(samples))

    def finish(self) -> list[Heard]:
        """The audio has ended: decode what is open. The transcriber is then empty and at its end."""
        return self._decoded(self._listener.finish())

    def _decoded(self, windows: Sequence[AudioWindow]) -> list[Heard]:
        results = decode(self._engine, windows, self._options.decode)
        return [heard for result in results for heard in utterances(result, self._options.split_ms)]


def utterances(decoded: Decoded, split_ms: int = SPLIT_MS) -> Iterator[Heard]:
    """One utterance a window, or several where a pause of ``split_ms`` parts them."""
    pauses = pauses_after(decoded.words)
    group: list[Token] = []
    silences: list[int] = []
    remaining = iter(pauses)
    for token in decoded.tokens:
        if silences and silences[-1] >= split_ms and token.word is not None:
            yield _utterance(group, silences, decoded)
            group, silences = [], []
        group.append(token)
        if token.word is not None:
            silences.append(next(remaining))
    if silences:
        yield _utterance(group, silences, decoded)


def _utterance(tokens: Sequence[Token], pauses: Sequence[int], decoded: Decoded) -> Heard:
    words = tuple(token.word for token in tokens if token.word is not None)
    text = punctuated(tokens, pauses)
    return Heard(words[0].start_ms, words[-1].end_ms, text, words, decoded.flags, decoded.logprob)


def _as_float(samples: NDArray[np.float32] | NDArray[np.int16]) -> Samples:
    if samples.dtype == np.int16:
        return samples.astype(np.float32) / np.float32(32_768)
    return samples.astype(np.float32, copy=False)
