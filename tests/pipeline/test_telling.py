"""What the outside must know reaches the outbox, whatever becomes of the database meanwhile."""

import json
import sqlite3
import time
from pathlib import Path

import pytest

from core.clock import iso, utc_now
from pipeline import telling as module
from pipeline.telling import telling
from store import engine, outbox
from store.engine import open_database


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine, "_BUSY_MS", 100)
    monkeypatch.setattr(module, "_AGAIN_S", 0.1)
    database = open_database(tmp_path / "livewitness.db")
    yield database
    database.close()


def locked(db) -> sqlite3.Connection:
    """Another process that writes for as long as it likes, as VACUUM does."""
    other = sqlite3.connect(db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def event(name: str, number: int = 0) -> dict:
    return {"event": name, "stream": "s", "number": number, "at": iso(utc_now())}


def kept(db) -> list[str]:
    with db.read() as connection:
        return [told.event for told in outbox.after(connection, 0, 2000)]


def test_an_event_is_in_the_outbox_when_it_was_told(db) -> None:
    shown: list[dict] = []
    tell = telling(db, shown.append)
    for name in ("stream.started", "segment", "gap"):
        tell(event(name))
        assert shown[-1]["event"] == name
    assert kept(db) == ["stream.started", "gap"]
    tell.close()


def test_events_wait_for_a_locked_database_and_are_told_without_another(db) -> None:
    tell = telling(db, lambda _event: None)
    other = locked(db)
    tell(event("stream.failed"))
    tell(event("stream.silent"))
    assert kept(db) == []
    other.execute("ROLLBACK")
    deadline = time.monotonic() + 10
    while kept(db) != ["stream.failed", "stream.silent"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    tell.close()


def test_whoever_tells_waits_for_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_BUSY_MS", 3_000)
    monkeypatch.setattr(module, "_PATIENCE_S", 0.2)
    db = open_database(tmp_path / "livewitness.db")
    tell = telling(db, lambda _event: None)
    other = locked(db)
    begun = time.monotonic()
    for number in range(20):
        tell(event("gap", number))
    assert time.monotonic() - begun < 2
    other.execute("ROLLBACK")
    tell.close()
    assert len(kept(db)) == 20
    db.close()


def test_what_cannot_be_written_ever_keeps_nothing_else_back(db, caplog) -> None:
    tell = telling(db, lambda _event: None)
    tell(event("gap") | {"reason": object()})
    tell(event("stream.ended"))
    tell.close()
    assert kept(db) == ["stream.ended"]
    assert "not JSON serializable" in caplog.text


def test_the_last_words_are_written_at_the_end_and_an_end_waits_for_no_lock(db) -> None:
    tell = telling(db, lambda _event: None)
    other = locked(db)
    tell(event("stream.ended", 1))
    begun = time.monotonic()
    tell.close()
    assert time.monotonic() - begun < 5
    assert kept(db) == []
    tell(event("gap"))
    other.execute("ROLLBACK")


def test_of_too_many_the_newest_are_kept(db, monkeypatch) -> None:
    monkeypatch.setattr(module, "_WAITING", 5)
    tell = telling(db, lambda _event: None)
    other = locked(db)
    for number in range(9):
        tell(event("gap", number))
    other.execute("ROLLBACK")
    tell.close()
    with db.read() as connection:
        numbers = [json.loads(told.payload)["number"] for told in outbox.after(connection, 0, 20)]
    assert numbers[-5:] == [4, 5, 6, 7, 8]
