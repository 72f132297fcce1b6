"""What is recorded gets into the log in order, whatever is killed in between; tokens come late but visibly."""

import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import utc_now
from core.errors import ConflictError
from core.records import Gap, Stream
from evidence import live_log
from evidence.checkpoints import FOLDER, checkpoint_paths, load_checkpoint
from evidence.keys import Keyring
from evidence.leaves import Rules, Session
from evidence.live_log import LiveLog, SealOptions, clock_step_ms, stamp_pending
from evidence.merkle import root
from evidence.segment_log import LogView, log_path, read_log
from evidence.stamping import read_ca, verify_token
from store import recordings
from store.engine import Database, open_database
from tests.evidence.authority import Authority
from tests.evidence.logged import MODEL
from tests.timecode import plain_epoch, record_epoch, write_media

SESSION = Session(Stream("s", "x"), "x", "recorded", "test", MODEL, (Rules("pack", "1", "b" * 64),))
QUIET = SealOptions(3600)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_media(tmp_path_factory.mktemp("media") / "a.mp4", 12)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def db(data: Path):
    database = open_database(data / "livewitness.db")
    yield database
    database.close()


def view(data: Path) -> LogView:
    return read_log(log_path(data, "s"))


def kinds(data: Path) -> list[str]:
    return [leaf["kind"] for leaf in view(data).leaves]


def test_a_session_is_logged_in_order_and_sealed(db: Database, data: Path, media: Path) -> None:
    with LiveLog(db, data, SESSION, QUIET) as log:
        log.started()
        segments = record_epoch(db, data, media, plain_epoch("s"))
        for segment in segments:
            log.segment(segment)
        log.segment(segments[0])
        log.ended("ended")
    logged = view(data)
    assert kinds(data) == ["session", *["segment"] * len(segments), "end"]
    assert [leaf["sha256"] for leaf in logged.leaves if leaf["kind"] == "segment"] == [s.sha256 for s in segments]
    assert not any(leaf.get("late") for leaf in logged.leaves)
    last = load_checkpoint(checkpoint_paths(log_path(data, "s").parent / FOLDER)[-1])
    assert last is not None
    assert (last.checkpoint.size, last.checkpoint.root) == (len(logged.lines), root(logged.hashes).hex())
    assert Keyring(data / "keys").known()[0].verifies(last.text, last.signature)


def test_nothing_is_written_before_a_source_is_there(db: Database, data: Path) -> None:
    with LiveLog(db, data, SESSION, QUIET):
        pass
    assert not (data / "streams").exists()
    assert not (data / "keys").exists()


def test_what_the_database_lists_and_the_log_lacks_is_appended_late(db: Database, data: Path, media: Path) -> None:
    with LiveLog(db, data, SESSION, QUIET) as log:
        log.started()
        segments = record_epoch(db, data, media, plain_epoch("s"))
        for segment in segments[:3]:
            log.segment(segment)
    gap = Gap("s", 1, segments[-1].end_ms, segments[-1].end_ms + 500, "source_silent", utc_now(), utc_now())
    with db.write() as connection:
        recordings.add_gap(connection, gap)
    before = view(data).lines
    with LiveLog(db, data, SESSION, QUIET) as log:
        log.started()
        log.gap(gap)
    after = view(data)
    assert after.lines[: len(before)] == before
    late = [leaf["sequence"] for leaf in after.leaves if leaf.get("late")]
    assert late == [s.sequence for s in segments[3:]]
    assert all(leaf["how"] == "recorded" for leaf in after.leaves if leaf["kind"] == "segment")
    assert kinds(data).count("gap") == 1


def test_recordings_older_than_their_log_count_as_received(db: Database, data: Path, media: Path) -> None:
    segments = record_epoch(db, data, media, plain_epoch("s"))
    with LiveLog(db, data, SESSION, QUIET) as log:
        log.started()
    assert kinds(data) == ["session", *["segment"] * len(segments), "end"]
    taken = [leaf for leaf in view(data).leaves if leaf["kind"] == "segment"]
    assert {(leaf["how"], leaf["late"]) for leaf in taken} == {("received", True)}
    assert all(leaf["time"] == leaf["logged"] for leaf in taken)


