"""Windows of audio to text with word times: a pure function of engine, windows and options.

A window is decoded on truncated features (models/whisper.py) without prompt and timestamps. Two things
go wrong, and each is decoded once more: a repetition loop, on full 30 s frames; and a clause that was left
out although it was voiced, as two halves. A repeat that stays and fits the speaking rate was said (买它买它买它)
and is kept with a flag; one that nobody can have said is cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from asr.guards import (
    UNHEARD_LETTERS_A_SECOND,
    UNHEARD_MS,
    SpeechEvidence,
    credit_spans,
    first_occurrence,
    is_chant,
    is_hallucination,
    loop_signs,
    unheard_ms,
)
from asr.words import Token, fit_to_speech, spell
from core.records import Word
from models.speech import ALL_FRAMES, SAMPLE_RATE, Encoded, Hypothesis, Samples, SpeechEngine, TimedPiece

FLAG_LOOP = "loop_cut"
FLAG_FULL_FRAMES = "full_frame_retry"
FLAG_HALVES = "decoded_in_halves"
FLAG_REPEATED = "repeated"
_SURE_END_MS = 120
_SURE_MS = 40
_LONGEST_WORD_MS = 600


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """``beam_size`` 5 for final text. ``retry`` allows a second decode where the first went wrong.

    ``pad_frames`` of silence (10 ms each) follow the audio: with less than 300 the decoder loops now and then.
    """

    beam_size: int = 5
    retry: bool = True
    pad_frames: int = 300
    spare_tokens: int = 20
    tokens_per_second: int = 12


@dataclass(frozen=True, slots=True)
class AudioWindow:
    """Audio (float32, 16 kHz) that starts at ``start_ms``; ``speech`` are its voiced spans in ms.

    Only words said in ``keep`` (ms) are wanted; ``None``: all.
    """

    samples: Samples
    start_ms: int
    speech: tuple[tuple[int, int], ...]
    keep: tuple[int, int] | None = None

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def voiced_s(self) -> float:
        """Seconds in which somebody speaks."""
        return sum(b - a for a, b in self.speech) / 1000

    def halves(self) -> tuple["AudioWindow", "AudioWindow"]:
        """The window cut in the pause nearest to its middle, or in the middle where nobody pauses."""
        end_ms = self.start_ms + len(self.samples) * 1000 // SAMPLE_RATE
        middle = (self.start_ms + end_ms) // 2
        pauses = [(a + b) // 2 for (_, a), (b, _) in pairwise(self.speech)]
        cut = min(pauses, key=lambda at: abs(at - middle), default=middle)
        at = (cut - self.start_ms) * SAMPLE_RATE // 1000
        return (
            AudioWindow(self.samples[:at], self.start_ms, _clipped(self.speech, self.start_ms, cut)),
            AudioWindow(self.samples[at:], cut, _clipped(self.speech, cut, end_ms)),
        )


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was heard in one window: tokens in order (words, and marks that Whisper wrote), flags, log-probability."""

    tokens: tuple[Token, ...]
    flags: tuple[str, ...]
    logprob: float

    @property
    def words(self) -> tuple[Word, ...]:
        """The words alone."""
        return tuple(token.word for token in self.tokens if token.word is not None)

    @property
    def letters(self) -> int:
        """Characters of all words."""
        return sum(len(word.text) for word in self.words)


NOTHING = Decoded((), (), 0.0)


def decode(engine: SpeechEngine, windows: Sequence[AudioWindow], options: DecodeOptions) -> list[Decoded]:
    """Decode windows, in batches of similar length where the engine gains from that; results in order."""
    order = sorted(range(len(windows)), key=lambda i: len(windows[i].samples))
    results = [NOTHING] * len(windows)
    for first in range(0, len(order), engine.batch_size):
        chosen = order[first : first + engine.batch_size]
        batch = [windows[i] for i in chosen]
        for i, decoded in zip(chosen, _decode_batch(engine, batch, options), strict=True):
            results[i] = kept(decoded, windows[i])
    return results


def kept(decoded: Decoded, window: AudioWindow) -> Decoded:
    """The words (and the marks between them) that are said in the window's ``keep``."""
    if window.keep is None:
        return decoded
    first, last = window.keep
    voiced = next((max(a, first) for a, b in window.speech if b > first), first)
    tokens = [_not_before(token, voiced) for token in decoded.tokens]
    inside = [i for i, token in enumerate(tokens) if token.word is not None and first <= _place(token.word) < last]
    return replace(decoded, tokens=tuple(tokens[inside[0] : inside[-1] + 1])) if inside else NOTHING


def _not_before(token: Token, voiced: int) -> Token:
    """Whisper may pass over what stands before a pause; alignment then lays all of it under the first word after."""
    if token.word is None or token.start_ms >= voiced:
        return token
    endless = token.word.start_ms < voiced - _LONGEST_WORD_MS and token.end_ms > voiced - _LONGEST_WORD_MS // 4
    if not endless and token.end_ms < voiced + _SURE_MS:
        return token
    return replace(token, word=replace(token.word, start_ms=voiced, end_ms=max(voiced, token.end_ms)))


def token_cap(seconds: float, options: DecodeOptions) -> int:
    """Tokens that speech of this length can fill, with room to spare."""
    return options.spare_tokens + int(options.tokens_per_second * seconds)


