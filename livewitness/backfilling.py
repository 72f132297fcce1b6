"""Backfills asked for over the API: one after the other, in processes that give way to live streams, restart-safe.

What a restart interrupts begins again; recordings that are done are known by their content and skipped, and one that
was cut off goes on at its cursor, as with ``livewitness backfill``.
"""

import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from api.errors import BusyError
from core.clock import iso, utc_now
from core.egress import Egress
from core.errors import BadInputError, LiveWitnessError, NotFoundError, StorageError
from core.fetch import Fetcher
from core.settings import Settings
from core.shapes import Json
from evidence.audit import Actor, append_audit
from ingest.probe import probe
from ingest.sources import media_files, parse_source
from livewitness.receiving import Receiver
from livewitness.wiring import backfill_work
from models.library import resolve
from pipeline.backfill import Report, Task, Work, plan, run_tasks
from store import backfills
from store.backfills import OPEN, Backfill, BackfillState
from store.engine import Database

MOST_WAITING = 16
MOST_FAILURES = 100
MOST_BYTES = 64 * 1024**3
_KEEP_EVERY_S = 5.0
_LOOK_S = 30.0
_CALM = 10
_UNSAFE = re.compile(r"[^0-9A-Za-z._\-\u4e00-\u9fff]+")
_log = logging.getLogger(__name__)

Preparing = Callable[[Settings, str, str], Work]
"""Settings, shop and product to what a worker process does with a file; called in the worker."""


def calm_work(settings: Settings, shop: str, product: str) -> Work:
    """As `backfill_work`, in a process that gives way to whatever is live."""
    os.nice(_CALM)
    return backfill_work(settings, shop, product)


