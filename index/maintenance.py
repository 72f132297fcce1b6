"""Counting, checking and rebuilding the index. The utterances are the truth; all else can be made again."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from core.records import ModelIdentity
from index.grams import index_text
from index.hearing import Reader, load_reader
from index.indexer import VectorIndexer
from index.search import Searcher
from index.snapshot import damaged_files, folder_name, snapshot_root
from models.embedding import Embedder
from store.engine import Database
from store.postings import add_postings, check_postings, count_postings, drop_orphans
from store.readings import count_readings, put_reading
from store.scope import Scope, scope_ids
from store.utterances import utterances_after
from store.vectors import (
    count_misshapen,
    count_vectors,
    drop_misshapen,
    drop_vectors,
    forget_utterances,
    vector_models,
)

Step = Callable[[str, int, int], None]
"""Told of progress: the step (words, vectors, snapshot), how much of it is done, out of how much."""
BLOCK = 500


@dataclass(frozen=True, slots=True)
class IndexStats:
    """How much is indexed. ``models``: vectors by the sha256 of the model that made them."""

    utterances: int
    postings: int
    readings: int
    vectors: int
    models: dict[str, int]
    snapshot_bytes: int


@dataclass(frozen=True, slots=True)
class IndexHealth:
    """What `verify_index` found. Vectors that are still due are no fault: they follow by themselves."""

    due: int
    missing_postings: int
    orphaned_postings: int
    full_text_sound: bool
    misshapen_vectors: int
    stale_readings: int
    damaged_files: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing needs a rebuild."""
        faults = self.missing_postings + self.orphaned_postings + self.misshapen_vectors + self.stale_readings
        return not faults and self.full_text_sound and not self.damaged_files


def index_stats(database: Database, identity: ModelIdentity, reader: Reader | None = None) -> IndexStats:
    """Count what is indexed for one model."""
    folder = snapshot_root(database) / folder_name(identity)
    with database.read() as connection:
        return IndexStats(
            utterances=_utterances(connection),
            postings=count_postings(connection),
            readings=count_readings(connection, (reader or load_reader()).version),
            vectors=count_vectors(connection, identity.sha256),
            models=vector_models(connection),
            snapshot_bytes=sum(file.stat().st_size for file in folder.glob("*")) if folder.is_dir() else 0,
        )


def verify_index(database: Database, identity: ModelIdentity, dim: int) -> IndexHealth:
    """Compare words, vectors and snapshot with the utterances; reads everything once."""
    folder = snapshot_root(database) / folder_name(identity)
    with database.write() as connection:
        words = check_postings(connection)
        total = _utterances(connection)
        return IndexHealth(
            due=total - count_vectors(connection, identity.sha256),
            missing_postings=words.missing,
            orphaned_postings=words.orphans,
            full_text_sound=words.sound,
            misshapen_vectors=count_misshapen(connection, identity.sha256, dim),
            stale_readings=total - count_readings(connection, load_reader().version),
            damaged_files=tuple(damaged_files(folder)) if folder.is_dir() else (),
        )


def rebuild_index(database: Database, embedder: Embedder, step: Step, *, embed_again: bool = False) -> None:
    """Make words, readings and the snapshot anew, and the vectors that are missing (all of them: ``embed_again``).

    Works in small transactions and may be killed and begun again at any point; searching goes on meanwhile.
    """
    shutil.rmtree(snapshot_root(database) / folder_name(embedder.identity), ignore_errors=True)
    _rebuild_words(database, step)
    _rebuild_vectors(database, embedder, step, embed_again)
    searcher = Searcher(database, embedder)
    step("snapshot", 0, 1)
    searcher.save()
    step("snapshot", 1, 1)


def forget_speech(connection: Connection, scope: Scope) -> int:
    """Delete what was said in ``scope`` with its postings, readings and vectors; how many utterances those were.

    Utterances that only reach into the scope go too. All within the caller's transaction: it is gone as a whole or
    not at all. The caches of this and every other process drop it with their next search or `Searcher.refresh`,
    snapshots when they are next saved. Raises ``ValueError`` for a scope that is the whole archive.
    """
    if scope.everything:
        raise ValueError("a part of the archive has to be named")
    ids = scope_ids(connection, scope)
    forget_utterances(connection, ids)
    return len(ids)


def _rebuild_words(database: Database, step: Step) -> None:
    reader, after, done = load_reader(), 0, 0
    with database.write() as connection:
        drop_orphans(connection)
        total = _utterances(connection)
    while True:
        with database.write() as connection:
            block = utterances_after(connection, after, BLOCK)
            for said in block:
                add_postings(connection, said.id, *index_text(said.text))
                put_reading(connection, said.id, reader.version, reader.read(said.text))
        if not block:
            return
        after, done = block[-1].id, done + len(block)
        step("words", done, max(total, done))


def _rebuild_vectors(database: Database, embedder: Embedder, step: Step, embed_again: bool) -> None:
    with database.write() as connection:
        if embed_again:
            drop_vectors(connection, embedder.identity.sha256)
        drop_misshapen(connection, embedder.identity.sha256, embedder.dim)
        due = _utterances(connection) - count_vectors(connection, embedder.identity.sha256)
    indexer, done = VectorIndexer(database, embedder), 0
    while made := indexer.index_batch():
        done += made
        step("vectors", done, max(due, done))


def _utterances(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM utterances").scalar_one())
