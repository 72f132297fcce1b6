"""Works through many recordings with several processes; identity of a file is its content.

Each worker takes a file from the queue and watches it like any other source. What is finished is known by
the hash of its content and skipped, whatever its name; what was cut off goes on at its cursor.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Literal

from core.errors import LiveWitnessError, Sentence
from core.shapes import Json
from ingest.segments import file_sha256
from pipeline.events import EventSink
from store import jobs
from store.engine import Database
from store.jobs import Job, JobState

_ASK_S = 0.5
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Task:
    """A file to work on under a stream name."""

    job: Job
    path: Path


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says of a task: an event of its stream, or its end with an error, if any."""

    task: Task
    kind: Literal["event", "ended"]
    fields: Json = field(default_factory=dict)


Work = Callable[[Task, EventSink], None]
"""Does one task. Raises `LiveWitnessError` for what is wrong with the file."""


def stream_name(path: Path, content_sha256: str, taken: Callable[[str], bool]) -> str:
    """The file's stem, with eight digits of its hash where another recording has that name already."""
    name = path.stem[:180] or content_sha256[:8]
    return name if not taken(name) else f"{name}-{content_sha256[:8]}"


def plan(db: Database, files: Sequence[Path]) -> Iterator[tuple[Task, bool]]:
    """Each different content once, with whether it is already done; yields as it hashes."""
    planned: set[str] = set()
    for path in files:
        digest = file_sha256(path)
        if digest in planned:
            continue
        planned.add(digest)
        with db.write() as connection:
            job = jobs.get_job(connection, digest)
            if job is None:
                name = stream_name(path, digest, partial(jobs.name_taken, connection))
                job = Job(digest, str(path), name, JobState.RUNNING)
                jobs.put_job(connection, job)
        yield Task(job, path), job.state is JobState.DONE


def never() -> bool:
    """For work that nobody gives up."""
    return False


def run_tasks(
    db: Database,
    tasks: Sequence[Task],
    workers: int,
    prepare: Callable[[], Work],
    given_up: Callable[[], bool] = never,
) -> Iterator[Report]:
    """Do all tasks with ``workers`` processes, yielding their reports; a job's state is stored at its end.

    ``prepare`` runs once in each worker and must be picklable. A worker that dies (out of memory, killed) costs only
    the task it was at; another takes its place. Leaving the iteration early ends all workers, and so does
    ``given_up``, which is asked now and then.
    """
    pool = _Pool(tasks, max(1, min(workers, len(tasks))), prepare)
    try:
        for report in pool.reports(given_up):
            if report.kind == "ended":
                state = JobState.FAILED if report.fields else JobState.DONE
                error = report.fields.get("en", "")
                with db.write() as connection:
                    jobs.put_job(connection, replace(report.task.job, state=state, error=error))
            yield report
    finally:
        pool.close()


@dataclass(frozen=True, slots=True, eq=False)
class _Worker:
    """A worker process and our end of the pipe to it. A pipe of its own: a dying worker can block no other."""

    process: SpawnProcess
    pipe: "Connection[Task, Report]"


class _Pool:
    """Worker processes, each at one task."""

    def __init__(self, tasks: Sequence[Task], workers: int, prepare: Callable[[], Work]) -> None:
        self._prepare = prepare
        self._waiting = deque(tasks)
        self._busy: list[tuple[_Worker, Task]] = []
        for _ in range(workers):
            self._give(self._start())

    def reports(self, given_up: Callable[[], bool]) -> Iterator[Report]:
        """Reports of all workers until nothing is left to do, or ``given_up``."""
        while self._busy and not given_up():
            ready = wait([worker.pipe for worker, _ in self._busy], _ASK_S)
            for worker, task in [busy for busy in self._busy if busy[0].pipe in ready]:
                try:
                    report = worker.pipe.recv()
                except (EOFError, OSError):
                    report = Report(task, "ended", self._buried(worker).as_dict())
                if report.kind == "ended":
                    self._busy.remove((worker, task))
                    self._give(self._start() if worker.pipe.closed and self._waiting else worker)
                yield report

    def close(self) -> None:
        """End all workers, busy or not."""
        for worker, _ in self._busy:
            worker.process.terminate()
        for worker, _ in self._busy:
            worker.process.join()

    def _start(self) -> _Worker:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_work, args=(self._prepare, theirs), daemon=True, name="backfill")
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _give(self, worker: _Worker) -> None:
        """Send the next task, or close the pipe, which ends the worker."""
        if not self._waiting:
            worker.pipe.close()
            return
        task = self._waiting.popleft()
        worker.pipe.send(task)
        self._busy.append((worker, task))

    def _buried(self, worker: _Worker) -> LiveWitnessError:
        worker.process.join()
        worker.pipe.close()
        return _worker_error(worker.process.exitcode or 0)


def _worker_error(code: int) -> LiveWitnessError:
    return LiveWitnessError(
        "worker_died",
        f"工作进程意外结束（{code}）。",
        f"A worker process ended unexpectedly ({code}).",
        hint=Sentence("多为内存不足：减少 --workers 后重试。", "Most often memory: try again with fewer --workers."),
    )


def _work(prepare: Callable[[], Work], pipe: "Connection[Report, Task]") -> None:
    """A worker process: does what comes down the pipe, ends when the pipe closes or its parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    work = prepare()
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        error: Json = {}
        try:
            work(task, partial(_tell, pipe, task))
        except LiveWitnessError as failure:
            error = failure.as_dict()
        pipe.send(Report(task, "ended", error))


def _tell(pipe: "Connection[Report, Task]", task: Task, event: Json) -> None:
    pipe.send(Report(task, "event", event))


def _die_with_parent() -> None:
    """A worker whose parent was killed must not go on writing beside the next run."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
