"""The queue of backfills: one after the other, given up when asked, gone on with after a restart."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from api.errors import BusyError
from core.errors import BadInputError, NotFoundError
from core.settings import Settings
from core.shapes import Json
from evidence.audit import read_audit
from livewitness.backfilling import MOST_WAITING, BackfillQueue
from pipeline.backfill import Task, Work
from store.engine import Database, open_database


def quick_work(settings: Settings, shop: str, product: str) -> Work:
    """What a worker does here: trouble or waiting for some files, nothing for the others."""

    def work(task: Task, emit: Callable[[Json], None]) -> None:
        emit({"event": "utterance", "end": 1.5})
        emit({"event": "alert", "status": "confirmed"})
        content = task.path.read_text()
        if content.startswith("bad"):
            raise BadInputError("bad_file", "坏文件", "bad file")
        if content.startswith("slow"):
            time.sleep(60)
        (settings.data / "worked").open("a").write(f"{task.path.name} {shop} {product}\n")

    return work


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "archive").mkdir()
    return Settings(data=tmp_path / "data", archive=tmp_path / "archive", allow_internal_targets=True)


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    database = open_database(settings.database)
    yield database
    database.close()


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livewitness.backfilling.resolve", lambda *_: None)


def put(settings: Settings, **contents: str) -> None:
    assert settings.archive is not None
    for name, content in contents.items():
        (settings.archive / f"{name}.mp4").write_text(content)


def until(queue: BackfillQueue, number: int, *states: str, test: Callable[[Json], bool] = lambda _: True) -> Json:
    deadline = time.monotonic() + 60
    while (job := queue.one(number))["state"] not in states or not test(job):
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    return job


def worked(settings: Settings) -> list[str]:
    place = settings.data / "worked"
    return place.read_text().splitlines() if place.exists() else []


@pytest.mark.slow
def test_what_is_done_is_counted_told_and_not_done_again(settings: Settings, db: Database) -> None:
    put(settings, a="one", b="bad", c="three")
    with closing(BackfillQueue(settings, db, quick_work)) as queue:
        number = queue.start(str(settings.archive), "花店", "面霜", "ops")["number"]
        job = until(queue, number, "failed")
        progress = job["progress"]
        assert (progress["files"], progress["done"], progress["alerts"]) == (3, 2, 3)
        assert [(f["file"], f["code"]) for f in progress["failed"]] == [("b.mp4", "bad_file")]
        assert sorted(worked(settings)) == ["a.mp4 花店 面霜", "c.mp4 花店 面霜"]
        (settings.archive / "b.mp4").unlink()
        again = until(queue, queue.start(str(settings.archive), "", "", "ops")["number"], "done")
        assert (again["progress"]["done"], again["progress"]["skipped"]) == (0, 2)
        assert [job["number"] for job in queue.all(None, 10)] == [number + 1, number]
    ended = [json.loads(line) for line in read_audit(settings.data) if b'"backfill.ended"' in line]
    assert [(entry["by"], entry["detail"]["state"], entry["detail"]["failed"]) for entry in ended] == [
        ("ops", "failed", 1),
        ("ops", "done", 0),
    ]


@pytest.mark.slow
def test_what_runs_and_what_waits_can_be_given_up(settings: Settings, db: Database) -> None:
    put(settings, a="slow")
    with closing(BackfillQueue(settings, db, quick_work)) as queue:
        runs, waits = (queue.start(str(settings.archive), "", "", "ops")["number"] for _ in range(2))
        until(queue, runs, "running", test=lambda job: job["progress"]["heard"] == 1.5)
        assert queue.cancel(waits)["state"] == "cancelled"
        queue.cancel(runs)
        until(queue, runs, "cancelled")
        assert queue.cancel(runs)["state"] == "cancelled"
        with pytest.raises(NotFoundError):
            queue.cancel(99)
    assert worked(settings) == []


@pytest.mark.slow
def test_a_restart_goes_on_with_what_it_interrupted(settings: Settings, db: Database) -> None:
    put(settings, a="slow")
    with closing(BackfillQueue(settings, db, quick_work)) as queue:
        number = queue.start(str(settings.archive), "", "", "ops")["number"]
        until(queue, number, "running", test=lambda job: job["progress"]["heard"] == 1.5)
    put(settings, a="quick now")
    with closing(BackfillQueue(settings, db, quick_work)) as queue:
        assert until(queue, number, "done")["progress"]["done"] == 1


def test_the_queue_is_bounded(settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BackfillQueue, "_work", lambda _: None)
    with closing(BackfillQueue(settings, db, quick_work)) as queue:
        for _ in range(MOST_WAITING):
            queue.start(str(settings.archive), "", "", "ops")
        with pytest.raises(BusyError):
            queue.start(str(settings.archive), "", "", "ops")


def test_a_recording_with_an_impossible_name_does_not_end_the_queue(settings: Settings, db: Database) -> None:
    assert settings.archive is not None
    odd, fine = settings.archive / "odd", settings.archive / "fine"
    odd.mkdir()
    fine.mkdir()
    (odd / os.fsdecode("直播.mp4".encode("gbk"))).write_text("one")
    (fine / "a.mp4").write_text("one")
    with closing(BackfillQueue(settings, db, quick_work)) as queue:
        first, second = (queue.start(str(folder), "", "", "ops")["number"] for folder in (odd, fine))
        assert until(queue, first, "failed", "done")["state"] == "failed"
        assert until(queue, second, "done")["progress"]["done"] == 1


def test_links_out_of_the_archive_are_not_followed(settings: Settings, db: Database, tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_text("secret")
    assert settings.archive is not None
    (settings.archive / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    with closing(BackfillQueue(settings, db, quick_work)) as queue:
        job = until(queue, queue.start(str(settings.archive), "", "", "ops")["number"], "failed")
        assert job["progress"]["failed"][0]["code"] == "no_media_files"


@pytest.mark.slow
def test_an_address_is_fetched_worked_on_and_taken_away(settings: Settings, db: Database, tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "live.mp4").write_text("from afar")

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *given: object) -> None:
            super().__init__(*given, directory=tmp_path / "web")  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None: ...

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web,
        closing(BackfillQueue(settings, db, quick_work)) as queue,
    ):
        threading.Thread(target=web.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{web.server_address[1]}/live.mp4"
        job = until(queue, queue.start(f"{url}?sign=secret", "", "", "ops")["number"], "done")
        assert job["source"] == url, "what may be a secret is not shown"
        missing = until(queue, queue.start(f"{url}.none", "", "", "ops")["number"], "failed")
        assert missing["progress"]["failed"][0]["code"] == "fetch_status"
        web.shutdown()
    assert worked(settings) == ["live.mp4  "]
    assert not list((settings.data / "incoming").iterdir())
