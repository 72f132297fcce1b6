"""How many of something that costs much are done at once, and how many may wait for that."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from api.errors import BusyError

_PATIENCE_S = 5.0


class Places:
    """``at_once`` are done, ``waiting`` more wait up to 5 s for a place; ``busy`` makes what all others are told."""

    def __init__(self, at_once: int, waiting: int, busy: Callable[[], BusyError]) -> None:
        self._running = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._most = at_once + waiting
        self._taken = 0
        self._busy = busy

    @property
    def full(self) -> bool:
        """Whether the next one is turned away."""
        return self._taken >= self._most

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A place. Raises `BusyError` where too many wait, or one waits too long."""
        with self._lock:
            if self.full:
                raise self._busy()
            self._taken += 1
        try:
            if not self._running.acquire(timeout=_PATIENCE_S):
                raise self._busy()
            try:
                yield
            finally:
                self._running.release()
        finally:
            with self._lock:
                self._taken -= 1