def _decode_batch(engine: SpeechEngine, batch: Sequence[AudioWindow], options: DecodeOptions) -> list[Decoded]:
    encoded, hypotheses = _heard(engine, batch, options)
    aligned = engine.align(encoded, hypotheses)
    return [
        _checked(engine, hypothesis, pieces, window, options)
        for hypothesis, pieces, window in zip(hypotheses, aligned, batch, strict=True)
    ]


def _heard(
    engine: SpeechEngine, batch: Sequence[AudioWindow], options: DecodeOptions, *, full_frames: bool = False
) -> tuple[Encoded, list[Hypothesis]]:
    samples = [window.samples for window in batch]
    encoded = engine.encode(samples, pad_frames=ALL_FRAMES if full_frames else options.pad_frames)
    cap = token_cap(max(window.seconds for window in batch), options)
    return encoded, engine.generate(encoded, beam_size=options.beam_size, max_tokens=cap)


def _checked(
    engine: SpeechEngine,
    hypothesis: Hypothesis,
    pieces: tuple[TimedPiece, ...],
    window: AudioWindow,
    options: DecodeOptions,
) -> Decoded:
    """The finished result, after a second decode where the first one cannot be right."""
    if loop_signs(hypothesis.text, hypothesis.token_count, window.seconds):
        return _looped(engine, hypothesis, window, options)
    result = _finished(hypothesis, pieces, window, ())
    unheard = unheard_ms(result.words, window.speech)
    if options.retry and result.tokens and unheard >= UNHEARD_MS:
        return _in_halves(engine, window, options, result, UNHEARD_LETTERS_A_SECOND * unheard // 1000)
    return result


def _looped(engine: SpeechEngine, hypothesis: Hypothesis, window: AudioWindow, options: DecodeOptions) -> Decoded:
    """A window whose first decode showed a loop: decoded on full frames, cut, or kept as really said."""
    flags: tuple[str, ...] = ()
    if options.retry:
        encoded, (hypothesis,) = _heard(engine, [window], options, full_frames=True)
        flags = (FLAG_FULL_FRAMES,)
    else:
        encoded = engine.encode([window.samples], pad_frames=options.pad_frames)
    signs = loop_signs(hypothesis.text, hypothesis.token_count, window.seconds)
    if "rate" in signs or (signs and not options.retry and not is_chant(hypothesis.text)):
        hypothesis, flags = hypothesis.first(first_occurrence(hypothesis.pieces)), (*flags, FLAG_LOOP)
    elif signs:
        flags = (*flags, FLAG_REPEATED)
    return _finished(hypothesis, engine.align(encoded, [hypothesis])[0], window, flags)


def _in_halves(
    engine: SpeechEngine, window: AudioWindow, options: DecodeOptions, whole: Decoded, missing: int
) -> Decoded:
    """A window whose text leaves speech out, as two halves; taken only when they hold ``missing`` letters more."""
    parts: list[Decoded] = []
    for half in window.halves():
        encoded, hypotheses = _heard(engine, [half], options)
        if loop_signs(hypotheses[0].text, hypotheses[0].token_count, half.seconds):
            return whole
        parts.append(_finished(hypotheses[0], engine.align(encoded, hypotheses)[0], half, ()))
    letters = sum(part.letters for part in parts)
    if letters < whole.letters + missing:
        return whole
    logprob = sum(part.logprob * part.letters for part in parts) / letters
    tokens = tuple(token for part in parts for token in part.tokens)
    return Decoded(tokens, tuple(dict.fromkeys((FLAG_HALVES, *parts[0].flags, *parts[1].flags))), logprob)


def _finished(
    hypothesis: Hypothesis, pieces: tuple[TimedPiece, ...], window: AudioWindow, flags: tuple[str, ...]
) -> Decoded:
    if is_hallucination(hypothesis.text, SpeechEvidence(window.voiced_s, hypothesis.no_speech)):
        return NOTHING
    tokens = fit_to_speech(_without_credits(spell(pieces, window.start_ms), window.speech), window.speech)
    if FLAG_REPEATED not in flags and is_chant(hypothesis.text):
        flags = (*flags, FLAG_REPEATED)
    return Decoded(tuple(tokens), flags, hypothesis.logprob)


def _without_credits(tokens: list[Token], speech: Sequence[tuple[int, int]]) -> list[Token]:
    """Credits inside a longer text go only when they lie where nobody speaks."""
    text = "".join(token.text for token in tokens)
    starts = [sum(len(token.text) for token in tokens[:i]) for i in range(len(tokens) + 1)]
    dropped: set[int] = set()
    for a, b in credit_spans(text):
        inside = [i for i in range(len(tokens)) if starts[i] < b and starts[i + 1] > a]
        words = [tokens[i].word for i in inside]
        if not any(word is not None and _voiced(word, speech) for word in words):
            dropped.update(inside)
    return [token for i, token in enumerate(tokens) if i not in dropped]


def _place(word: Word) -> int:
    """The moment that decides to which window a word belongs: alignment knows its end better than its beginning."""
    return max((word.start_ms + word.end_ms) // 2, word.end_ms - _SURE_END_MS)


def _voiced(word: Word, speech: Sequence[tuple[int, int]]) -> bool:
    return any(word.start_ms < b and word.end_ms > a for a, b in speech)


def _clipped(spans: Sequence[tuple[int, int]], start: int, end: int) -> tuple[tuple[int, int], ...]:
    return tuple((max(a, start), min(b, end)) for a, b in spans if a < end and b > start)
