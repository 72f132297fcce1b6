"""Embeds what has no vector yet, in a thread of its own, so that search never delays an alert.

The database is the queue: whatever lacks a vector of this model is due. So a restart goes on where it
stood, kill -9 loses at most the batch in hand, which is due again, and nothing is embedded twice.
"""

import logging
import threading
import time

from core.errors import LiveWitnessError
from index.hearing import embedded_text, load_reader
from index.saved import SavedSearches, tell_matches
from models.embedding import Embedder
from store.engine import Database
from store.vectors import add_vectors, lacks_vector, pending_utterances

BATCH = 32
_POLL_S = 0.5
_RETRY_S = 5.0
_log = logging.getLogger(__name__)


class VectorIndexer:
    """Writes vectors for pending utterances. ``start`` a thread, or call `index_batch` oneself.

    What is new is also shown to the saved searches, and told where one of them finds it.
    """

    def __init__(self, db: Database, embedder: Embedder, *, batch: int = BATCH, poll_s: float = _POLL_S) -> None:
        self._db = db
        self._saved = SavedSearches(embedder)
        self._embedder = embedder
        self._batch = batch
        self._poll_s = poll_s
        self._reader = load_reader()
        self._done_to = 0
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._thread: threading.Thread | None = None

    def index_batch(self) -> int:
        """Embed and store one batch; how many utterances it held, 0 when nothing is due."""
        model = self._embedder.identity.sha256
        with self._one_at_a_time:
            with self._db.read() as connection:
                due = pending_utterances(connection, model, limit=self._batch, after_id=self._done_to)
                if not due and lacks_vector(connection, model, self._done_to):
                    # Another process took the vectors away to make them anew, and was killed in the middle.
                    self._done_to = 0
                    due = pending_utterances(connection, model, limit=self._batch)
            if not due:
                return 0
            repaired = [self._reader.repair(u.text) for u in due]
            texts = [embedded_text(text or u.text) for text, u in zip(repaired, due, strict=True)]
            matrix = self._embedder.embed(texts, "passage")
            found = self._saved.found_in(self._db, due, repaired, matrix)
            with self._db.write() as connection:
                add_vectors(connection, model, [u.id for u in due], matrix)
                tell_matches(connection, found, due[-1].id)
            # Ids grow with every commit of the one writer, so nothing below can appear later.
            self._done_to = due[-1].id
        return len(due)

    def start(self) -> None:
        """Start the thread; a second call changes nothing."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="vector-indexer", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Say that something new is due, instead of waiting for the next look."""
        self._wake.set()

    def flush(self, timeout: float) -> bool:
        """Wait, at most ``timeout`` seconds, until everything stored by now has a vector. False: it has not."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._thread is None:
                if not self.index_batch():
                    return True
                continue
            if not self._due():
                return True
            self.wake()
            time.sleep(0.02)
        return not self._due()

    def stop(self, timeout: float = 30.0) -> None:
        """End the thread after the batch in hand. What is still due stays due."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)
            self._thread = None

    def _due(self) -> bool:
        with self._db.read() as connection:
            return bool(pending_utterances(connection, self._embedder.identity.sha256, limit=1, after_id=self._done_to))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                found = self.index_batch()
            except LiveWitnessError as error:
                _log.error("indexing stands still, next try in %.0f s: %s", _RETRY_S, error)
                self._stopping.wait(_RETRY_S)
                continue
            if not found:
                self._wake.wait(self._poll_s)
                self._wake.clear()
