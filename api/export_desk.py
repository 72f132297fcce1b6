"""Exports that take longer than a request should: done one after another, with bounds on how many may wait."""

import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.context import ApiContext
from api.errors import BusyError
from core.clock import iso, utc_now
from core.errors import ConflictError, LiveWitnessError

_log = logging.getLogger(__name__)
_WAITING = 8
_WAITING_EACH = 3
_REMEMBERED = 200


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What is exported for which case: ``kind`` is ``case``, ``masked`` or ``negative``."""

    case: str
    kind: str
    title: str
    by: str


@dataclass(frozen=True, slots=True)
class ExportJob:
    """An order on its way; the result is the name or id of what was made."""

    id: str
    order: ExportOrder
    at: datetime
    future: "Future[str]"

    def as_json(self) -> dict[str, Any]:
        """``state``: queued, running, done or failed."""
        state, error, made = _standing(self.future)
        return {
            "id": self.id,
            "kind": self.order.kind,
            "title": self.order.title,
            "by": self.order.by,
            "at": iso(self.at),
            "state": state,
            "error": error,
            "made": made,
        }


def _standing(future: "Future[str]") -> tuple[str, dict[str, str] | None, str]:
    if not future.done():
        return ("running" if future.running() else "queued"), None, ""
    failure = future.exception()
    if failure is None:
        return "done", None, future.result()
    if isinstance(failure, LiveWitnessError):
        return "failed", failure.as_dict(), ""
    return "failed", {"code": "internal", "zh": "内部出错，详情已写入日志。", "en": "It failed; see the log."}, ""


class ExportDesk:
    """Takes orders from several threads and does them on one of its own; the newest are remembered."""

    def __init__(self, context: ApiContext) -> None:
        self._stopping = context.stopping
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="exports")
        self._lock = threading.Lock()
        self._jobs: list[ExportJob] = []

    def submit(self, order: ExportOrder, run: Callable[[], str]) -> ExportJob:
        """Have ``run`` done when its turn comes. Raises `BusyError` when too many wait."""
        with self._lock:
            waiting = [job for job in self._jobs if not job.future.done()]
            mine = sum(job.order.by == order.by for job in waiting)
            if len(waiting) >= _WAITING or mine >= _WAITING_EACH:
                raise BusyError(
                    "export_busy",
                    "等待导出的太多，请稍后再试。",
                    "Too many exports wait; try again soon.",
                    retry_after_s=10,
                )
            job = ExportJob(secrets.token_hex(8), order, utc_now(), self._pool.submit(self._run, run))
            job.future.add_done_callback(_told)
            self._jobs = [*self._jobs, job][-_REMEMBERED:]
        return job

    def jobs(self, case: str) -> list[ExportJob]:
        """Those of a case, the newest first."""
        with self._lock:
            return [job for job in reversed(self._jobs) if job.order.case == case]

    def _run(self, run: Callable[[], str]) -> str:
        if self._stopping.is_set():
            raise ConflictError("service_ending", "服务正在结束。", "The service is ending.")
        return run()


def _told(future: "Future[str]") -> None:
    failure = future.exception()
    if failure is not None and not isinstance(failure, LiveWitnessError):
        _log.error("an export failed", exc_info=failure)