def test_a_number_never_used_is_said_to_be_skipped(db: Database, data: Path, media: Path) -> None:
    with LiveLog(db, data, SESSION, QUIET) as log:
        log.started()
        segments = record_epoch(db, data, media, plain_epoch("s"))
        log.segment(segments[0])
        log.segment(replace(segments[1], sequence=segments[0].sequence + 4))
    skip = next(leaf for leaf in view(data).leaves if leaf["kind"] == "skip")
    assert (skip["first"], skip["last"]) == (segments[0].sequence + 1, segments[0].sequence + 3)


def test_another_model_or_rule_pack_is_on_record(db: Database, data: Path) -> None:
    for rules in ((Rules("pack", "1", "b" * 64),), (Rules("pack", "2", "c" * 64),)):
        with LiveLog(db, data, replace(SESSION, rules=rules), QUIET) as log:
            log.started()
    assert kinds(data) == ["session", "end", "change", "session", "end"]
    change = view(data).leaves[2]
    assert (change["what"], change["before"][0]["version"], change["now"][0]["version"]) == ("rules", "1", "2")


def test_a_clock_that_was_set_is_on_record(
    db: Database, data: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LiveLog(db, data, SESSION, QUIET) as log:
        log.started()
        segments = record_epoch(db, data, media, plain_epoch("s"))
        log.segment(segments[0])
        monkeypatch.setattr(live_log, "utc_now", lambda: utc_now() - timedelta(minutes=10))
        log.segment(segments[1])
    (step,) = [leaf["step_ms"] for leaf in view(data).leaves if leaf["kind"] == "clock"]
    assert abs(step + 600_000) < 1_000


def test_clock_steps_are_wall_time_minus_time_passed() -> None:
    now = utc_now()
    assert clock_step_ms((now, 5.0), (now + timedelta(seconds=60), 65.0)) == 0
    assert clock_step_ms((now, 5.0), (now + timedelta(seconds=90), 65.0)) == 30_000


def test_a_log_that_was_rewritten_stops_the_recording(db: Database, data: Path) -> None:
    with LiveLog(db, data, SESSION, QUIET) as log:
        log.started()
    path = log_path(data, "s")
    path.write_bytes(path.read_bytes().replace(b'"test"', b'"best"', 1).replace(b'"index":0', b'"index":7', 1))
    with pytest.raises(ConflictError), LiveLog(db, data, SESSION, QUIET) as log:
        log.started()


def test_checkpoints_come_by_themselves(db: Database, data: Path, media: Path) -> None:
    with LiveLog(db, data, SESSION, SealOptions(0.2)) as log:
        log.started()
        for segment in record_epoch(db, data, media, plain_epoch("s"))[:3]:
            log.segment(segment)
            time.sleep(0.5)
        sizes = [int(path.stem) for path in checkpoint_paths(log_path(data, "s").parent / FOLDER)]
    assert sizes[-3:] == [2, 3, 4]


def test_tokens_that_failed_are_fetched_later_and_show_how_late(
    db: Database, data: Path, media: Path, tmp_path: Path
) -> None:
    with Authority(tmp_path / "tsa", answering=False) as authority:
        with LiveLog(db, data, SESSION, SealOptions(3600, authority.url)) as log:
            log.started()
            for segment in record_epoch(db, data, media, plain_epoch("s"))[:2]:
                log.segment(segment)
                log.seal()
        folder = log_path(data, "s").parent / FOLDER
        assert len(checkpoint_paths(folder)) >= 3
        assert not list(folder.glob("*.tsr"))
        time.sleep(1.1)
        authority.answering = True
        assert stamp_pending(folder, authority.url) == 0
        roots = read_ca(authority.ca)
    for path in checkpoint_paths(folder):
        stored = load_checkpoint(path)
        assert stored is not None
        assert stored.token is not None
        stamp = verify_token(stored.token, stored.text, roots)
        assert stamp.time is not None
        assert stamp.time > stored.checkpoint.time


def test_one_size_has_one_checkpoint_whoever_makes_it(db: Database, data: Path) -> None:
    with LiveLog(db, data, SESSION, QUIET) as log:
        log.started()
    folder = log_path(data, "s").parent
    hashes = [*view(data).hashes, b"\1" * 32]
    made: list[Path | None] = []
    threads = [
        threading.Thread(
            target=lambda: made.append(live_log.make_checkpoint(data, folder, hashes, Keyring(data / "keys")))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(path is not None for path in made) == 1
    stored = load_checkpoint(checkpoint_paths(folder / FOLDER)[-1])
    assert stored is not None
    assert Keyring(data / "keys").known()[0].verifies(stored.text, stored.signature)
