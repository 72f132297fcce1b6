"""The likeliest cut into words is the likeliest of all cuts, numbers are one word, and terms count as said."""

import math
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from claims.words import LONGEST_WORD, PlainWords

COUNTS = {
    "祛": 3,
    "斑": 5,
    "去": 90,
    "班": 40,
    "去班": 2,
    "上班": 60,
    "上": 80,
    "三天": 30,
    "天上": 9,
    "去上班啦": 4,
    "啦": 6,
}
TERMS = ("祛斑", "上班")
WORDS = PlainWords(COUNTS, TERMS)
TOTAL = math.log(sum(COUNTS.values()))


def likelihood(word: str) -> float:
    """Log probability of a word of the dictionary or of a pack; a strange character counts once, no other stranger."""
    count = max(COUNTS.get(word, 0), 600 if word in TERMS else 0)
    return math.log(count) - TOTAL if count else (-TOTAL if len(word) == 1 else -math.inf)


def cuts(size: int) -> list[list[int]]:
    """All ways to cut ``size`` characters into words of up to `LONGEST_WORD`."""
    ways: list[list[list[int]]] = [[[0]]]
    for end in range(1, size + 1):
        ways.append([[*way, end] for start in range(max(0, end - LONGEST_WORD), end) for way in ways[start]])
    return ways[size]


@given(st.text("祛斑去班上天啦", max_size=7))
@settings(max_examples=60, deadline=None)
def test_no_cut_is_likelier(text: str) -> None:
    best = max(sum(likelihood(text[a:b]) for a, b in pairwise(way)) for way in cuts(len(text)))
    cut = WORDS.cut(text)
    assert math.isclose(cut.log_probabilities[-1], best, abs_tol=1e-9)
    words = [text[a:b] for a, b in cut.words()]
    assert "".join(words) == text
    assert math.isclose(sum(map(likelihood, words)), best, abs_tol=1e-9)


def test_a_number_with_its_measure_is_one_word() -> None:
    assert WORDS.cut("去三百克").words() == [(0, 1), (1, 4)]
    assert WORDS.cut("去三百克").words(10) == [(10, 11), (11, 14)]


def test_a_term_counts_as_said_though_no_dictionary_has_it() -> None:
    assert WORDS.frequency("祛斑") == 0
    assert math.isclose(WORDS.as_term("祛斑"), math.log(600) - TOTAL)
