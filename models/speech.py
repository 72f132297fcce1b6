"""What speech recognition asks of a model, without the libraries behind it.

asr/ works with these protocols and dataclasses alone, so that its logic can be tested with any
engine and a different runtime needs changes in models/ only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.records import ModelIdentity

SAMPLE_RATE = 16_000
FRAME_SAMPLES = 512
FRAME_MS = FRAME_SAMPLES * 1000 // SAMPLE_RATE
ALL_FRAMES = 3_000
"""Frames of 10 ms that fill a recogniser's window of 30 s."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One decoded window before alignment.

    ``pieces[i]`` is the shortest run of tokens that decodes to whole characters and
    ``piece_tokens[i]`` are those tokens; joined, the pieces are the text. ``logprob`` is the mean
    log-probability per token, ``no_speech`` the model's own guess that nobody speaks.
    """

    pieces: tuple[str, ...]
    piece_tokens: tuple[tuple[int, ...], ...]
    logprob: float
    no_speech: float

    @property
    def text(self) -> str:
        """The pieces joined."""
        return "".join(self.pieces)

    @property
    def token_count(self) -> int:
        """Tokens of all pieces."""
        return sum(map(len, self.piece_tokens))

    def first(self, count: int) -> "Hypothesis":
        """The hypothesis cut to its first ``count`` pieces."""
        return Hypothesis(self.pieces[:count], self.piece_tokens[:count], self.logprob, self.no_speech)


@dataclass(frozen=True, slots=True)
class TimedPiece:
    """A piece with its place in the window in seconds and its mean token probability."""

    text: str
    start_s: float
    end_s: float
    probability: float


class Encoded(Protocol):
    """The encoder's output for a batch of windows; only the engine that made it looks inside."""

    @property
    def size(self) -> int:
        """How many windows the batch holds."""


class SpeechEngine(Protocol):
    """A recogniser that works on batches of waveforms (float32 in -1..1, 16 kHz, mono, at most 30 s)."""

    @property
    def identity(self) -> ModelIdentity:
        """Name and sha256 of the weights."""

    @property
    def batch_size(self) -> int:
        """How many windows of similar length are worth decoding together on this device."""

    def encode(self, windows: Sequence[Samples], *, pad_frames: int) -> Encoded:
        """Run the encoder over the windows, padded with so many frames of 10 ms, to no more than `ALL_FRAMES`."""

    def generate(self, encoded: Encoded, *, beam_size: int, max_tokens: int) -> list[Hypothesis]:
        """Decode each window of the batch; at most ``max_tokens`` tokens each."""

    def align(self, encoded: Encoded, hypotheses: Sequence[Hypothesis]) -> list[tuple[TimedPiece, ...]]:
        """Place the pieces of each hypothesis in time (in order, one hypothesis a window)."""


class SpeechDetector(Protocol):
    """A streaming detector of speech: one probability for each full frame of `FRAME_SAMPLES`."""

    def probabilities(self, samples: Samples) -> NDArray[np.float32]:
        """Feed any number of samples; returns the probabilities of the frames they complete."""

    def reset(self) -> None:
        """Forget everything heard so far."""
