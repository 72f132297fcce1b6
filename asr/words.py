"""From aligned pieces to words: characters spelled as in the text, times inside the voiced spans.

Whisper's alignment gives only where a piece begins; its end is the next beginning. So a pause shows
as a long piece. Voice activity knows where the pauses are and pulls both edges back to the speech.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import regex

from core.records import Word
from core.text import simplified
from models.speech import TimedPiece

Spans = Sequence[tuple[int, int]]
_MARK = regex.compile(r"[\p{P}\p{S}\p{Z}\s]+")
_LATIN = regex.compile(r"[\p{Latin}\p{N}.%+-]+")
_EDGE_MS = 350


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or a mark that Whisper wrote itself (``word`` is None); ``spaced`` when a space precedes it."""

    text: str
    word: Word | None
    spaced: bool = False


def spell(pieces: Sequence[TimedPiece], start_ms: int) -> list[Token]:
    """Words and marks in order, in Simplified Chinese. ``start_ms`` is the time of the window's start."""
    script = simplified("".join(piece.text for piece in pieces))
    tokens: list[Token] = []
    offset = 0
    for piece in pieces:
        text = script[offset : offset + len(piece.text)]
        offset += len(piece.text)
        _append(tokens, text, piece, start_ms)
    return tokens


def _append(tokens: list[Token], text: str, piece: TimedPiece, start_ms: int) -> None:
    spaced = text[:1].isspace()
    bare = text.strip()
    if not bare:
        return
    if _MARK.fullmatch(bare):
        tokens.append(Token(bare, None, spaced))
        return
    letters = _MARK.sub("", bare) if not _LATIN.fullmatch(bare) else bare
    word = Word(letters, start_ms + round(piece.start_s * 1000), start_ms + round(piece.end_s * 1000), piece.probability)
    last = tokens[-1].word if tokens else None
    if last is not None and not spaced and _LATIN.fullmatch(last.text) and _LATIN.fullmatch(letters):
        joined = Word(
            last.text + letters, last.start_ms, word.end_ms, min(last.probability, word.probability)
        )
        tokens[-1] = replace(tokens[-1], text=joined.text, word=joined)
        return
    tokens.append(Token(letters, word, spaced))


def fit_to_speech(words: Sequence[Word], spans: Spans) -> list[Word]:
    """Words with their edges inside the voiced ``spans`` (ms, in order), order and overlap kept sane.

    The first word never starts before the first span: alignment puts it about 400 ms early.
    """
    if not words or not spans:
        return list(words)
    fitted = list(words)
    fitted[0] = _from(fitted[0], spans[0][0])
    fitted[-1] = _until(fitted[-1], spans[-1][1])
    for (_, quiet_from), (quiet_to, _) in zip(spans, spans[1:], strict=False):
        boundary = _boundary(fitted, quiet_from, quiet_to)
        if boundary is not None:
            fitted[boundary] = _until(fitted[boundary], quiet_from)
            fitted[boundary + 1] = _from(fitted[boundary + 1], quiet_to)
    return fitted


def pauses_after(words: Sequence[Word]) -> list[int]:
    """Milliseconds of silence after each word; 0 after the last."""
    return [max(0, b.start_ms - a.end_ms) for a, b in zip(words, words[1:], strict=False)] + [0] * bool(words)


def _boundary(words: Sequence[Word], quiet_from: int, quiet_to: int) -> int | None:
    """The word after which the pause lies: the boundary nearest to it, at most `_EDGE_MS` away."""

    def distance(index: int) -> int:
        at = words[index + 1].start_ms
        return max(quiet_from - at, at - quiet_to, 0)

    best = min(range(len(words) - 1), key=distance, default=None)
    return best if best is not None and distance(best) <= _EDGE_MS else None


def _from(word: Word, start_ms: int) -> Word:
    start = max(word.start_ms, start_ms)
    return replace(word, start_ms=start, end_ms=max(word.end_ms, start))


def _until(word: Word, end_ms: int) -> Word:
    end = max(min(word.end_ms, end_ms), word.start_ms)
    return replace(word, end_ms=end)
