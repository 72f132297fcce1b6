"""A text as the two rows of symbols that are indexed: letters and sounds, each with its place in the original.

Letters: one symbol a Chinese character; a number, however written, is one symbol of digits; a Latin
word is one symbol. Sounds: one merged toneless syllable a character; digits are read out.
"""

from dataclasses import dataclass
from functools import lru_cache

from core.pinyin import merged_syllables
from core.text import NormalText, is_han, normalise
from index.numerals import NUMERAL_CHARS, numeral_value, spoken

MAX_NUMBER = 16


@dataclass(frozen=True, slots=True)
class Symbol:
    """A letter or sound and the code points ``[start, end)`` of the original that it stands for."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Spelled:
    """A text taken apart: ``letters`` and ``sounds`` in order, punctuation left out."""

    normal: NormalText
    letters: tuple[Symbol, ...]
    sounds: tuple[Symbol, ...]

    def letter_text(self) -> str:
        """The letters joined."""
        return "".join(symbol.text for symbol in self.letters)


@lru_cache(maxsize=8_192)
def spell(text: str) -> Spelled:
    """Take ``text`` apart; offsets are code points of ``text`` as given.

    Remembered, as one query after another looks at the same texts.
    """
    normal = normalise(text)
    letters: list[Symbol] = []
    sounds: list[Symbol] = []
    for start, end in _runs(normal.text):
        run = normal.text[start:end]
        begin, stop = normal.original_span(start, end)
        if run[0].isdecimal() and run.isascii():
            letters.append(Symbol(run.lstrip("0") or "0", begin, stop))
            sounds += [Symbol(s, begin, stop) for s in merged_syllables(spoken(run)) if s]
        elif run[0] in NUMERAL_CHARS:
            letters.append(Symbol(numeral_value(run), begin, stop))
            sounds += _syllables(run, start, normal)
        else:
            letters.append(Symbol(run, begin, stop))
            sound = _sound(run) if is_han(run) else run
            if sound:
                sounds.append(Symbol(sound, begin, stop))
    return Spelled(normal, tuple(letters), tuple(sounds))


@lru_cache(maxsize=32_768)
def _sound(char: str) -> str:
    """The merged syllable of one character."""
    return merged_syllables(char)[0]


def _syllables(run: str, offset: int, normal: NormalText) -> list[Symbol]:
    found: list[Symbol] = []
    for index, sound in enumerate(merged_syllables(run)):
        if sound:
            found.append(Symbol(sound, *normal.original_span(offset + index, offset + index + 1)))
    return found


def _runs(text: str) -> list[tuple[int, int]]:
    """Ranges of numbers, Latin words and single other letters; everything else is left out."""
    runs: list[tuple[int, int]] = []
    last = ""
    for index, char in enumerate(text):
        kind = _kind(char)
        joins = kind in ("digit", "numeral", "latin") and kind == last and runs[-1][1] == index
        if joins and index - runs[-1][0] < MAX_NUMBER:
            runs[-1] = (runs[-1][0], index + 1)
        elif kind:
            runs.append((index, index + 1))
        last = kind
    return runs


def _kind(char: str) -> str:
    if char in NUMERAL_CHARS:
        return "numeral"
    if char.isascii() and char.isalnum():
        return "digit" if char.isdigit() else "latin"
    return "letter" if char.isalnum() else ""
