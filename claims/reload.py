"""A checker that follows its packs: a changed file is read again, a broken one leaves the old rules in force.

What changed is loaded on a thread of its own and swapped in when it is ready: a live stream never waits for it.
"""

import logging
import threading
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from claims.checker import Checker, bundled_packs, load_checker
from claims.pack import pack_files
from core.errors import LiveWitnessError
from core.records import Finding
from models.embedding import Embedder

LOOK_EVERY_S = 2.0
_log = logging.getLogger(__name__)


class ReloadingChecker(Checker):
    """`load_checker` that looks at the files of its packs every `LOOK_EVERY_S` seconds of use. Thread-safe.

    The YAML files of ``folder`` are packs as well; they may come and go.
    """

    def __init__(
        self, extra_packs: Sequence[Path] = (), *, folder: Path | None = None, embedder: Embedder | None = None
    ) -> None:
        self._named = tuple(extra_packs)
        self._folder = folder
        self._lock = threading.Lock()
        self._loading: threading.Thread | None = None
        self._seen, self._looked = self._stamp(), time.monotonic()
        self._current = load_checker(self._extra(), embedder=embedder)
        super().__init__(self._current.packs, self._current.meaning, embedder)

    def check(
        self,
        text: str,
        product: str = "",
        probabilities: Sequence[float] | None = None,
        day: date | None = None,
    ) -> tuple[Finding, ...]:
        """As `Checker.check`, with the packs as their files are now."""
        return self.current().check(text, product, probabilities, day)

    def current(self) -> Checker:
        """The checker in force. If a file has changed since the last look, another is loaded meanwhile."""
        if time.monotonic() - self._looked >= LOOK_EVERY_S and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._current

    def settle(self) -> None:
        """Wait until what is being loaded is in force."""
        if self._loading is not None:
            self._loading.join()

    def _look(self) -> None:
        self._looked = time.monotonic()
        if self._loading is not None and self._loading.is_alive():
            return
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            self._loading = threading.Thread(target=self._load, name="rule-packs", daemon=True)
            self._loading.start()

    def _load(self) -> None:
        try:
            loaded = load_checker(self._extra(), embedder=self.embedder)
        except LiveWitnessError as error:
            _log.error("rule packs not reloaded: %s", error)
            return
        self._current, self.packs = loaded, loaded.packs
        _log.info("rule packs reloaded: %s", ", ".join(f"{pack.id} {pack.version}" for pack in self.packs))

    def _extra(self) -> tuple[Path, ...]:
        return (*self._named, *(sorted(self._folder.glob("*.yaml")) if self._folder else ()))

    def _stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Name, time and size of every file; a file that is being replaced counts as absent."""
        found = []
        for path in (*bundled_packs(), *self._extra()):
            for file in pack_files(path) if path.exists() else ():
                if file.is_file():
                    state = file.stat()
                    found.append((str(file), state.st_mtime_ns, state.st_size))
        return tuple(found)
