"""Text as it is compared: one width, one script, no control characters, with a map back.

Every normalised character knows where in the original it came from, so a finding made in
normalised text can be shown in the words of the speaker.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import opencc

MAX_TEXT_CHARS = 200_000
_SENTENCE_MARKS = frozenset("。！？!?；;…\n")
_CLAUSE_MARKS = _SENTENCE_MARKS | frozenset("，,、：:")


@dataclass(frozen=True, slots=True)
class NormalText:
    """``text[i]`` stems from ``original[starts[i]]``. ``original_span`` maps ranges back."""

    original: str
    text: str
    starts: tuple[int, ...]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Code-point range of the original that covers normalised ``[start, end)``; needs ``start < end``."""
        return self.starts[start], self.starts[end - 1] + 1


@lru_cache(maxsize=1)
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@lru_cache(maxsize=65_536)
def _simplified_char(char: str) -> str:
    simple = _converter().convert(char)
    return simple if len(simple) == 1 else char


def simplified(text: str) -> str:
    """Traditional to Simplified, never changing the number of characters (so offsets stay true)."""
    clean = text.encode("utf-8", "replace").decode("utf-8") if _has_surrogate(text) else text
    whole: str = _converter().convert(clean) if "\x00" not in clean else clean
    if len(whole) == len(text):
        return whole
    return "".join(map(_simplified_char, clean))


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


@lru_cache(maxsize=65_536)
def _folded_char(char: str) -> str:
    """Width and compatibility forms folded, lower case, control and format characters dropped."""
    if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"}:
        return " " if char in "\t\n\r" else ""
    return unicodedata.normalize("NFKC", char).lower()


def normalise(text: str) -> NormalText:
    """Fold width, case and script and drop control characters. At most `MAX_TEXT_CHARS` are read."""
    folded = [_folded_char(char) for char in simplified(text[:MAX_TEXT_CHARS])]
    joined = "".join(folded)
    if len(joined) == len(folded) and "" not in folded:  # one for one, as almost always
        return NormalText(text, joined, tuple(range(len(folded))))
    return NormalText(text, joined, tuple(index for index, some in enumerate(folded) for _ in some))


def is_han(char: str) -> bool:
    """Whether ``char`` is a Chinese character (unified ideographs and extension A)."""
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf"


def clauses(text: str) -> list[tuple[int, int]]:
    """Code-point ranges of the clauses of ``text``, punctuation left out, empty ones dropped."""
    spans: list[tuple[int, int]] = []
    start = 0
    for index, char in enumerate([*text, "。"]):
        if char in _CLAUSE_MARKS:
            if text[start:index].strip():
                spans.append((start, index))
            start = index + 1
    return spans


def ngrams(symbols: Sequence[str], size: int) -> list[str]:
    """Runs of ``size`` neighbouring symbols, joined, in order; empty when there are fewer."""
    return ["".join(symbols[i : i + size]) for i in range(len(symbols) - size + 1)]
