"""How a transcript is scored: errors in characters and in sounds, and spoken terms found.

Both texts are brought to one form first: Simplified Chinese, no marks and spaces, lower case, Arabic
numerals read out in Chinese (1999 → 一千九百九十九, 50% → 百分之五十, 2024年 → 二零二四年) and 两百 as 二百,
so that a numeral written the other way is no error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from core.pinyin import merged_syllables, syllables
from core.text import normalise

_DIGITS = "零一二三四五六七八九"
_UNITS = ("", "十", "百", "千")
_YEAR = regex.compile(r"(?<!\d)\d{4}(?=年)")
_PERCENT = regex.compile(r"(\d+(?:\.\d+)?)%")
_NUMBER = regex.compile(r"\d+(?:\.\d+)?")
_MARKS = regex.compile(r"[\p{P}\p{Z}\p{S}]+")
_EDIT_FROM = 4


def spoken_form(text: str) -> str:
    """``text`` as it is compared; see the module's description.

    >>> spoken_form("原價1,999元，只要50%！")
    '原价一千九百九十九元只要百分之五十'
    """
    plain = regex.sub(r"(?<=\d),(?=\d{3})", "", normalise(text).text)
    plain = _YEAR.sub(lambda found: _digit_by_digit(found[0]), plain)
    plain = _PERCENT.sub(lambda found: "百分之" + _number(found[1]), plain)
    plain = _NUMBER.sub(lambda found: _number(found[0]), plain)
    return regex.sub("两(?=[百千万亿])", "二", _MARKS.sub("", plain))


def _digit_by_digit(digits: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in digits)


def _number(written: str) -> str:
    whole, _, fraction = written.partition(".")
    spoken = _digit_by_digit(whole) if len(whole) > 8 or (whole[0] == "0" and len(whole) > 1) else _integer(int(whole))
    return spoken + ("点" + _digit_by_digit(fraction) if fraction else "")


def _integer(value: int) -> str:
    if value >= 10_000:
        high, low = divmod(value, 10_000)
        return _integer(high) + "万" + ("零" if 0 < low < 1_000 else "") + (_below_10000(low) if low else "")
    spoken = _below_10000(value) or "零"
    return spoken[1:] if spoken.startswith("一十") else spoken


def _below_10000(value: int) -> str:
    spoken, zero = "", False
    for place in range(3, -1, -1):
        digit = value // 10**place % 10
        if digit:
            spoken += ("零" if zero and spoken else "") + _DIGITS[digit] + _UNITS[place]
        zero = not digit
    return spoken


def edit_distance(left: Sequence[str], right: Sequence[str]) -> int:
    """Fewest insertions, deletions and substitutions between two sequences (Levenshtein)."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


@dataclass(frozen=True, slots=True)
class Score:
    """Counts that add up over recordings. ``terms_*`` count spoken terms found in the transcript."""

    characters: int = 0
    character_errors: int = 0
    sound_errors: int = 0
    terms: int = 0
    terms_exact: int = 0
    terms_sound: int = 0
    terms_near: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def cer(self) -> float:
        """Character errors by characters spoken."""
        return self.character_errors / max(1, self.characters)

    @property
    def sound_error(self) -> float:
        """The same on toneless pinyin syllables: what homophones cost is left out."""
        return self.sound_errors / max(1, self.characters)


def score(reference: str, heard: str, terms: Sequence[str] = ()) -> Score:
    """Compare one transcript with what was said; ``terms`` are searched in the transcript.

    A term is found exactly, by its toneless merged pinyin, or (four syllables and more) with one error.
    """
    said, written = spoken_form(reference), spoken_form(heard)
    sounds = merged_syllables(written)
    exact = by_sound = near = 0
    for term in map(spoken_form, terms):
        wanted = merged_syllables(term)
        errors = 0 if term in written else _errors_inside(wanted, sounds)
        exact += term in written
        by_sound += errors == 0
        near += errors <= (1 if len(wanted) >= _EDIT_FROM else 0)
    return Score(
        len(said),
        edit_distance(said, written),
        edit_distance(syllables(said), syllables(written)),
        len(terms),
        exact,
        by_sound,
        near,
    )


def _errors_inside(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Fewest edits that turn ``wanted`` into some stretch of ``heard`` (Sellers 1980)."""
    row = [0] * (len(heard) + 1)
    for i, a in enumerate(wanted, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(heard, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return min(row)
