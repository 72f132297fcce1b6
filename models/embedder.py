"""What index/ and claims/ ask of a sentence embedder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from core.records import ModelIdentity

Matrix = NDArray[np.float32]
EmbeddingKind = Literal["query", "passage"]
DEFAULT_CACHE = Path("~/.cache/livewitness")


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


@runtime_checkable
class TokenEmbedder(Embedder, Protocol):
    """An embedder that also tells what it makes of each token."""

    def states(self, texts: Sequence[str], kind: EmbeddingKind = "query") -> list[Matrix]:
        """One matrix a text, ``(tokens, dim)`` float32; no rows for a text with nothing to embed."""
