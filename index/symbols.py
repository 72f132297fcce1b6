"""A text as the two rows of symbols that are indexed: letters and sounds, each with its place in the original.

Letters: one symbol a Chinese character; a number, however written, is one symbol of digits; a Latin
word is one symbol. Sounds: one merged toneless syllable a character; digits are read out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, overload

from core.pinyin import merged_syllables
from core.text import NormalText, is_han, normalise
from index.numerals import NUMERAL_CHARS, numeral_value, spoken

MAX_NUMBER = 16


class Symbol(NamedTuple):
    """A letter or sound and the code points ``[start, end)`` of the original that it stands for."""

    text: str
    start: int
    end: int


class Symbols(Sequence[Symbol]):
    """A row of symbols, kept as a column each of texts, starts and ends: most of them are never looked at alone."""

    __slots__ = ("ends", "starts", "texts")

    def __init__(self, texts: Sequence[str], starts: Sequence[int], ends: Sequence[int]) -> None:
        self.texts = tuple(texts)
        self.starts = tuple(starts)
        self.ends = tuple(ends)

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, place: int) -> Symbol: ...

    @overload
    def __getitem__(self, place: slice) -> "Symbols": ...

    def __getitem__(self, place: int | slice) -> "Symbol | Symbols":
        if isinstance(place, slice):
            return Symbols(self.texts[place], self.starts[place], self.ends[place])
        return Symbol(self.texts[place], self.starts[place], self.ends[place])

    def __iter__(self) -> Iterator[Symbol]:
        return map(Symbol, self.texts, self.starts, self.ends)


@dataclass(frozen=True, slots=True)
class Spelled:
    """A text taken apart: ``letters`` and ``sounds`` in order, punctuation left out."""

    normal: NormalText
    letters: Symbols
    sounds: Symbols

    def letter_text(self) -> str:
        """The letters joined."""
        return "".join(self.letters.texts)


@lru_cache(maxsize=8_192)
def spell(text: str) -> Spelled:
    """`take_apart`, remembered (about 10 KB a text), as one query after another looks at the same texts."""
    return take_apart(text)


def take_apart(text: str) -> Spelled:
    """Letters and sounds of ``text``; offsets are code points of ``text`` as given."""
    normal = normalise(text)
    chars, starts = normal.text, normal.starts
    letters: list[tuple[str, int, int]] = []
    sounds: list[tuple[str, int, int]] = []
    kinds, heard = zip(*map(_read, chars), strict=True) if chars else ((), ())
    start = 0
    while start < len(chars):
        kind, end = kinds[start], start + 1
        if kind == "letter":
            begin = starts[start]
            letters.append((chars[start], begin, begin + 1))
            if heard[start]:
                sounds.append((heard[start], begin, begin + 1))
        elif kind:
            while end < len(chars) and end - start < MAX_NUMBER and kinds[end] == kind:
                end += 1
            letter, spoken_as = _run(kind, start, end, normal)
            letters.append(letter)
            sounds += spoken_as
        start = end
    return Spelled(normal, _columns(letters), _columns(sounds))


def _columns(row: Sequence[tuple[str, int, int]]) -> Symbols:
    return Symbols(*zip(*row, strict=True)) if row else Symbols((), (), ())


def _run(kind: str, start: int, end: int, normal: NormalText) -> tuple[Symbol, list[Symbol]]:
    """A number or a Latin word at normalised ``[start, end)`` as one letter, and as sounds."""
    run, (begin, stop) = normal.text[start:end], normal.original_span(start, end)
    if kind == "digit":
        heard = [Symbol(sound, begin, stop) for sound in merged_syllables(spoken(run)) if sound]
        return Symbol(run.lstrip("0") or "0", begin, stop), heard
    if kind == "numeral":
        return Symbol(numeral_value(run), begin, stop), _syllables(run, start, normal)
    return Symbol(run, begin, stop), [Symbol(run, begin, stop)]


def _syllables(run: str, offset: int, normal: NormalText) -> list[Symbol]:
    found: list[Symbol] = []
    for index, sound in enumerate(merged_syllables(run)):
        if sound:
            found.append(Symbol(sound, *normal.original_span(offset + index, offset + index + 1)))
    return found


@lru_cache(maxsize=65_536)
def _read(char: str) -> tuple[str, str]:
    """What a character is: a numeral, digit or Latin one, which join, another letter, or nothing; and its sound."""
    if char in NUMERAL_CHARS:
        return "numeral", ""
    if char.isascii() and char.isalnum():
        return ("digit" if char.isdigit() else "latin"), ""
    if not char.isalnum():
        return "", ""
    return "letter", merged_syllables(char)[0] if is_han(char) else char
