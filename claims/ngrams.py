"""Speech as hashed n-grams of letters and of merged syllables: what a sentence looks and sounds like.

Feature hashing (Weinberger et al. 2009) with CRC-32, so that no vocabulary has to be stored and the same
text gives the same numbers on every machine. Numbers are one symbol, clause marks are boundaries.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from claims.fold import CLAUSE, MARKS
from core.pinyin import merged_syllables
from core.text import is_han

BUCKETS = 1 << 16
MAX_CHARS = 200
_LETTERS = (1, 2, 3, 4)
_SOUNDS = (2, 3, 4)
_NUMBERS = re.compile(
    "[零一二三四五六七八九十百千万亿两半几]{2,12}|[零一二三四五六七八九十两半几](?=[天日周年月个斤倍块元次盒瓶度成折分秒小])"
)
_MARKS = str.maketrans(dict.fromkeys(MARKS, CLAUSE))


@dataclass(frozen=True, slots=True)
class Grams:
    """Buckets of the n-grams of a text, with the characters each n-gram covers."""

    buckets: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


def grams(text: str) -> Grams:
    """The n-grams of folded ``text`` (at most `MAX_CHARS` characters), positions in ``text``."""
    tokens, places = _tokens(text[:MAX_CHARS])
    sounds = [merged_syllables(token)[0] if len(token) == 1 and is_han(token) else token for token in tokens]
    found: list[int] = []
    at: list[tuple[int, int]] = []
    for sizes, units, mark in ((_LETTERS, tokens, "l"), (_SOUNDS, sounds, "s")):
        for size in sizes:
            for first in range(len(units) - size + 1):
                found.append(bucket(mark + " ".join(units[first : first + size])))
                at.append((places[first][0], places[first + size - 1][1]))
    places_found = np.array(at, dtype=np.int64).reshape(-1, 2)
    return Grams(np.array(found, dtype=np.int64), places_found[:, 0], places_found[:, 1])


def bucket(feature: str) -> int:
    """The bucket of a feature of any kind."""
    return crc32(feature.encode("utf-8", "replace")) % BUCKETS


def _tokens(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """Single characters, with a number as one token ``#`` and every text bounded by clause marks."""
    plain = text.translate(_MARKS)
    tokens, places, at = [CLAUSE], [(0, 0)], 0
    for match in _NUMBERS.finditer(plain):
        _spell(plain, at, match.start(), tokens, places)
        tokens.append("#")
        places.append(match.span())
        at = match.end()
    _spell(plain, at, len(plain), tokens, places)
    tokens.append(CLAUSE)
    places.append((len(plain), len(plain)))
    return tokens, places


def _spell(text: str, start: int, end: int, tokens: list[str], places: list[tuple[int, int]]) -> None:
    tokens.extend(text[start:end])
    places.extend((index, index + 1) for index in range(start, end))


def bag(texts: Sequence[str], extra: Sequence[str] = ()) -> NDArray[np.int64]:
    """The distinct buckets of several readings of one utterance and of ``extra`` features."""
    found = [grams(text).buckets for text in dict.fromkeys(texts)]
    found.append(np.array([bucket(feature) for feature in extra], dtype=np.int64))
    return np.unique(np.concatenate(found))
