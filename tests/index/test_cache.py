"""What is held in memory follows the database: what others write, and what is deleted."""

from typing import Any

import numpy as np
import pytest

from index.cache import IndexCache
from index.hearing import load_reader
from index.inverted import term
from index.search import Searcher, SearchRequest
from models.embedding import Embedder
from store.engine import open_database
from store.vectors import count_vectors, forget_utterances, vectors_after


@pytest.fixture
def cache(embedder: Embedder) -> IndexCache:
    return IndexCache(embedder.identity, embedder.dim, load_reader())


def test_what_another_process_writes_is_seen_once(archive: Any, cache: IndexCache, embedder: Embedder) -> None:
    ids = archive.say(["三天祛斑", "全网最低价", "假一赔十"])
    query = embedder.embed(["三天祛斑"], "query")[0]
    assert len(cache.nearest(query, 5)[0]) == 0
    other_process = open_database(archive.database.path)
    try:
        with other_process.read() as connection:
            assert cache.refresh(connection) == 3 + 3
            assert cache.refresh(connection) == 0
    finally:
        other_process.close()
    rows, scores = cache.nearest(query, 1)
    assert cache.ids.values[rows].tolist() == ids[:1]
    assert scores[0] == pytest.approx(1, abs=1e-3)
    others = cache.ids.values != ids[0]
    assert ids[0] not in cache.ids.values[cache.nearest(query, 5, others)[0]]
    assert len(cache.nearest(query, 5, np.zeros(3, dtype=bool))[0]) == 0


def test_a_row_without_a_vector_has_no_cosine(archive: Any, cache: IndexCache, embedder: Embedder) -> None:
    archive.say(["三天祛斑"], vectors=False)
    with archive.database.read() as connection:
        cache.refresh(connection)
    assert np.isnan(cache.products(embedder.embed(["斑"], "query")[0], np.array([0]))).all()


def test_what_is_deleted_is_found_no_more_in_the_database_nor_in_memory(archive: Any, embedder: Embedder) -> None:
    ids = archive.say(["三天祛斑", "用三天色斑全消", "包邮"])
    searcher = Searcher(archive.database, embedder)
    assert len(searcher.search(SearchRequest("三天祛斑")).hits) == 3
    with archive.database.write() as connection:
        forget_utterances(connection, ids[:1])
        assert count_vectors(connection, embedder.identity.sha256) == 2
        for table in ("postings", "readings"):
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            assert rows == 2
    answer = searcher.search(SearchRequest("三天祛斑"))
    assert [hit.utterance.id for hit in answer.hits] == ids[1:]
    assert answer.searched.utterances == 2
    again = Searcher(archive.database, embedder).search(SearchRequest("三天祛斑"))
    assert [hit.utterance.id for hit in again.hits] == ids[1:]


def test_a_vector_written_after_a_deletion_gets_a_number_of_its_own(archive: Any, embedder: Embedder) -> None:
    ids = archive.say(["三天祛斑", "包邮"])
    searcher = Searcher(archive.database, embedder)
    with archive.database.write() as connection:
        forget_utterances(connection, ids[1:])
    archive.say(["三天祛斑", "包邮", "假一赔十"][2:], stream="t")
    with archive.database.read() as connection:
        assert vectors_after(connection, embedder.identity.sha256, 2)[0] == 3
    assert searcher.search(SearchRequest("假一赔十")).hits[0].utterance.text == "假一赔十"


def test_neighbours_are_those_of_the_same_stream_without_a_long_silence(archive: Any, cache: IndexCache) -> None:
    archive.say(["一", "二"], stream="a")
    archive.say(["三"], stream="b")
    with archive.database.read() as connection:
        cache.refresh(connection)
    assert cache.before.values.tolist() == [-1, 0, -1]
    assert cache.after.values.tolist() == [1, -1, -1]


def test_terms_of_all_ways_lead_to_their_rows(archive: Any, cache: IndexCache) -> None:
    archive.say(["这支三天去班", "包邮"])
    with archive.database.read() as connection:
        cache.refresh(connection)
    assert cache.terms["sounds"].find(term("quǀban")).tolist() == [0]
    # 去班 is read as 祛斑.
    assert cache.terms["concepts"].find(term("色斑")).tolist() == [0]
