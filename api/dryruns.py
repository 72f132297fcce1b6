"""Dry runs: what a draft of a rule pack would change on what was said and stored. One at a time, a few wait."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth.access import Operating
from api.context import ApiContext, Context
from api.errors import ERRORS, BusyError, ErrorBody
from api.once import OnceRoute, once
from api.packroom import PackRoom
from api.queries import known_stream
from api.trail import note
from core.clock import iso, utc_now
from core.errors import ConflictError, LiveWitnessError, NotFoundError
from core.shapes import Json

router = APIRouter(prefix="/api/v1/dry-runs", tags=["rules"], responses=ERRORS, route_class=OnceRoute)
RunNumber = Annotated[int, Path(ge=1, le=2**53, description="编号 / number")]
MOST_OF_ONE = 2
MOST_WAITING = 8
_REMEMBERED = 50


class DryRunWanted(BaseModel):
    """Which draft to try, and on what."""

    model_config = ConfigDict(extra="forbid")

    draft: str = Field(pattern="^[0-9a-f]{16}$", description="草稿编号 / id of the draft")
    stream: str = Field(default="", max_length=200, description="只看一场，空为全部 / one stream; empty: all")


@dataclass(slots=True)
class _Run:
    """One dry run; ``state`` is waiting, running, done, failed or cancelled."""

    number: int
    by: str
    draft: Json
    file: FilePath
    stream: str
    asked_at: str
    state: str = "waiting"
    result: Json = field(default_factory=dict)
    error: Json = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def open(self) -> bool:
        """Whether it has yet to end."""
        return self.state in ("waiting", "running")

    def as_dict(self) -> Json:
        """For the API."""
        names = ("pack", "version", "sha256")
        head = {"number": self.number, "by": self.by, "asked_at": self.asked_at, "state": self.state}
        about = {"draft": self.draft["id"], **{name: self.draft[name] for name in names}, "stream": self.stream}
        return head | about | {"result": self.result or None, "error": self.error or None}


class DryRuns:
    """Runs them one after the other on a thread that lives while there is something to do. Thread-safe."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._runs: OrderedDict[int, _Run] = OrderedDict()
        self._last = 0
        self._thread: threading.Thread | None = None

    def start(self, draft: Json, file: FilePath, stream: str, by: str) -> Json:
        """Take one on. Raises `BusyError` where that person, or everybody together, has enough of them waiting."""
        if self._context.dry_run is None:
            raise ConflictError("dry_runs_elsewhere", "这个服务不做试运行。", "This service makes no dry runs.")
        with self._lock:
            waiting = [run for run in self._runs.values() if run.open]
            if len(waiting) >= MOST_WAITING or sum(run.by == by for run in waiting) >= MOST_OF_ONE:
                raise BusyError("dry_runs_busy", "等待的试运行太多，请稍后再试。", "Too many dry runs wait already.")
            self._last += 1
            run = _Run(self._last, by, draft, file, stream, iso(utc_now()))
            self._runs[run.number] = run
            while len(self._runs) > _REMEMBERED and not next(iter(self._runs.values())).open:
                self._runs.popitem(last=False)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="dry-runs", daemon=True)
                self._thread.start()
            return run.as_dict()

    def all(self) -> list[Json]:
        """The newest first, without their changes."""
        with self._lock:
            listed = [run.as_dict() for run in reversed(self._runs.values())]
        return [run | {"result": _counts(run["result"])} for run in listed]

    def one(self, number: int) -> Json:
        """One with its changes. Raises `NotFoundError`."""
        with self._lock:
            return self._known(number).as_dict()

    def cancel(self, number: int) -> Json:
        """Give it up; nothing changes for one that has ended. Raises `NotFoundError`."""
        with self._lock:
            run = self._known(number)
            run.cancelled.set()
            if run.state == "waiting":
                run.state = "cancelled"
            return run.as_dict()

    def _known(self, number: int) -> _Run:
        if number not in self._runs:
            raise NotFoundError("dry_run_unknown", f"没有试运行 {number}。", f"There is no dry run {number}.")
        return self._runs[number]

    def _work(self) -> None:
        try:
            while (run := self._next()) is not None:
                self._do(run)
        except BaseException:
            with self._lock:
                self._thread = None
            raise

    def _next(self) -> _Run | None:
        with self._lock:
            waiting = (run for run in self._runs.values() if run.state == "waiting")
            run = None if self._context.stopping.is_set() else next(waiting, None)
            if run is None:
                # Under the lock that `start` takes: whoever comes now begins another thread.
                self._thread = None
            else:
                run.state = "running"
            return run

    def _do(self, run: _Run) -> None:
        result: Json = {}
        error: Json = {"code": "internal", "zh": "服务内部出错。", "en": "The service failed."}
        try:
            if self._context.dry_run is not None:
                result = self._context.dry_run(run.file, run.stream, lambda: self._given_up(run))
            error = {}
        except LiveWitnessError as failure:
            error = failure.as_dict()
        finally:
            with self._lock:
                run.result, run.error = result, error
                run.state = "cancelled" if self._given_up(run) else "failed" if error else "done"

    def _given_up(self, run: _Run) -> bool:
        return run.cancelled.is_set() or self._context.stopping.is_set()


def _counts(result: Json | None) -> Json | None:
    return None if result is None else {name: value for name, value in result.items() if name != "changes"}


@router.get("", summary="列出试运行 / List dry runs")
def list_runs(request: Request, _operator: Operating) -> dict[str, Any]:
    """The last ones, the newest first; they are not kept over a restart."""
    return {"runs": _runs(request).all()}


@router.post(
    "",
    status_code=202,
    summary="试运行规则包 / Try a draft on what was said",
    responses={429: {"model": ErrorBody, "description": "Enough of them wait; see Retry-After."}},
)
@once
def start(request: Request, context: Context, visitor: Operating, wanted: DryRunWanted) -> dict[str, Any]:
    """Reads stored utterances with the rules in force and with the draft; changes no alert. Two wait for one person."""
    if wanted.stream:
        known_stream(context.db, wanted.stream, visitor)
    room: PackRoom = request.app.state.packs
    draft, file = room.draft(wanted.draft), room.file(wanted.draft)
    run = _runs(request).start(draft, file, wanted.stream, visitor.name or "local")
    note(request, "pack.tried", {"pack": draft["pack"], "sha256": draft["sha256"], "stream": wanted.stream})
    return run


@router.get("/{number}", summary="一次试运行 / One dry run")
def get_run(request: Request, _operator: Operating, number: RunNumber) -> dict[str, Any]:
    """``result``: how many utterances were read, how many findings are new, gone, changed, and the first of them."""
    return _runs(request).one(number)


@router.delete("/{number}", summary="取消试运行 / Cancel a dry run")
def cancel(request: Request, _operator: Operating, number: RunNumber) -> dict[str, Any]:
    """Nothing changes for one that has ended."""
    return _runs(request).cancel(number)


def _runs(request: Request) -> DryRuns:
    runs: DryRuns = request.app.state.dry_runs
    return runs
