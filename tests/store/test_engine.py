"""The database opens at the newest schema, keeps one writer, and says clearly when it cannot be used."""

import multiprocessing
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from core.errors import StorageError
from core.records import Stream
from store import engine, streams
from store.engine import LIVE_CACHE_KIB, SEARCH_CACHE_KIB, Database, open_database
from store.tables import metadata


@pytest.fixture
def database(tmp_path: Path):
    db = open_database(tmp_path / "data" / "livewitness.db")
    yield db
    db.close()


def test_migrations_and_tables_agree(database: Database) -> None:
    with database.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    own = [d for d in differences if "postings" not in str(d)]
    assert own == []


def test_pragmas_that_keep_data(database: Database) -> None:
    with database.read() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_every_connection_keeps_as_many_pages_as_asked(tmp_path: Path) -> None:
    for asked in ({}, {"cache_kib": SEARCH_CACHE_KIB}):
        opened = open_database(tmp_path / "livewitness.db", **asked)
        with opened.read() as first, opened.read() as second:
            kept = {connection.execute(text("PRAGMA cache_size")).scalar() for connection in (first, second)}
        assert kept == {-asked.get("cache_kib", LIVE_CACHE_KIB)}
        opened.close()


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        streams.open_stream(connection, Stream(name="s", source="x"))
        raise RuntimeError
    with database.read() as connection:
        assert streams.get_stream(connection, "s") is None


def _write_streams(path: Path, prefix: str, count: int) -> None:
    db = open_database(path)
    for number in range(count):
        with db.write() as connection:
            streams.open_stream(connection, Stream(name=f"{prefix}{number:03d}", source="x"))
    db.close()


def test_two_processes_write_without_losing_a_row(tmp_path: Path) -> None:
    path = tmp_path / "livewitness.db"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write_streams, args=(path, prefix, 40)) for prefix in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [w.exitcode for w in writers] == [0, 0]
    db = open_database(path)
    with db.read() as connection:
        assert len(streams.list_streams(connection)) == 80
    db.close()


def test_kill_nine_keeps_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "livewitness.db"
    spawn = multiprocessing.get_context("spawn")
    writer = spawn.Process(target=_write_streams, args=(path, "s", 100_000))
    writer.start()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not _names(path):
        time.sleep(0.05)
    before = _names(path)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    after = _names(path)
    assert before
    assert after[: len(before)] == before
    assert after == [f"s{n:03d}" for n in range(len(after))]


def _names(path: Path) -> list[str]:
    db = open_database(path)
    with db.read() as connection:
        names = [s.name for s in streams.list_streams(connection, limit=100_000)]
    db.close()
    return sorted(names, key=lambda name: int(name[1:]))


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "livewitness.db"
    path.write_text("这不是数据库" * 1000)
    with pytest.raises(StorageError) as caught:
        open_database(path)
    assert caught.value.code == "store_damaged"
    assert path.read_text().startswith("这不是数据库")


def test_a_database_of_a_newer_version_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "livewitness.db"
    open_database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError) as caught:
        open_database(path)
    assert caught.value.code == "store_newer"
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        open_database(tmp_path / "file" / "livewitness.db")
    assert caught.value.code == "store_folder"


def test_a_database_that_is_locked_for_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_BUSY_MS", 50)
    db = open_database(tmp_path / "livewitness.db")
    other = sqlite3.connect(db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError) as caught, db.write() as connection:
        streams.open_stream(connection, Stream(name="s", source="x"))
    assert caught.value.code == "store_busy"
    assert caught.value.http_status == 503
    other.execute("ROLLBACK")
    with db.write() as connection:
        streams.open_stream(connection, Stream(name="s", source="x"))
    db.close()


def test_a_defect_of_ours_is_no_trouble_of_the_disk(database: Database) -> None:
    with pytest.raises(OperationalError), database.read() as connection:
        connection.execute(text("SELECT * FROM nowhere"))


def test_more_readers_than_connections_are_told_that_it_is_busy(tmp_path: Path) -> None:
    made = create_engine(f"sqlite:///{tmp_path / 'x.db'}", pool_size=1, max_overflow=0, pool_timeout=0.05)
    db = Database(made, tmp_path / "x.db")
    with db.read(), pytest.raises(StorageError) as caught, db.read():
        pass
    assert caught.value.code == "store_busy"
    db.close()
