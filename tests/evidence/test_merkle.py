"""Proofs hold for every size to 65, and for nothing but what they were made for."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import merkle

SIZES = range(1, 66)
LEAVES = [merkle.leaf_hash(f"leaf {n}".encode()) for n in range(65)]
ROOTS = [merkle.root(LEAVES[:n]) for n in range(66)]


def definition(leaves: list[bytes]) -> bytes:
    """The recursive definition of RFC 9162, 2.1.1, written once more."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + definition(leaves[:k]) + definition(leaves[k:])).digest()


def test_roots_known_from_certificate_transparency() -> None:
    """The empty tree and the one of a single empty leaf, as every implementation of the RFC gives them."""
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


@given(st.lists(st.binary(max_size=8), max_size=130))
def test_the_root_is_the_recursive_definition(data: list[bytes]) -> None:
    assert merkle.root([merkle.leaf_hash(d) for d in data]) == definition(data)


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_of_every_size_is_proved_at_its_place_and_no_other(size: int) -> None:
    for index in range(size):
        proof = merkle.Tree(LEAVES[:size]).inclusion(index)
        assert merkle.inclusion_root(LEAVES[index], index, size, proof) == ROOTS[size]
        for other in {index - 1, index + 1, size - 1 - index} - {index}:
            assert merkle.inclusion_root(LEAVES[index], other, size, proof) != ROOTS[size]
        assert merkle.inclusion_root(LEAVES[index], index, size, [*proof, LEAVES[0]]) is None
        if proof:
            assert merkle.inclusion_root(LEAVES[index], index, size, proof[:-1]) is None


@pytest.mark.parametrize("second", SIZES)
def test_every_earlier_tree_is_a_beginning_and_no_other_is(second: int) -> None:
    for first in range(1, second + 1):
        proof = merkle.Tree(LEAVES[:second]).consistency(first)
        assert merkle.consistent(first, ROOTS[first], second, ROOTS[second], proof)
        forked = merkle.root([*LEAVES[: first - 1], merkle.leaf_hash(b"fork")])
        assert not merkle.consistent(first, forked, second, ROOTS[second], proof)
        assert not merkle.consistent(first, ROOTS[first], second, forked, proof)
        assert not merkle.consistent(first, ROOTS[first], second, ROOTS[second], [*proof, LEAVES[0]])
        if first < second:
            assert not merkle.consistent(second, ROOTS[second], first, ROOTS[first], proof)
            assert not merkle.consistent(first, ROOTS[first], second, ROOTS[second], proof[:-1])


@given(st.integers(0, 400), st.integers(0, 400), st.lists(st.binary(min_size=32, max_size=32), max_size=12))
def test_hostile_proofs_are_refused_without_an_exception(index: int, size: int, proof: list[bytes]) -> None:
    assert merkle.inclusion_root(LEAVES[0], index, size, proof) not in ROOTS[2:]
    if index != size:
        assert not merkle.consistent(index, ROOTS[7], size, ROOTS[9], proof)


def test_outside_the_tree() -> None:
    for index in (-1, 5):
        with pytest.raises(IndexError):
            merkle.Tree(LEAVES[:5]).inclusion(index)
    for size in (0, 6):
        with pytest.raises(IndexError):
            merkle.Tree(LEAVES[:5]).consistency(size)
