"""Words that must, or must not, stand in a text letter by letter, whatever their width, case or script."""

from functools import reduce

import numpy as np
from sqlalchemy import Connection

from index.cache import IndexCache
from index.grams import pairs
from index.inverted import term
from index.symbols import spell
from index.vectors import Mask
from store.postings import ids_with_letter


def holds(text: str, words: str) -> bool:
    """Whether the letters of ``words`` stand in ``text`` in one piece, punctuation left out."""
    wanted = [symbol.text for symbol in spell(words).letters]
    letters = [symbol.text for symbol in spell(text).letters]
    return any(letters[i : i + len(wanted)] == wanted for i in range(len(letters) - len(wanted) + 1))


def rows_holding(connection: Connection, cache: IndexCache, words: str) -> Mask:
    """Rows that hold all pairs of letters of ``words``, or the one letter; more than hold longer words in order."""
    letters = spell(words).letters
    if len(letters) == 1:
        rows = cache.rows_of(np.array(ids_with_letter(connection, letters.texts[0]), dtype=np.int64))
    else:
        rows = reduce(np.intersect1d, [cache.terms["letters"].find(term(pair)) for pair in pairs(letters)])
    mask = np.zeros(len(cache), dtype=bool)
    mask[rows] = True
    return mask
