"""Words that must, or must not, stand in a text letter by letter, whatever their width, case or script."""

from functools import reduce

import numpy as np

from index.cache import IndexCache
from index.grams import pairs
from index.inverted import term
from index.symbols import spell
from index.vectors import Mask


def holds(text: str, words: str) -> bool:
    """Whether the letters of ``words`` stand in ``text`` in one piece, punctuation left out."""
    wanted = [symbol.text for symbol in spell(words).letters]
    letters = [symbol.text for symbol in spell(text).letters]
    return any(letters[i : i + len(wanted)] == wanted for i in range(len(letters) - len(wanted) + 1))


def rows_holding(cache: IndexCache, words: str) -> Mask | None:
    """Rows that hold all pairs of letters of ``words``; ``None`` for a single letter, which makes no pair."""
    found = [cache.terms["letters"].find(term(pair)) for pair in pairs(spell(words).letters)]
    if not found:
        return None
    rows = reduce(np.intersect1d, found)
    mask = np.zeros(len(cache), dtype=bool)
    mask[rows] = True
    return mask
