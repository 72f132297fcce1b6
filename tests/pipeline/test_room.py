"""A full disk is noticed whatever kind it is; events wait for the outbox; rules that change in a live are on record."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import StorageError
from core.metrics import Metrics
from core.records import Stream
from evidence.segment_log import log_path, read_log
from ingest import room
from ingest.room import Room, can_write
from ingest.sources import parse_source
from pipeline.live import StreamWatch, WatchOptions
from pipeline.metering import measure
from pipeline.telling import stream_disk_freed, stream_disk_full, telling
from store import outbox
from store.engine import Database, open_database


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LOOK_EVERY_S", 0.0)


@pytest.mark.usefixtures("quick")
def test_too_little_is_noticed_and_a_little_more_is_asked_for_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [2_000]
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free[0]}))
    looked = Room(tmp_path, 800)
    assert looked.trouble() is None
    free[0] = 700
    assert isinstance(looked.trouble(), StorageError)
    free[0] = 850
    assert looked.trouble() is not None, "or recording would start and stop all the time"
    free[0] = 900
    assert looked.trouble() is None


def test_bytes_that_are_free_but_cannot_be_used_are_noticed(tmp_path: Path) -> None:
    assert can_write(tmp_path)
    assert list(tmp_path.iterdir()) == []
    script = (
        "import resource, sys; from pathlib import Path; from ingest.room import can_write\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); sys.exit(can_write(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], env=os.environ | {"PYTHONPATH": "."}, check=False)
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []
    assert not can_write(tmp_path / "nowhere")


class FullDatabase:
    """A database whose disk is full while ``full``."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.full = False

    def write(self):
        if self.full:
            raise StorageError("store_unwritable", "满", "full")
        return self._db.write()


def test_events_wait_for_the_outbox_and_none_is_lost(tmp_path: Path) -> None:
    real = open_database(tmp_path / "livewitness.db")
    db, shown = FullDatabase(real), []
    tell = telling(db, shown.append)
    error = StorageError("disk_full", "满", "full").as_dict()
    db.full = True
    tell(stream_disk_full("s", error))
    tell({"event": "gap", "stream": "s"})
    assert len(shown) == 2, "who listens is told at once"
    db.full = False
    tell(stream_disk_freed("s"))
    with real.read() as connection:
        kept = [json.loads(event.payload)["event"] for event in outbox.after(connection, 0, 10)]
    real.close()
    assert kept == ["stream.disk_full", "gap", "stream.disk_freed"]


def test_a_full_disk_is_measured() -> None:
    metrics = Metrics()
    measure(metrics, stream_disk_full("s", {"code": "disk_full"}))
    assert b'livewitness_disk_full{stream="s"} 1.0' in metrics.text()
    assert b'livewitness_warnings_total{event="stream.disk_full",stream="s"} 1.0' in metrics.text()
    measure(metrics, stream_disk_freed("s"))
    assert b'livewitness_disk_full{stream="s"} 0.0' in metrics.text()


@pytest.mark.slow
def test_rules_that_change_in_the_midst_of_a_live_are_in_the_log(parts, piece: Path) -> None:
    """What `claims.reload` does to the checker when a pack's file changes, between two segments."""
    packs = parts.checker.packs

    def emit(event: dict) -> None:
        if event["event"] == "segment" and event["sequence"] == 2:
            parts.checker.packs = [replace(packs[0], version="9.9", sha256="9" * 64), *packs[1:]]

    try:
        watch = StreamWatch(parts, Stream("s", str(piece)), parse_source(str(piece)), emit, WatchOptions())
        watch.run()
    finally:
        parts.checker.packs = packs
    leaves = read_log(log_path(parts.data_dir, "s")).leaves
    kinds = [leaf["kind"] for leaf in leaves]
    assert kinds[:6] == ["session", "segment", "segment", "change", "session", "segment"]
    (change,) = [leaf for leaf in leaves if leaf["kind"] == "change"]
    assert change["what"] == "rules"
    assert change["now"][0]["version"] == "9.9"
    assert change["before"][0]["version"] == packs[0].version
