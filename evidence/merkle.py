"""Merkle tree hashing and proofs by RFC 9162, section 2.1, over SHA-256.

A leaf's hash starts from byte 0, a node's from byte 1, so that neither can pass for the other. Proofs are
lists of 32-byte hashes, the nearest to the leaf first. Verification never raises: a proof holds or it does not.
"""

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two smaller than ``size`` (> 1)."""
    return 1 << (size - 1).bit_length() - 1


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes; the empty tree's root is the hash of nothing."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) & ~1 :]
    return level[0]


class Tree:
    """A tree that gives many proofs: roots of its parts are worked out once."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        """``leaves`` are leaf hashes."""
        self._leaves = leaves
        self._roots: dict[tuple[int, int], bytes] = {}

    def inclusion(self, index: int) -> list[bytes]:
        """The hashes that lead from leaf ``index`` to the root. Raises ``IndexError`` outside the tree."""
        if not 0 <= index < len(self._leaves):
            raise IndexError(f"leaf {index} of {len(self._leaves)}")
        proof: list[bytes] = []
        low, high = 0, len(self._leaves)
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                proof.append(self._root(middle, high))
                high = middle
            else:
                proof.append(self._root(low, middle))
                low = middle
        return proof[::-1]

    def consistency(self, first: int) -> list[bytes]:
        """The hashes that show that the tree of the ``first`` leaves is a beginning of this one.

        Raises ``IndexError`` unless ``0 < first <= size``.
        """
        if not 0 < first <= len(self._leaves):
            raise IndexError(f"size {first} of {len(self._leaves)}")
        proof: list[bytes] = []
        low, high = 0, len(self._leaves)
        while first != high:
            middle = low + _split(high - low)
            if first <= middle:
                proof.append(self._root(middle, high))
                high = middle
            else:
                proof.append(self._root(low, middle))
                low = middle
        return [*([self._root(low, high)] if low else []), *proof[::-1]]

    def _root(self, low: int, high: int) -> bytes:
        known = self._roots.get((low, high))
        if known is None:
            known = self._roots[low, high] = root(self._leaves[low:high])
        return known


def inclusion_root(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that ``proof`` leads to; ``None`` when it does not fit a tree of ``size`` leaves."""
    if not 0 <= index < size:
        return None
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return found if last == 0 else None


def consistent(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows that the tree of size ``second`` goes on from the one of size ``first``."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root