class BackfillQueue:
    """The one queue of an installation. Thread-safe; `close` leaves what runs to the next start."""

    def __init__(self, settings: Settings, database: Database, preparing: Preparing = calm_work) -> None:
        self._settings = settings
        self._db = database
        self._preparing = preparing
        self._closing = threading.Event()
        self._asked = threading.Event()
        self._asked.set()
        self._lock = threading.Lock()
        self._cancelled: set[int] = set()
        # How the one that runs is getting on, between what is stored of it.
        self._running: tuple[int, Json] = (0, {})
        self._thread = threading.Thread(target=self._work, name="backfills", daemon=True)
        self._thread.start()

    def start(self, source: str, shop: str, product: str, by: str) -> Json:
        """Take one on. Raises `BusyError` where enough of them wait already."""
        wanted = Backfill(source, shop, product, by, utc_now())
        with self._db.write() as connection:
            if backfills.count_open(connection) >= MOST_WAITING:
                raise BusyError(
                    "backfills_busy", "等待的批量任务太多。", "Too many backfills wait already.", retry_after_s=60
                )
            number = backfills.add_backfill(connection, wanted)
        self._asked.set()
        return self.one(number)

    def all(self, before: int | None, limit: int) -> list[Json]:
        """The newest first."""
        with self._db.read() as connection:
            found = backfills.list_backfills(connection, before=before, limit=limit)
        return [self._json(job) for job in found]

    def one(self, number: int) -> Json:
        """One of them. Raises `NotFoundError`."""
        with self._db.read() as connection:
            job = backfills.get_backfill(connection, number)
        if job is None:
            raise NotFoundError("backfill_unknown", f"没有批量任务 {number}。", f"There is no backfill {number}.")
        return self._json(job)

    def cancel(self, number: int) -> Json:
        """Give it up: what is recorded stays, what runs ends soon. Raises `NotFoundError`."""
        state = BackfillState(self.one(number)["state"])
        if state in OPEN:
            with self._lock:
                self._cancelled.add(number)
        if state is BackfillState.WAITING:
            self._store(number, BackfillState.CANCELLED, {})
        return self.one(number)

    def close(self) -> None:
        """End what runs; it begins again at the next start."""
        self._closing.set()
        self._asked.set()
        self._thread.join()

    def _json(self, job: Backfill) -> Json:
        with self._lock:
            number, live = self._running
        detail = live if number == job.number and job.state is BackfillState.RUNNING else (job.detail or {})
        return {
            "number": job.number,
            "source": _label(job.source),
            "shop": job.shop,
            "product": job.product,
            "state": job.state.value,
            "by": job.created_by,
            "asked_at": iso(job.created_at),
            "changed_at": iso(job.updated_at or job.created_at),
            "progress": _NOTHING | detail,
        }

    def _work(self) -> None:
        while not self._closing.is_set():
            self._asked.clear()
            try:
                while not self._closing.is_set() and (job := self._next()) is not None:
                    self._do(job)
            except StorageError as error:
                _log.error("backfills wait: %s", error)
            self._asked.wait(_LOOK_S)

    def _next(self) -> Backfill | None:
        with self._db.read() as connection:
            return backfills.next_backfill(connection)

    def _do(self, job: Backfill) -> None:
        progress = _Progress(partial(self._show, job.number))
        self._store(job.number, BackfillState.RUNNING, progress.detail)
        try:
            with _Folder(self._settings.data / "incoming" / str(job.number), self._closing) as folder:
                self._run(job, progress, folder)
            state = BackfillState.FAILED if progress.detail["failed"] else BackfillState.DONE
        except LiveWitnessError as error:
            progress.fail("", error.as_dict())
            state = BackfillState.FAILED
        except Exception:  # noqa: BLE001 - whatever one recording does, the queue goes on
            _log.exception("backfill %d", job.number)
            progress.fail("", _INTERNAL)
            state = BackfillState.FAILED
        if self._closing.is_set():
            return
        if self._given_up(job.number):
            state = BackfillState.CANCELLED
        self._store(job.number, state, progress.detail, source=_label(job.source))
        with self._lock:
            self._cancelled.discard(job.number)
        counts = {name: progress.detail[name] for name in ("files", "done", "skipped")}
        ended = {"number": job.number, "state": state.value, "failed": len(progress.detail["failed"]), **counts}
        append_audit(self._settings.data, Actor(job.created_by, "", "api"), "backfill.ended", ended)

    def _run(self, job: Backfill, progress: "_Progress", folder: "_Folder") -> None:
        given_up = partial(self._given_up, job.number)
        path = self._fetched(job.source, folder, given_up) if "://" in job.source else Path(job.source)
        files = self._within(media_files([path])) if path.exists() else []
        if not files and not given_up():
            raise BadInputError("no_media_files", "没有找到音视频文件。", "No audio or video files were found.")
        progress.detail["files"] = len(files)
        resolve(self._settings.asr_model, self._settings.cache_dir)
        tasks: list[Task] = []
        for task, done in plan(self._db, files):
            if given_up():
                return
            progress.plan(task, done)
            tasks += [] if done else [task]
        prepare = partial(self._preparing, self._settings, job.shop, job.product)
        receiver = Receiver(self._settings, self._db, Actor(job.created_by, "", "api"))
        for report in run_tasks(self._db, tasks, self._settings.backfill_workers, prepare, given_up):
            progress.take(report)
            if report.kind == "ended" and not report.fields:
                receiver.take(report.task)

    def _within(self, files: list[Path]) -> list[Path]:
        """Without what links of the archive lead to elsewhere."""
        roots = [root.resolve() for root in (self._settings.archive, self._settings.data / "incoming") if root]
        return [file for file in files if any(file.resolve().is_relative_to(root) for root in roots)]

    def _fetched(self, url: str, folder: "_Folder", given_up: Callable[[], bool]) -> Path:
        """The recording at an address, in a folder of its own; one that is there already is not fetched again."""
        name = _UNSAFE.sub("_", unquote(urlsplit(url).path).rpartition("/")[2])[-60:].lstrip(".") or "recording.mp4"
        path = folder.made() / name
        if path.exists():
            return path
        free = shutil.disk_usage(path.parent).free - self._settings.min_free_bytes
        partial_file = path.with_name(f".{name}.part")
        fetcher = Fetcher(Egress(allow_internal=self._settings.allow_internal_targets))
        try:
            with partial_file.open("wb") as output:
                fetcher.download(url, output, most=max(0, min(MOST_BYTES, free)), given_up=given_up)
        except OSError as error:
            raise StorageError(
                "backfill_disk", f"写不进去（{error.strerror}）。", f"Cannot write ({error.strerror})."
            ) from error
        if not given_up():
            partial_file.replace(path)
        return path

    def _given_up(self, number: int) -> bool:
        with self._lock:
            return self._closing.is_set() or number in self._cancelled

    def _show(self, number: int, detail: Json, keep: bool) -> None:
        with self._lock:
            self._running = (number, dict(detail))
        if keep:
            self._store(number, BackfillState.RUNNING, detail)

    def _store(self, number: int, state: BackfillState, detail: Json, source: str | None = None) -> None:
        with self._db.write() as connection:
            backfills.put_progress(connection, number, state, detail, source=source)


