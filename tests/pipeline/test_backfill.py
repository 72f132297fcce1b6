"""Each content once, whatever its name; a worker that dies costs one task."""

import os
import signal
import time
from pathlib import Path

from core.errors import BadInputError
from pipeline.backfill import Task, plan, run_tasks
from store import jobs
from store.engine import open_database
from store.jobs import JobState


def prepared():
    """What a worker does here: nothing for most files, trouble for some."""

    def work(task: Task, emit) -> None:
        emit({"event": "utterance", "end": 1.0})
        content = task.path.read_text()
        if content == "bad":
            raise BadInputError("bad_file", "坏文件", "bad file")
        if content == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if content == "slow":
            time.sleep(30)

    return work


def files(folder: Path, **contents: str) -> list[Path]:
    for name, content in contents.items():
        (folder / name).write_text(content)
    return sorted(folder / name for name in contents)


def states(db, tasks) -> list[JobState]:
    with db.read() as connection:
        return [jobs.get_job(connection, task.job.content_sha256).state for task in tasks]


def test_the_same_content_is_planned_once_and_names_do_not_collide(tmp_path) -> None:
    db = open_database(tmp_path / "db" / "livewitness.db")
    (tmp_path / "other").mkdir()
    found = [*files(tmp_path, a="1", b="2", c="1"), *files(tmp_path / "other", a="3")]
    planned = [task for task, _ in plan(db, found)]
    assert [task.path.name for task in planned] == ["a", "b", "a"]
    names = [task.job.stream for task in planned]
    assert names[:2] == ["a", "b"]
    assert names[2].startswith("a-")
    db.close()


def test_done_is_done_and_failed_is_tried_again(tmp_path) -> None:
    db = open_database(tmp_path / "db" / "livewitness.db")
    tasks = [task for task, _ in plan(db, files(tmp_path, good="good", bad="bad"))]
    reports = list(run_tasks(db, tasks, 2, prepared))
    ended = {r.task.path.name: r.fields for r in reports if r.kind == "ended"}
    assert ended["good"] == {}
    assert ended["bad"]["code"] == "bad_file"
    assert states(db, tasks) == [JobState.FAILED, JobState.DONE]
    assert [done for _, done in plan(db, [t.path for t in tasks])] == [False, True]
    db.close()


def test_a_worker_that_is_killed_costs_only_its_task(tmp_path) -> None:
    db = open_database(tmp_path / "db" / "livewitness.db")
    tasks = [task for task, _ in plan(db, files(tmp_path, a="kill", b="good", c="fine"))]
    reports = list(run_tasks(db, tasks, 1, prepared))
    ended = {r.task.path.name: r.fields.get("code", "") for r in reports if r.kind == "ended"}
    assert ended == {"a": "worker_died", "b": "", "c": ""}
    db.close()


def test_leaving_early_ends_the_workers(tmp_path) -> None:
    db = open_database(tmp_path / "db" / "livewitness.db")
    tasks = [task for task, _ in plan(db, files(tmp_path, a="slow", b="slow too"))]
    started = time.monotonic()
    for _ in run_tasks(db, tasks, 2, prepared):
        break
    assert time.monotonic() - started < 20
    assert states(db, tasks) == [JobState.RUNNING, JobState.RUNNING]
    db.close()
