"""Marks where the speaker pauses, so that rules which work clause by clause have clauses.

Without timestamp tokens Whisper writes Mandarin almost without marks. A pause is a comma, the end of
a window a full stop; marks that Whisper did write stay.
"""

from collections.abc import Sequence

from asr.words import Token
from core.text import is_han

COMMA_MS = 250
_END_MARKS = "。！？!?…"


def punctuated(tokens: Sequence[Token], pauses: Sequence[int]) -> str:
    """The text of ``tokens``; ``pauses[i]`` is the silence in ms after the i-th word."""
    text = ""
    index = -1
    due = False
    for token in tokens:
        if token.word is None:
            text, due = _with_mark(text, token.text), False
            continue
        index += 1
        if due and text[-1:] not in "，。！？、；：":
            text += "，"
        elif token.spaced and text and not is_han(text[-1]) and text[-1].isalnum() and not is_han(token.text[0]):
            text += " "
        text += token.text
        due = pauses[index] >= COMMA_MS
    return _closed(text)


def _with_mark(text: str, mark: str) -> str:
    wide = mark.translate(str.maketrans(",!?;:", "，！？；："))
    return text + wide if text else text


def _closed(text: str) -> str:
    bare = text.rstrip("，、；：, ")
    if not bare or bare[-1] in _END_MARKS:
        return bare
    return bare + "。"