_INTERNAL: Json = {
    "code": "internal",
    "zh": "内部出错，详情已写入日志。",
    "en": "It failed inside; see the log.",
}
_NOTHING: Json = {
    "files": 0,
    "done": 0,
    "skipped": 0,
    "failed": [],
    "seconds": 0.0,
    "heard": 0.0,
    "alerts": 0,
    "now": "",
}


class _Progress:
    """How far one backfill is; ``show`` is told of every change, and whether it is worth storing."""

    def __init__(self, show: Callable[[Json, bool], None]) -> None:
        self.detail: Json = {**_NOTHING, "failed": []}
        self._show = show
        self._lengths: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        self._kept = time.monotonic()

    def plan(self, task: Task, done: bool) -> None:
        """A file that was hashed: to be done, or done before."""
        if done:
            self.detail["skipped"] += 1
        else:
            with suppress(LiveWitnessError):  # what is wrong with it is told when its turn comes
                self._lengths[task.job.stream] = (probe(str(task.path)).duration_ms or 0) / 1000
        self._tell()

    def take(self, report: Report) -> None:
        """A report of a worker."""
        stream, fields = report.task.job.stream, report.fields
        if report.kind == "ended":
            self._heard[stream] = self._lengths.get(stream, 0.0)
            self.detail["done"] += not fields
            if fields:
                self.fail(report.task.path.name, fields)
        elif fields["event"] == "utterance":
            self._heard[stream] = fields["end"]
        elif fields["event"] == "alert":
            self.detail["alerts"] += fields.get("status") == "confirmed"
        self.detail["now"] = stream
        self._tell(keep=report.kind == "ended")

    def fail(self, name: str, error: dict[str, Any]) -> None:
        """A file that could not be worked on, or why nothing could be."""
        if len(self.detail["failed"]) < MOST_FAILURES:
            self.detail["failed"].append({"file": name, **error})

    def _tell(self, keep: bool = False) -> None:
        self.detail["seconds"] = round(sum(self._lengths.values()), 1)
        self.detail["heard"] = round(sum(self._heard.values()), 1)
        keep = keep or time.monotonic() - self._kept > _KEEP_EVERY_S
        if keep:
            self._kept = time.monotonic()
        self._show(self.detail, keep)


class _Folder:
    """Where a recording is put that comes from an address; gone once its backfill has ended, well or badly."""

    def __init__(self, path: Path, closing: threading.Event) -> None:
        self._path = path
        self._closing = closing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._closing.is_set():
            shutil.rmtree(self._path, ignore_errors=True)

    def made(self) -> Path:
        """The folder."""
        self._path.mkdir(parents=True, exist_ok=True)
        return self._path


def _label(source: str) -> str:
    """An address without its query, which may be a secret; a path as it is."""
    return parse_source(source).label if "://" in source else source
