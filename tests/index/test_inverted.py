"""Terms to rows, whatever is sorted, merged or fresh."""

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.inverted import BLOCK, TermIndex, term


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60))
def test_every_row_is_found_once_in_order(added: list[tuple[int, bool]]) -> None:
    index = TermIndex()
    expected: dict[int, set[int]] = defaultdict(set)
    for row, (number, seals) in enumerate(added):
        index.add(row, [number, number])
        expected[number].add(row)
        if seals:
            index.seal()
    for number in range(7):
        assert index.find(number).tolist() == sorted(expected[number])
    again = TermIndex(index.merged())
    assert [again.find(number).tolist() for number in range(7)] == [sorted(expected[n]) for n in range(7)]


def weighed(index: TermIndex, weights: dict[int, float], number: int) -> NDArray[np.float32]:
    scores = np.ones(BLOCK, dtype=np.float32)
    index.weigh(weights, number, scores)
    return scores


def test_rows_of_several_blocks_are_told_apart() -> None:
    index = TermIndex()
    for row in (5, BLOCK - 1, BLOCK, 3 * BLOCK + 5):
        index.add(row, [7])
    index.add(3 * BLOCK + 6, [8])
    assert index.find(7).tolist() == [5, BLOCK - 1, BLOCK, 3 * BLOCK + 5]
    assert len(index.merged()) == 4
    assert np.flatnonzero(weighed(index, {7: 0.5, 8: 0.25}, 3)).tolist() == [5, 6]
    assert not weighed(index, {7: 0.5}, 2).any()
    assert not weighed(index, {7: 0.5}, 9).any()


def test_weights_of_all_terms_of_a_row_add_up() -> None:
    index = TermIndex()
    index.add(0, [1, 2])
    index.seal()
    index.add(1, [2, 3])
    assert weighed(index, {1: 0.5, 2: 0.25, 9: 1.0}, 0)[:3].tolist() == [0.75, 0.25, 0.0]


def test_forgotten_rows_hold_nothing() -> None:
    index = TermIndex()
    for row in (3, 4, BLOCK + 3):
        index.add(row, [1, row])
    gone = np.zeros(BLOCK + 4, dtype=bool)
    gone[[3, BLOCK + 3]] = True
    index.forget(gone)
    assert index.find(1).tolist() == [4]
    assert index.find(3).tolist() == []
    assert len(index) == 2


def test_hashes_are_fixed_for_snapshots() -> None:
    assert term("祛ǀ斑") == term("祛ǀ斑") != term("去ǀ班")
    assert TermIndex(TermIndex().merged()).find(1).tolist() == []
