"""Marks where the speaker pauses, so that rules which work clause by clause have clauses.

Without timestamp tokens Whisper writes Mandarin almost without marks. A pause is a comma, the end of
a window a full stop; marks that Whisper did write stay.
"""

from collections.abc import Sequence

from asr.words import Token
from core.text import is_han

COMMA_MS = 250
SPACE_COMMA_MS = 90
_END_MARKS = "。！？!?…"
_MARKS = "，。！？、；："


def punctuated(tokens: Sequence[Token], pauses: Sequence[int]) -> str:
    """The text of ``tokens``; ``pauses[i]`` is the silence in ms after the i-th word.

    Where Whisper wrote a space in Chinese it heard a break: a shorter pause is enough for a comma there.
    """
    text = ""
    pause = 0
    remaining = iter(pauses)
    spaced = False
    for token in tokens:
        if token.word is None:
            spaced = True
            text = text if token.text == " " else _with_mark(text, token.text)
            continue
        if text and text[-1] not in _MARKS:
            text += _between(text[-1], token.text[0], pause, spaced)
        text += token.text
        pause, spaced = next(remaining), False
    return _closed(text)


def _between(left: str, right: str, pause: int, spaced: bool) -> str:
    if pause >= (SPACE_COMMA_MS if spaced else COMMA_MS):
        return "，"
    return " " if spaced and not is_han(left) and not is_han(right) else ""


def _with_mark(text: str, mark: str) -> str:
    wide = mark.translate(str.maketrans(",!?;:", "，！？；："))
    return text + wide if text and text[-1] not in _MARKS else text


def _closed(text: str) -> str:
    bare = text.rstrip("，、；：, ")
    return bare if not bare or bare[-1] in _END_MARKS else bare + "。"
