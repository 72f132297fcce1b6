"""Windows of audio to text with word times: a pure function of engine, windows and options.

A window is decoded on truncated features (models/whisper.py) without prompt and timestamps. When the
result looks like a repetition loop it is decoded again on full 30 s frames; a repeat that stays and fits
the speaking rate was said (买它买它买它) and is kept with a flag, one that cannot have been said is cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asr.guards import (
    SpeechEvidence,
    credit_spans,
    first_occurrence,
    is_chant,
    is_hallucination,
    loop_signs,
)
from asr.words import Token, fit_to_speech, spell
from core.records import Word
from models.speech import SAMPLE_RATE, Encoded, Hypothesis, Samples, SpeechEngine, TimedPiece

FLAG_LOOP = "loop_cut"
FLAG_RETRIED = "full_frame_retry"
FLAG_REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """``beam_size`` 5 for final text; ``full_frame_retry`` may cost a second of CPU when a loop shows."""

    beam_size: int = 5
    full_frame_retry: bool = True
    spare_tokens: int = 20
    tokens_per_second: int = 8


@dataclass(frozen=True, slots=True)
class AudioWindow:
    """Audio (float32, 16 kHz) that starts at ``start_ms``; ``speech`` are its voiced spans in ms."""

    samples: Samples
    start_ms: int
    speech: tuple[tuple[int, int], ...]

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def voiced_s(self) -> float:
        """Seconds in which somebody speaks."""
        return sum(b - a for a, b in self.speech) / 1000


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was heard in one window: tokens in order (words and the marks Whisper wrote), flags, log-probability."""

    tokens: tuple[Token, ...]
    flags: tuple[str, ...]
    logprob: float

    @property
    def words(self) -> tuple[Word, ...]:
        """The words alone."""
        return tuple(token.word for token in self.tokens if token.word is not None)


NOTHING = Decoded((), (), 0.0)


def decode(engine: SpeechEngine, windows: Sequence[AudioWindow], options: DecodeOptions) -> list[Decoded]:
    """Decode windows, in batches of similar length where the engine gains from that; results in order."""
    order = sorted(range(len(windows)), key=lambda i: len(windows[i].samples))
    results = [NOTHING] * len(windows)
    for first in range(0, len(order), engine.batch_size):
        chosen = order[first : first + engine.batch_size]
        batch = [windows[i] for i in chosen]
        for i, decoded in zip(chosen, _decode_batch(engine, batch, options), strict=True):
            results[i] = decoded
    return results


def _decode_batch(engine: SpeechEngine, batch: Sequence[AudioWindow], options: DecodeOptions) -> list[Decoded]:
    encoded = engine.encode([window.samples for window in batch])
    hypotheses = engine.generate(
        encoded, beam_size=options.beam_size, max_tokens=token_cap(max(w.seconds for w in batch), options)
    )
    loops = [bool(_signs(h, w)) for h, w in zip(hypotheses, batch, strict=True)]
    aligned = engine.align(encoded, hypotheses)
    return [
        _looped(engine, encoded, hypothesis, window, options, len(batch) == 1)
        if loop
        else _finished(hypothesis, pieces, window, ())
        for loop, hypothesis, pieces, window in zip(loops, hypotheses, aligned, batch, strict=True)
    ]


def token_cap(seconds: float, options: DecodeOptions) -> int:
    """Tokens that speech of this length can fill, with room to spare."""
    return options.spare_tokens + int(options.tokens_per_second * seconds)


def _signs(hypothesis: Hypothesis, window: AudioWindow) -> frozenset[str]:
    return frozenset(loop_signs(hypothesis.text, hypothesis.token_count, window.seconds))


def _looped(
    engine: SpeechEngine,
    encoded: Encoded,
    hypothesis: Hypothesis,
    window: AudioWindow,
    options: DecodeOptions,
    alone: bool,
) -> Decoded:
    """The window again after its first decode showed a loop."""
    flags: tuple[str, ...] = ()
    if options.full_frame_retry or not alone:
        encoded = engine.encode([window.samples], full_frames=options.full_frame_retry)
    if options.full_frame_retry:
        cap = token_cap(window.seconds, options)
        hypothesis = engine.generate(encoded, beam_size=options.beam_size, max_tokens=cap)[0]
        flags = (FLAG_RETRIED,)
    signs = _signs(hypothesis, window)
    if "rate" in signs or (signs and not is_chant(hypothesis.text) and not options.full_frame_retry):
        hypothesis = hypothesis.first(first_occurrence(hypothesis.pieces))
        flags = (*flags, FLAG_LOOP)
    elif signs:
        flags = (*flags, FLAG_REPEATED)
    return _finished(hypothesis, engine.align(encoded, [hypothesis])[0], window, flags)


def _finished(
    hypothesis: Hypothesis, pieces: tuple[TimedPiece, ...], window: AudioWindow, flags: tuple[str, ...]
) -> Decoded:
    evidence = SpeechEvidence(window.voiced_s, hypothesis.no_speech)
    if is_hallucination(hypothesis.text, evidence):
        return NOTHING
    tokens = _without_credits(spell(pieces, window.start_ms), window.speech)
    words = iter(fit_to_speech([t.word for t in tokens if t.word is not None], window.speech))
    fitted = tuple(t if t.word is None else Token(t.text, next(words), t.spaced) for t in tokens)
    if FLAG_REPEATED not in flags and is_chant(hypothesis.text):
        flags = (*flags, FLAG_REPEATED)
    return Decoded(fitted, flags, hypothesis.logprob)


def _without_credits(tokens: list[Token], speech: Sequence[tuple[int, int]]) -> list[Token]:
    """Credits inside a longer text go only when they lie where nobody speaks."""
    text = "".join(token.text for token in tokens)
    starts = np.cumsum([0, *(len(token.text) for token in tokens)])
    dropped: set[int] = set()
    for a, b in credit_spans(text):
        inside = [i for i in range(len(tokens)) if starts[i] < b and starts[i + 1] > a]
        words = [tokens[i].word for i in inside]
        if not any(w is not None and _voiced(w, speech) for w in words):
            dropped.update(inside)
    return [token for i, token in enumerate(tokens) if i not in dropped]


def _voiced(word: Word, speech: Sequence[tuple[int, int]]) -> bool:
    return any(word.start_ms < b and word.end_ms > a for a, b in speech)
