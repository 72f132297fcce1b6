"""A backup taken while somebody writes restores to a data directory that verifies."""

import stat
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.errors import BadInputError, LiveWitnessError, StorageError
from core.records import TimelineEvent, TimelineKind
from evidence.keys import Keyring
from livewitness.cli import cli
from store import streams, timeline
from store.engine import open_database
from tests.timecode import MOMENT, plain_epoch, record_epoch, write_media

pytestmark = pytest.mark.slow


def run(*words: object) -> None:
    result = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    db = open_database(folder / "livewitness.db")
    record_epoch(db, folder, write_media(tmp_path_factory.mktemp("media") / "a.mp4", 8), plain_epoch("s"))
    Keyring(folder / "keys").signing_key()
    db.close()
    return folder


def test_what_is_backed_up_comes_back(data: Path, tmp_path: Path) -> None:
    stop, written = threading.Event(), threading.Event()

    def write() -> None:
        db = open_database(data / "livewitness.db")
        while not stop.is_set():
            with db.write() as connection:
                timeline.add_event(connection, TimelineEvent("s", 0, TimelineKind.NOTE, "x" * 1000, MOMENT))
            written.set()
        db.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(30)
    try:
        run("backup", tmp_path / "kept", "--data", data)
    finally:
        stop.set()
        writer.join()
    run("restore", tmp_path / "kept", "--data", tmp_path / "again")
    again = open_database(tmp_path / "again" / "livewitness.db")
    with again.read() as connection:
        assert [s.name for s in streams.list_streams(connection)] == ["s"]
        assert timeline.list_events(connection, "s")
    again.close()
    for key in (tmp_path / "again" / "keys").iterdir():
        assert stat.S_IMODE(key.stat().st_mode) == stat.S_IMODE((data / "keys" / key.name).stat().st_mode)
    (first,) = (data / "streams").iterdir()
    copied = tmp_path / "again" / "streams" / first.name
    assert {p.name: p.read_bytes() for p in first.rglob("*.ts")} == {
        p.name: p.read_bytes() for p in copied.rglob("*.ts")
    }


def test_a_second_backup_copies_what_is_new(data: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "kept", "--data", data)
    before = {p: p.stat().st_ino for p in (tmp_path / "kept").rglob("*.ts")}
    run("backup", tmp_path / "kept", "--data", data)
    assert {p: p.stat().st_ino for p in before} == before


def refused(*words: object) -> LiveWitnessError:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert isinstance(result.exception, LiveWitnessError), result.output
    return result.exception


def test_what_cannot_be_restored_is_said(data: Path, tmp_path: Path) -> None:
    assert refused("backup", data / "inside", "--data", data).code == "backup_inside"
    assert refused("restore", tmp_path / "nothing", "--data", tmp_path / "x").code == "backup_missing"
    run("backup", tmp_path / "kept", "--data", data)
    assert refused("restore", tmp_path / "kept", "--data", data).code == "restore_target"
    next((tmp_path / "kept").rglob("*.ts")).unlink()
    told = refused("restore", tmp_path / "kept", "--data", tmp_path / "holes")
    assert (told.code, type(told)) == ("restore_incomplete", StorageError)
    (tmp_path / "kept" / "livewitness.db").write_bytes(b"SQLite format 3\0" + b"\1" * 5000)
    told = refused("restore", tmp_path / "kept", "--data", tmp_path / "broken")
    assert (told.code, type(told)) == ("backup_damaged", BadInputError)
    assert not (tmp_path / "broken").exists()
