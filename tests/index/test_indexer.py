"""Vectors follow the utterances: once each, over restarts and kill -9, also from other processes."""

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import ModelError
from core.records import ModelIdentity
from index.cache import IndexCache
from index.hearing import load_reader
from index.indexer import VectorIndexer
from index.ingest import add_to_index
from models.embedding import Embedder, EmbeddingKind, Matrix
from store.engine import Database
from store.utterances import get_utterances
from store.vectors import awaiting_vectors, count_vectors, drop_vectors

ROOT = Path(__file__).parents[2]


class Counting:
    """An embedder that remembers what it was given, in front of the real one."""

    def __init__(self, inner: Embedder, identity: ModelIdentity | None = None) -> None:
        self.inner = inner
        self.identity = identity or inner.identity
        self.dim = inner.dim
        self.seen: list[str] = []

    def embed(self, texts: Sequence[str], kind: EmbeddingKind = "passage") -> Matrix:
        self.seen += texts
        return self.inner.embed(texts, kind)

    def close(self) -> None:
        """The real one belongs to the fixture."""


def stored(database: Database, identity: ModelIdentity) -> int:
    with database.read() as connection:
        return count_vectors(connection, identity.sha256)


def test_vectors_that_another_process_took_away_are_made_again(archive: Any, embedder: Embedder) -> None:
    archive.say(["三天祛斑", "全网最低价"], vectors=False)
    indexer = VectorIndexer(archive.database, embedder)
    assert indexer.flush(30)
    with archive.database.write() as connection:
        drop_vectors(connection, embedder.identity.sha256)
    assert (indexer.index_batch(), indexer.index_batch()) == (2, 0)
    assert stored(archive.database, embedder.identity) == 2


def test_a_restart_goes_on_and_embeds_nothing_twice(archive: Any, embedder: Embedder) -> None:
    archive.say(["三天祛斑", "全网最低价"], vectors=False)
    first = Counting(embedder)
    assert VectorIndexer(archive.database, first).flush(30)
    archive.say(["三天祛斑", "全网最低价", "假一赔十"][2:], stream="t", vectors=False)
    second = Counting(embedder)
    assert VectorIndexer(archive.database, second).flush(30)
    assert first.seen == ["三天祛斑", "全网最低价"]
    assert second.seen == ["假一赔十"]


def test_the_thread_indexes_what_is_said_while_it_runs(archive: Any, embedder: Embedder) -> None:
    indexer = VectorIndexer(archive.database, embedder, poll_s=0.05)
    indexer.start()
    indexer.start()
    try:
        for number in range(3):
            archive.say([f"第{number}句话"], stream=f"s{number}", vectors=False)
        assert indexer.flush(30)
        assert stored(archive.database, embedder.identity) == 3
    finally:
        indexer.stop()


def test_flush_says_when_time_was_too_short(archive: Any, embedder: Embedder) -> None:
    archive.say(["三天祛斑"], vectors=False)
    assert not VectorIndexer(archive.database, embedder).flush(0)


def test_text_without_anything_to_embed_is_done_all_the_same(archive: Any, embedder: Embedder) -> None:
    archive.say(["\u200b", "三天祛斑"])
    assert stored(archive.database, embedder.identity) == 2


def test_an_embedder_that_fails_leaves_the_work_due(
    archive: Any, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Counting):
        def embed(self, texts: Sequence[str], kind: EmbeddingKind = "passage") -> Matrix:
            if not self.seen:
                self.seen += texts
                raise ModelError("model_test", "坏了。", "Broken.")
            return super().embed(texts, kind)

    monkeypatch.setattr("index.indexer._RETRY_S", 0.05)
    archive.say(["三天祛斑"], vectors=False)
    indexer = VectorIndexer(archive.database, Failing(embedder), poll_s=0.05)
    indexer.start()
    try:
        assert indexer.flush(30)
    finally:
        indexer.stop()


def test_a_flood_waits_in_the_database_and_is_seen_to(archive: Any, embedder: Embedder) -> None:
    """However much is said, one batch at a time is in memory; storing never waits, and the queue can be read."""
    first, longest = threading.Event(), 0

    class Slow(Counting):
        def embed(self, texts: Sequence[str], kind: EmbeddingKind = "passage") -> Matrix:
            nonlocal longest
            longest = max(longest, len(texts))
            first.wait(30)
            return super().embed(texts, kind)

    indexer = VectorIndexer(archive.database, Slow(embedder), batch=8, poll_s=0.05)
    indexer.start()
    try:
        archive.say([f"第{number}句话" for number in range(100)], vectors=False)
        with archive.database.read() as connection:
            waiting = awaiting_vectors(connection, embedder.identity.sha256)
        assert waiting.utterances == 100
        assert waiting.since is not None
        first.set()
        assert indexer.flush(30)
    finally:
        first.set()
        indexer.stop()
    assert longest <= 8
    with archive.database.read() as connection:
        assert awaiting_vectors(connection, embedder.identity.sha256).utterances == 0


def test_models_are_never_mixed(archive: Any, embedder: Embedder) -> None:
    archive.say(["三天祛斑", "全网最低价"])
    other = Counting(embedder, ModelIdentity("other", "00" * 32))
    cache = IndexCache(other.identity, other.dim, load_reader())
    with archive.database.read() as connection:
        assert cache.refresh(connection) == 2
    assert (len(cache), len(cache.vectors)) == (2, 0)
    assert VectorIndexer(archive.database, other).flush(30)
    assert stored(archive.database, embedder.identity) == stored(archive.database, other.identity) == 2


def test_an_utterance_needs_its_id(archive: Any) -> None:
    ids = archive.say(["三天祛斑"], vectors=False)
    with archive.database.read() as connection:
        utterance = get_utterances(connection, ids)[ids[0]]
    with archive.database.write() as connection, pytest.raises(ValueError, match="no id"):
        add_to_index(connection, replace(utterance, id=0))


def test_kill_9_in_the_middle_loses_nothing(archive: Any, embedder: Embedder) -> None:
    sentences = [f"第{i}号链接三天见效今天只要{i}元" for i in range(80)]
    archive.say(sentences, vectors=False)
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from index.indexer import VectorIndexer
        from models.embedding import load_embedder
        from store.engine import open_database
        indexer = VectorIndexer(open_database(Path(sys.argv[1])), load_embedder(), batch=4)
        while indexer.index_batch():
            print("batch", flush=True)
        """
    )
    command = [sys.executable, "-c", script, str(archive.database.path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for _ in range(3):
            child.stdout.readline()
        time.sleep(0.05)
        child.kill()
    before = stored(archive.database, embedder.identity)
    assert 12 <= before < 80
    rest = Counting(embedder)
    assert VectorIndexer(archive.database, rest).flush(60)
    assert stored(archive.database, embedder.identity) == 80
    assert len(rest.seen) == 80 - before
