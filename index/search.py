"""Say what was claimed, land on the word: a query against everything that was said.

Candidates come from letters, sounds, concepts and vectors held in memory (index/cache.py); each is compared with
the query letter by letter, mis-heard words are repaired by sound and compared in meaning again, and one score puts
them in order. An answer says why each hit is one and how much was searched.
"""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Connection

from core.errors import NotFoundError, StorageError
from index.answer import Hit, SearchAnswer
from index.cache import IndexCache, Progress
from index.concepts import load_concepts
from index.extent import ExtentMeter
from index.hearing import embedded_text, load_reader
from index.hits import HitMaker
from index.lexicon import load_lexicon
from index.phrase import Found, PhraseSearch, Tools
from index.projection import Probe, projection_of
from index.ranking import Matcher
from index.request import Asked, SearchRequest, asked_phrases, scope_of
from index.scopes import scope_mask
from index.snapshot import load_snapshot, save_snapshot, snapshot_root
from models.embedding import Embedder, Matrix
from models.reranker import Reranker
from store.engine import Database
from store.scope import Extent, Scope
from store.streams import has_stream

__all__ = ["Hit", "SearchAnswer", "SearchRequest", "Searcher"]

SAVE_EVERY = 20_000
"""Rows and vectors read since the last snapshot that are worth a new one."""
READ_AT_ONCE = 100_000
"""Rows, and vectors, read in one transaction."""
_log = logging.getLogger(__name__)


class Searcher:
    """Searches one database with one embedder. Thread-safe; keep one for the life of a process.

    ``snapshots`` is where the cache is kept between runs, beside the database unless named. A snapshot is written
    when much was read that the last one does not hold. A ``reranker`` has the last word on the first hits.
    """

    def __init__(
        self,
        db: Database,
        embedder: Embedder,
        snapshots: Path | None = None,
        progress: Progress | None = None,
        *,
        reranker: Reranker | None = None,
    ) -> None:
        self._db = db
        self._embedder = embedder
        self._snapshots = snapshots or snapshot_root(db)
        self._saving = threading.Lock()
        concepts = load_concepts()
        matcher = Matcher(load_lexicon(), concepts)
        self._projection = projection_of(embedder)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="query-embedder")
        self._cache = self._opened()
        self._tools = Tools(self._cache, matcher, concepts, self._probe, self._embed, reranker)
        self._models = (embedder.identity, *([reranker.identity] if reranker else []))
        self._hits = HitMaker(self._embed)
        self._meter = ExtentMeter()
        self.refresh(progress)

    @property
    def cache(self) -> IndexCache:
        """What is held in memory."""
        return self._cache

    def refresh(self, progress: Progress | None = None) -> int:
        """Read what was written since; every search does so by itself. How many rows and vectors that were."""
        total = 0
        while True:
            # A snapshot of the database held for minutes would keep its log from being emptied.
            with self._db.read() as connection:
                changed = self._cache.refresh(connection, progress, most=READ_AT_ONCE)
            total += changed
            if changed < READ_AT_ONCE:
                return total

    def save(self) -> None:
        """Write a snapshot, so that the next start reads only what came after. Raises `StorageError`."""
        with self._saving:
            save_snapshot(self._cache, self._snapshots)

    def search(self, request: SearchRequest) -> SearchAnswer:
        """The best hits and how much was searched.

        Raises `BadInputError` (empty query), `UsageError` (bad range or limit), `NotFoundError` (no such stream).
        """
        phrases, text, capped = asked_phrases(request)
        scope = scope_of(request)
        with self._db.read() as connection:
            if scope.stream and not has_stream(connection, scope.stream):
                raise _no_stream(scope.stream)
            with self._cache.lock:
                hits, extent = self._search(connection, phrases, scope, request.limit)
        return SearchAnswer(text, hits, extent, capped, self._models)

    def _search(
        self, connection: Connection, phrases: Sequence[Asked], scope: Scope, limit: int
    ) -> tuple[tuple[Hit, ...], Extent]:
        self._cache.refresh(connection)
        self._save_in_time()
        rows = scope_mask(connection, self._cache, scope)
        extent = self._meter.measure(connection, self._cache, scope, rows)
        if not extent.utterances:
            return (), extent
        search = PhraseSearch(self._tools, connection, scope, rows)
        found = [search.find(asked, limit) for asked in phrases]
        return self._hits.make(connection, self._cache, _best_of(found, limit)), extent

    def _save_in_time(self) -> None:
        if self._cache.fresh > SAVE_EVERY and not self._saving.locked():
            threading.Thread(target=self.save_if_possible, name="index-snapshot", daemon=True).start()

    def save_if_possible(self) -> None:
        """Write a snapshot; where that fails say so in the log, and try again after as much again was read."""
        try:
            self.save()
        except StorageError as error:
            self._cache.fresh = 0
            _log.warning("no snapshot: %s", error)

    def _embed(self, texts: Sequence[str]) -> "Future[Matrix]":
        return self._pool.submit(self._embedder.embed, [embedded_text(text) for text in texts], "query")

    def _probe(self, text: str) -> "Future[Probe]":
        return self._pool.submit(
            lambda: self._projection.probe(self._embedder.embed([embedded_text(text)], "query")[0])
        )

    def _opened(self) -> IndexCache:
        reader = load_reader()
        identity, dim = self._embedder.identity, self._embedder.dim
        saved = load_snapshot(self._snapshots, self._db, identity, dim, reader)
        return saved or IndexCache(identity, dim, reader)


def _best_of(found: Sequence[Found], limit: int) -> list[tuple[Found, int]]:
    """Of several phrases the best ``limit`` answers: each row once, for the phrase that it answers best."""
    best: dict[int, tuple[float, Found, int]] = {}
    for one in found:
        for place, ranked in enumerate(one.ranked):
            if ranked.row not in best or ranked.score > best[ranked.row][0]:
                best[ranked.row] = (ranked.score, one, place)
    chosen = sorted(best.values(), key=lambda entry: (-entry[0], entry[1].ranked[entry[2]].id))[:limit]
    return [(one, place) for _, one, place in chosen]


def _no_stream(name: str) -> NotFoundError:
    return NotFoundError("search_stream", f"没有名为 {name} 的直播。", f"There is no stream called {name}.")
