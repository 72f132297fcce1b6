"""The grams that stand in the postings: 1 and 2 letters, 1 and 2 sounds, in order."""

from collections.abc import Sequence
from itertools import pairwise

from index.symbols import Symbol, take_apart

# A letter that no normalised text contains and that the full-text tokenizer keeps inside a token:
# "xi"+"an" must not be the gram of the one syllable "xian".
JOINT = "\u01c0"


def grams(symbols: Sequence[Symbol]) -> list[str]:
    """All single symbols, then all neighbouring pairs."""
    return [symbol.text for symbol in symbols] + pairs(symbols)


def pairs(symbols: Sequence[Symbol]) -> list[str]:
    """All neighbouring pairs."""
    return [f"{a.text}{JOINT}{b.text}" for a, b in pairwise(symbols)]


def index_text(text: str) -> tuple[list[str], list[str]]:
    """Letter and sound grams of an utterance, as `store.postings.add_postings` takes them."""
    spelled = take_apart(text)
    return grams(spelled.letters), grams(spelled.sounds)
