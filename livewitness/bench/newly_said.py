"""What is newly said over a large archive: how long its transaction takes, which alerts wait for; when it is found.

Measured twice: alone, and while several people search without a pause in the same process, as in the service.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from core.clock import plus_ms
from core.records import Epoch, ModelIdentity, Stream, Utterance
from index.indexer import VectorIndexer
from index.ingest import add_to_index
from index.maintenance import forget_speech
from index.search import Searcher, SearchRequest
from livewitness.bench.archive import BEGIN, questions
from livewitness.bench.timing import Measured, cpu_ms, once
from models.embedding import Embedder
from store.engine import Database
from store.recordings import put_epoch
from store.scope import Scope
from store.streams import open_stream
from store.utterances import add_utterance

SAID = 24
SEARCHERS = 2
_SAID_EVERY_S = 0.25
_PATIENCE_S = 10.0
_STREAM = "search-scale-new"
_EVERY_MS = 5_000


def newly_said(database: Database, embedder: Embedder, searcher: Searcher, said: int = SAID) -> dict[str, Measured]:
    """Of ``said`` utterances the ms from the start of the transaction to its end, and until it is found by meaning."""
    indexer = VectorIndexer(database, embedder)
    indexer.start()
    begun = plus_ms(BEGIN, 0)
    with database.write() as connection:
        open_stream(connection, Stream(_STREAM, "bench", created_at=begun))
        put_epoch(connection, Epoch(_STREAM, 0, 0, begun, "bench"))
    times = _said(database, searcher, range(said), "")
    with _searching(searcher):
        times |= _said(database, searcher, range(said, 2 * said), f", {SEARCHERS} searching meanwhile")
    indexer.stop()

    def delete(stream: str) -> None:
        with database.write() as connection:
            forget_speech(connection, Scope(stream))
        searcher.refresh()

    return times | {f"{2 * said} utterances deleted": once([_STREAM], delete)}


@contextmanager
def _searching(searcher: Searcher) -> Iterator[None]:
    """People who ask one question after another of the whole archive."""
    ended = threading.Event()

    def ask(seed: int) -> None:
        for query in questions(2_000, seed=seed):
            if ended.is_set():
                return
            searcher.search(SearchRequest(query))

    threads = [threading.Thread(target=ask, args=(10 + n,), daemon=True) for n in range(SEARCHERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _said(database: Database, searcher: Searcher, numbers: Sequence[int], when: str) -> dict[str, Measured]:
    stored: list[float] = []
    found: list[float] = []
    before = cpu_ms()
    for number, text in zip(numbers, questions(len(numbers), seed=2), strict=True):
        started = time.perf_counter()
        identifier = _say(database, text, number)
        stored.append((time.perf_counter() - started) * 1000)
        while time.perf_counter() < started + _PATIENCE_S and not _has_vector(searcher, identifier):
            time.sleep(0.005)
        found.append((time.perf_counter() - started) * 1000)
        time.sleep(max(0.0, started + _SAID_EVERY_S - time.perf_counter()))
    cpu = (cpu_ms() - before) / len(numbers)
    return {f"said until stored{when}": (stored, cpu), f"said until found by meaning{when}": (found, cpu)}


def _say(database: Database, text: str, number: int) -> int:
    start = number * _EVERY_MS
    said = Utterance(_STREAM, 0, start, start + _EVERY_MS, text, (), ModelIdentity("bench", ""), plus_ms(BEGIN, start))
    with database.write() as connection:
        identifier = add_utterance(connection, said) or 0
        add_to_index(connection, replace(said, id=identifier))
    return identifier


def _has_vector(searcher: Searcher, identifier: int) -> bool:
    searcher.refresh()
    rows = searcher.cache.rows_of(np.array([identifier], dtype=np.int64))
    return bool(len(rows)) and bool(searcher.cache.place.values[rows[0]] >= 0)
