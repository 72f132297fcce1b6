"""The projection is learnt the same from the same pairs, and finds what the plain cosine does not."""

import re
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from index.projection import LearntProjection, unit
from index.training import train
from index.training.pairs import Block, read_blocks

DIM = 24


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    """Some blocks of either author."""
    return read_blocks()[::25]


@pytest.fixture(scope="module")
def vectors(blocks: list[Block]) -> train.Vectors:
    """Vectors drawn by text; answers lie where a turn of their query takes it, in place of those of the encoder."""
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(DIM, DIM)))[0]
    found = {}
    for block in blocks:
        asked = drawn(block.query)
        found |= {text: unit(drawn(text) + 1) for text in block.others} | {block.query: unit(asked + 1)}
        found |= {text: unit(asked @ turn + 0.3 * drawn(text) + 1) for text in block.answers}
    return found


def drawn(text: str) -> train.Matrix:
    return np.random.default_rng(crc32(text.encode())).normal(size=DIM).astype(np.float32)


def test_the_same_pairs_give_the_same_bytes(blocks: list[Block], vectors: train.Vectors, tmp_path: Path) -> None:
    one, two = (train.write(train.learn(blocks, vectors, steps=5), tmp_path / f"{n}.npz") for n in "12")
    assert one == two
    with np.load(tmp_path / "1.npz") as arrays:
        assert set(arrays) == {"mean", "matrix", "asked", "answers"}


def test_what_was_learnt_finds_answers_that_lie_elsewhere(blocks: list[Block], vectors: train.Vectors) -> None:
    learnt = LearntProjection(train.learn(blocks, vectors, steps=60))
    assert train.recall(blocks, vectors, learnt) > train.recall(blocks, vectors, None) + 0.3


def test_an_author_is_measured_by_what_the_others_wrote(blocks: list[Block], vectors, monkeypatch) -> None:
    seen = []
    learn = train.learn
    monkeypatch.setattr(train, "tuning_blocks", list)
    monkeypatch.setattr(
        train, "learn", lambda some, known: seen.append({b.author for b in some}) or learn(some, known, 2)
    )
    lines = train.crossed(blocks, vectors)
    assert seen == [{"b"}, {"a"}]
    assert all(
        re.fullmatch(r"author [ab]: \d+ queries, R@10 by cosine 0\.\d+, learnt from \d+ .* [01]\.\d+", x) for x in lines
    )
