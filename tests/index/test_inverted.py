"""Terms to rows, whatever is sorted, merged or fresh."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from index.inverted import TermIndex, sorted_run, term


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
    run = index.merged()
    assert [run.find(number).tolist() for number in range(7)] == [sorted(expected[n]) for n in range(7)]
    assert TermIndex(run).find(3).tolist() == sorted(expected[3])


def test_hashes_are_fixed_for_snapshots() -> None:
    assert term("祛ǀ斑") == term("祛ǀ斑") != term("去ǀ班")
    assert sorted_run(TermIndex().merged().rows.astype("uint64")).find(1).tolist() == []
