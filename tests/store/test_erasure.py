"""Deleted text leaves the files of the database; each of the measures against its staying is needed."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ConflictError
from core.records import ModelIdentity, Stream, Utterance
from index.ingest import add_to_index
from store import erasure, streams, utterances
from store.engine import Database, open_database
from store.vectors import forget_utterances
from tests.alerting import BEGUN

WORDS = "魑魅魍魉的面霜三天见效"


@pytest.fixture
def db(tmp_path: Path):
    made = open_database(tmp_path / "livewitness.db")
    yield made
    made.close()


def say(db: Database, number: int, text: str) -> int:
    said = Utterance("s", 1, number * 1_000, number * 1_000 + 900, text, (), ModelIdentity("m", "0"), BEGUN)
    with db.write() as connection:
        streams.open_stream(connection, Stream("s", "x"))
        key = utterances.add_utterance(connection, said)
        assert key is not None
        add_to_index(connection, replace(said, id=key))
    return key


def say_and_forget(db: Database) -> None:
    """The words among others, stored in the file itself, then deleted."""
    for number in range(20):
        say(db, number, "这是纯棉的床单" + "包邮到家" * number)
    key = say(db, 20, WORDS)
    for number in range(21, 40):
        say(db, number, "这是纯棉的床单" + "包邮到家" * number)
    db.empty_wal()
    with db.write() as connection:
        forget_utterances(connection, [key])


def remains(db: Database) -> set[str]:
    """Which of the words can still be read, and in which file."""
    files = [path for path in db.path.parent.iterdir() if path.name.startswith(db.path.name)]
    return {path.name for path in files for word in ("魅", WORDS) if word.encode() in path.read_bytes()}


def test_erased_text_is_in_no_file(db: Database) -> None:
    say_and_forget(db)
    assert remains(db), "deleting alone does not do it, or this test could not fail"
    erasure.erase_remains(db)
    assert remains(db) == set()
    with db.read() as connection:
        assert len(utterances.utterances_after(connection, 0, 100)) == 39
        found = connection.exec_driver_sql("SELECT count(*) FROM postings WHERE postings MATCH '\"棉\"'").scalar_one()
        assert found == 39


def test_without_the_merge_full_text_keeps_it(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    say_and_forget(db)
    monkeypatch.setattr(erasure, "_merge", lambda _: False)
    erasure.erase_remains(db)
    assert remains(db)


def test_a_reader_of_an_old_state_is_waited_for_then_named(db: Database) -> None:
    say_and_forget(db)
    with db.read() as old:
        assert old.exec_driver_sql("SELECT count(*) FROM streams").scalar_one() == 1
        with db.write() as connection:
            streams.open_stream(connection, Stream("t", "x"))
        with pytest.raises(ConflictError, match="erasure_waits"):
            erasure.erase_remains(db, patience_s=0.5)
        say(db, 60, "照样写得进去")
    erasure.erase_remains(db)
    assert remains(db) == set()


def test_a_file_written_anew_has_no_free_page(db: Database) -> None:
    say_and_forget(db)
    erasure.erase_remains(db)
    db.vacuum()
    with db.read() as connection:
        assert connection.exec_driver_sql("PRAGMA freelist_count").scalar_one() == 0
