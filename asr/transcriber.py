"""A stream of audio to utterances: detector, windows, decoder and marks put together.

Memory is bounded by the longest window and one block, however long the stream; silence is never decoded.
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


class Transcriber:
    """Feed 16 kHz mono audio in blocks of any size; utterances come out as soon as they are final."""

    def __init__(
        self,
        engine: SpeechEngine,
        detector: SpeechDetector,
        options: TranscriberOptions | None = None,
        *,
        start_ms: int = 0,
    ) -> None:
        self._engine = engine
        self._detector = detector
        self._options = options or TranscriberOptions()
        self._start_ms = start_ms
        self._windower = Windower(self._options.policy)
        self._audio = np.zeros(0, dtype=np.float32)
        self._audio_from = 0
        self._framed = 0

    @property
    def identity(self) -> ModelIdentity:
        """The model that makes the texts."""
        return self._engine.identity

    @property
    def decoded_ms(self) -> int:
        """The cursor: everything before it has been transcribed for good or is silence."""
        return self._start_ms + self._windower.settled_until * 1000 // SAMPLE_RATE

    @property
    def fed_ms(self) -> int:
        """The time up to which audio has been fed."""
        return self._start_ms + (self._audio_from + len(self._audio)) * 1000 // SAMPLE_RATE

    def feed(self, samples: NDArray[np.float32] | NDArray[np.int16]) -> list[Heard]:
        """Take audio (float32 in -1..1, or int16) and return the utterances that it completes."""
        heard: list[Heard] = []
        for first in range(0, len(samples), _BLOCK):
            block = _as_float(samples[first : first + _BLOCK])
            self._audio = np.concatenate((self._audio, block))
            probabilities = self._detector.probabilities(block)
            windows = self._windower.push(probabilities.tolist(), self._levels(len(probabilities)))
            heard += self._decoded(windows)
            self._forget()
        return heard

    def finish(self) -> list[Heard]:
        """The audio has ended: decode what is open. The transcriber is then empty and at its end."""
        rest = -(self._audio_from + len(self._audio)) % FRAME_SAMPLES
        heard = self.feed(np.zeros(rest, dtype=np.float32)) if rest else []
        return heard + self._decoded(self._windower.finish())

    def _levels(self, count: int) -> list[float]:
        """Mean square of each of the ``count`` frames just detected."""
        first = self._framed * FRAME_SAMPLES - self._audio_from
        frames = self._audio[first : first + count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
        self._framed += count
        return np.einsum("ij,ij->i", frames, frames).tolist()  # type: ignore[no-any-return]  # numpy types it Any

    def _decoded(self, windows: Sequence[Window]) -> list[Heard]:
        if not windows:
            return []
        results = decode(self._engine, [self._cut(window) for window in windows], self._options.decode)
        return [heard for result in results for heard in utterances(result, self._options.split_ms)]

    def _cut(self, window: Window) -> AudioWindow:
        samples = self._audio[window.start - self._audio_from : window.end - self._audio_from]
        speech = tuple((self._ms(a), self._ms(b)) for a, b in window.speech)
        return AudioWindow(samples, self._ms(window.start), speech)

    def _ms(self, sample: int) -> int:
        return self._start_ms + sample * 1000 // SAMPLE_RATE

    def _forget(self) -> None:
        keep = min(self._windower.needed_from, self._framed * FRAME_SAMPLES) - self._audio_from
        if keep > 0:
            self._audio = self._audio[keep:].copy()
            self._audio_from += keep


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
