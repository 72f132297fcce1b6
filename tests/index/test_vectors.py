"""Vectors in 8 bits behind signs: near to what an exact scan finds, in any part, whatever was forgotten."""

import numpy as np
import pytest
from numpy.typing import NDArray

from index.vectors import BLOCK, EXACT, SCAN, Scale, VectorStore

DIM = 384


def sentences(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Vectors that crowd as those of sentences do: about centres, all with a part in common."""
    centres = np.random.default_rng(1).normal(size=(200, DIM))
    random = np.random.default_rng(seed)
    found = 3 + centres[random.integers(0, 200, count)] + 0.5 * random.normal(size=(count, DIM))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def many() -> tuple[VectorStore, NDArray[np.float32]]:
    matrix = sentences(BLOCK + 5_000)
    store = VectorStore(DIM)
    for first in range(0, len(matrix), 7_000):
        store.add(matrix[first : first + 7_000])
    return store, matrix


def recall(store: VectorStore, matrix: NDArray[np.float32], places: NDArray[np.int64] | None = None) -> float:
    found = 0
    among = np.arange(len(matrix)) if places is None else places
    for vector in sentences(20, seed=5):
        exact = among[np.argsort(-(matrix[among] @ vector))[:10]]
        found += len(set(exact.tolist()) & set(store.nearest(vector, 40, places)[0].tolist()))
    return found / 200


def test_a_direction_that_no_text_is_near_to_finds_the_nearest_all_the_same(
    many: tuple[VectorStore, NDArray[np.float32]],
) -> None:
    store, matrix = many
    common = matrix.mean(axis=0)
    random, found = np.random.default_rng(9), 0
    for centre in np.random.default_rng(1).normal(size=(200, DIM))[:20]:
        towards = (centre + 2 * random.normal(size=DIM)).astype(np.float32)
        towards -= common * (towards @ common) / (common @ common)
        exact = np.argsort(-(matrix @ towards))[:10]
        found += len(set(exact.tolist()) & set(store.nearest(towards, 40)[0].tolist()))
    assert found / 200 > 0.95


def test_few_vectors_are_kept_exactly() -> None:
    store, matrix = VectorStore(DIM), sentences(EXACT - 1)
    store.add(matrix)
    assert not store.quantised
    places, scores = store.nearest(matrix[17], 3)
    assert places[0] == 17
    assert scores[0] == pytest.approx(1, abs=1e-6)
    assert np.array_equal(store.vectors(np.array([3])), matrix[[3]])


def test_many_are_found_by_signs_and_eight_bits(many: tuple[VectorStore, NDArray[np.float32]]) -> None:
    store, matrix = many
    assert store.quantised
    assert len(store.codes) == 2
    assert recall(store, matrix) > 0.97


@pytest.mark.parametrize("size", [100, SCAN + 10, BLOCK - 1])
def test_a_part_is_searched_as_well_as_the_whole(many: tuple[VectorStore, NDArray[np.float32]], size: int) -> None:
    store, matrix = many
    places = np.sort(np.random.default_rng(3).choice(len(matrix), size, replace=False))
    assert recall(store, matrix, places) > 0.97
    found, _ = store.nearest(matrix[0], 10, places)
    assert set(found.tolist()) <= set(places.tolist())


def test_inner_products_are_those_of_the_codes(many: tuple[VectorStore, NDArray[np.float32]]) -> None:
    store, matrix = many
    places = np.array([0, 5, BLOCK + 1])
    assert np.allclose(store.similarities(matrix[5], places), store.vectors(places) @ matrix[5], atol=1e-5)
    assert np.allclose(store.similarities(matrix[5], places), matrix[places] @ matrix[5], atol=0.01)


def test_what_is_forgotten_is_never_found_again() -> None:
    matrix = sentences(BLOCK + 10)
    store = VectorStore(DIM)
    store.add(matrix)
    mapped = store.codes[0]
    mapped.flags.writeable = False
    gone = np.array([3, BLOCK + 4])
    store.forget(gone)
    assert mapped[3].any()
    assert not store.codes[0][3].any()
    for place in gone.tolist():
        assert place not in store.nearest(matrix[place], 50)[0]
    few = VectorStore(DIM)
    few.add(matrix[:10])
    few.forget(np.array([3]))
    assert 3 not in few.nearest(matrix[3], 10)[0]


def test_more_is_added_after_a_snapshot() -> None:
    matrix = sentences(EXACT + 100)
    store = VectorStore(DIM)
    store.add(matrix)
    assert store.scale is not None
    again = VectorStore.of(store.scale, store.codes[0][: len(store)], store.signs)
    again.add(matrix[:5])
    assert len(again) == len(matrix) + 5
    assert {0, len(matrix)} <= set(again.nearest(matrix[0], 100)[0].tolist())


def test_steps_cover_the_range_with_a_margin() -> None:
    matrix = sentences(500)
    scale = Scale.over(matrix)
    assert np.abs(scale.vectors(scale.codes(matrix)) - matrix).max() <= scale.step.max() / 2 + 1e-6
