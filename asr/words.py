"""From aligned pieces to words: characters spelled as in the text, times inside the voiced spans.

Whisper's alignment gives only where a piece begins; its end is the next beginning. So a pause hides
inside the piece that covers it, and that piece is mostly the first one *after* the pause, begun up to
300 ms too early. Voice activity knows where the pauses are and pulls both edges back to the speech.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import regex

from core.records import Word
from core.text import simplified
from models.speech import TimedPiece

Spans = Sequence[tuple[int, int]]
EARLY_MS = 300
_MARK = regex.compile(r"[\p{P}\p{S}]+")
# Converters leave 著 alone because 显著 and 著名 are written so; Whisper writes 穿著 for 穿着.
_PARTICLE_ZHE = regex.compile(r"(?<![显名原巨土编专论卓昭遗译])著(?![名作称述者录书])")
_LATIN = regex.compile(r"[\p{Latin}\p{N}.%+-]+")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or what Whisper wrote between words: a mark, or ``" "`` (``word`` is then None).

    ``start_ms`` and ``end_ms`` are the alignment's; the word's own times are the better ones.
    """

    text: str
    start_ms: int
    end_ms: int
    word: Word | None = None


def spell(pieces: Sequence[TimedPiece], start_ms: int) -> list[Token]:
    """Words, marks and spaces in order, in Simplified Chinese. ``start_ms`` is where the window starts."""
    script = _PARTICLE_ZHE.sub("着", simplified("".join(piece.text for piece in pieces)))
    tokens: list[Token] = []
    offset = 0
    for piece in pieces:
        text = script[offset : offset + len(piece.text)]
        offset += len(piece.text)
        start, end = (start_ms + round(s * 1000) for s in (piece.start_s, piece.end_s))
        if text[:1].isspace() and tokens:
            tokens.append(Token(" ", start, start if text.strip() else end))
        if bare := text.strip():
            _append(tokens, bare, start, end, piece.probability)
    return tokens


def _append(tokens: list[Token], bare: str, start: int, end: int, probability: float) -> None:
    last = tokens[-1].word if tokens else None
    if last is not None and _LATIN.fullmatch(last.text + bare):
        joined = Word(last.text + bare, last.start_ms, end, min(last.probability, probability))
        tokens[-1] = Token(joined.text, tokens[-1].start_ms, end, joined)
    elif _MARK.fullmatch(bare):
        tokens.append(Token(bare, start, end))
    elif letters := _MARK.sub("", bare) if not _LATIN.fullmatch(bare) else bare:
        tokens.append(Token(letters, start, end, Word(letters, start, end, probability)))


def fit_to_speech(tokens: Sequence[Token], spans: Spans) -> list[Token]:
    """The tokens with their words' edges pulled into the voiced ``spans`` (ms, in order).

    The first word never starts before the first span: alignment puts it about 400 ms early.
    """
    fitted = list(tokens)
    places = [i for i, token in enumerate(fitted) if token.word is not None]
    if not places or not spans:
        return fitted
    _pull(fitted, places[0], start_ms=spans[0][0])
    for (_, quiet_from), (quiet_to, _) in pairwise(spans):
        after = _first_after(fitted, quiet_from, quiet_to)
        _pull_around(fitted, after, quiet_from, quiet_to)
    _pull(fitted, places[-1], end_ms=spans[-1][1])
    return fitted


def pauses_after(words: Sequence[Word]) -> list[int]:
    """Milliseconds of silence after each word; 0 after the last."""
    return [max(0, b.start_ms - a.end_ms) for a, b in pairwise(words)] + [0] * bool(words)


def _first_after(tokens: Sequence[Token], quiet_from: int, quiet_to: int) -> int:
    """Index of the token that comes first after a pause: the one over its middle, or the next."""
    middle = (quiet_from + quiet_to) // 2
    for index, token in enumerate(tokens):
        if token.end_ms > middle:
            early = quiet_from - EARLY_MS * len(token.text) // min(2, len(token.text))
            return index if token.start_ms >= early else index + 1
    return len(tokens)


def _pull_around(tokens: list[Token], after: int, quiet_from: int, quiet_to: int) -> None:
    before = next((i for i in range(min(after, len(tokens)) - 1, -1, -1) if tokens[i].word), None)
    behind = next((i for i in range(after, len(tokens)) if tokens[i].word), None)
    if before is None or behind is None:
        return
    _pull(tokens, before, end_ms=quiet_from)
    _pull(tokens, behind, start_ms=quiet_to)


def _pull(tokens: list[Token], index: int, *, start_ms: int | None = None, end_ms: int | None = None) -> None:
    word = tokens[index].word
    if word is None:
        return
    start = word.start_ms if start_ms is None else max(word.start_ms, start_ms)
    end = word.end_ms if end_ms is None else min(word.end_ms, end_ms)
    tokens[index] = replace(tokens[index], word=replace(word, start_ms=start, end_ms=max(start, end)))
