"""An array that grows at its end."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)


class Column(Generic[T]):
    """``values`` is a writable view of what was added so far."""

    def __init__(self, kind: type[T], values: NDArray[T] | None = None) -> None:
        self._all: NDArray[T] = np.zeros(0, dtype=kind) if values is None else values
        self._used = len(self._all)

    def __len__(self) -> int:
        return self._used

    @property
    def values(self) -> NDArray[T]:
        """Everything added; valid until the next `extend`."""
        return self._all[: self._used]

    def extend(self, more: Sequence[int] | NDArray[np.generic]) -> None:
        """Append values."""
        end = self._used + len(more)
        if end > len(self._all):
            grown = np.zeros(max(end, len(self._all) * 5 // 4), dtype=self._all.dtype)
            grown[: self._used] = self._all[: self._used]
            self._all = grown
        self._all[self._used : end] = np.asarray(more)
        self._used = end
