"""Opens a searcher in a thread of its own: a service answers meanwhile, and who searches too early is told how far."""

import logging
import threading
from typing import ClassVar

from core.errors import LiveWitnessError
from index.answer import SearchAnswer
from index.request import SearchRequest
from index.search import SAVE_EVERY, Searcher
from models.embedding import Embedder
from models.reranker import Reranker
from store.engine import Database

PATIENCE_S = 2.0
"""How long a search waits for the index; with a snapshot a million utterances take less."""
_MOST = 99
_log = logging.getLogger(__name__)


class LoadingError(LiveWitnessError):
    """The index is not in memory yet; the same search will be answered later."""

    http_status: ClassVar[int] = 503


class OpeningSearcher:
    """A `Searcher` from the moment it is open; before, `search` raises `LoadingError`. Thread-safe."""

    def __init__(
        self, db: Database, embedder: Embedder, *, reranker: Reranker | None = None, patience_s: float = PATIENCE_S
    ) -> None:
        self._db = db
        self._patience_s = patience_s
        self._read = 0
        self._wanted = 0
        self._searcher: Searcher | None = None
        self._failed: LiveWitnessError | None = None
        self._ended = threading.Event()
        arguments = (embedder, reranker)
        threading.Thread(target=self._open, args=arguments, name="index-opening", daemon=True).start()

    @property
    def percent(self) -> int:
        """How much of the index is in memory, 0 to 100."""
        if self._searcher is not None:
            return 100
        return min(_MOST, 100 * self._read // self._wanted) if self._wanted else 0

    def wait(self, seconds: float) -> bool:
        """Wait until the index is open or could not be opened; False: neither yet."""
        return self._ended.wait(seconds)

    def search(self, request: SearchRequest) -> SearchAnswer:
        """As `Searcher.search`. Raises `LoadingError` while the index is read, or what kept it from being opened."""
        self._ended.wait(self._patience_s)
        if self._failed is not None:
            raise self._failed
        if self._searcher is None:
            raise LoadingError(
                "index_loading",
                f"检索索引正在载入（{self.percent}%），请稍后再试。",
                f"The search index is loading ({self.percent} %); try again in a while.",
            )
        return self._searcher.search(request)

    def _open(self, embedder: Embedder, reranker: Reranker | None) -> None:
        try:
            with self._db.read() as connection:
                sizes = "SELECT (SELECT count(*) FROM utterances) + (SELECT count(*) FROM vectors)"
                self._wanted = int(connection.exec_driver_sql(sizes).scalar_one())
            searcher = Searcher(self._db, embedder, progress=self._count, reranker=reranker)
            self._searcher = searcher
        except LiveWitnessError as error:
            self._failed = error
            return
        except Exception:  # noqa: BLE001 - whoever searches is told, not left waiting
            _log.exception("the search index could not be opened")
            self._failed = LiveWitnessError(
                "index_failed", "检索索引打不开，详见日志。", "The search index could not be opened; see the log."
            )
            return
        finally:
            self._ended.set()
        if searcher.cache.fresh > SAVE_EVERY:
            searcher.save_if_possible()

    def _count(self, more: int) -> None:
        self._read += more
