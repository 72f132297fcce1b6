"""Watches many streams in one process over shared parts: starts, stops, restarts; what fails in one touches no other.

Each stream runs in a thread of its own. One more thread looks after all of them: it notes how a run ended, begins
again after a pause, and warns when a source falls silent or recognition falls behind.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from core.clock import iso, plus_ms, utc_now
from core.errors import BadInputError, ConflictError, LiveWitnessError, NotFoundError, UsageError
from core.shapes import Json
from core.watch_config import WatchConfig
from ingest.session import ReconnectPolicy
from pipeline import telling
from pipeline.events import EventSink
from pipeline.live import WatchResult

_log = logging.getLogger(__name__)
_TICK_S = 0.1
_REMOVE_S = 30.0

State = Literal["starting", "running", "reconnecting", "failed", "stopping", "stopped", "ended"]
"""``failed``: the last run raised an error; ``retry_at`` says whether and when it is tried again."""


class Watching(Protocol):
    """One run of a stream."""

    def run(self) -> WatchResult:
        """Record and listen until the source ends or `stop` is called."""

    def stop(self) -> None:
        """End gracefully, from any thread, also before `run`."""


MakeWatch = Callable[[WatchConfig, EventSink], Watching]


@dataclass(frozen=True, slots=True)
class SupervisorOptions:
    """``restart``: pauses between runs. A source without a new segment for ``silent_after_s`` is silent."""

    restart: ReconnectPolicy = field(default_factory=lambda: ReconnectPolicy(first_delay_s=1.0, max_delay_s=300.0))
    silent_after_s: float = 20.0
    behind_s: float = 30.0


@dataclass(eq=False)
class _Slot:
    """One stream and how it fares. Changed under the supervisor's lock only."""

    config: WatchConfig
    state: State = "stopped"
    since: datetime = field(default_factory=utc_now)
    error: dict[str, str] | None = None
    future: Future[WatchResult] | None = None
    watch: Watching | None = None
    stopping: bool = False
    attempts: int = 0
    runs: int = 0
    retry_at: float | None = None
    last_segment: float | None = None
    recorded_s: float = 0.0
    lag_s: float = 0.0
    behind: bool = False
    silent: bool = False
    alerts: int = 0

    def enter(self, state: State) -> None:
        """Change the state."""
        if state != self.state:
            self.state, self.since = state, utc_now()


class Supervisor:
    """Looks after streams. All methods may be called from any thread; ``close`` once at the end."""

    def __init__(self, make: MakeWatch, emit: EventSink, options: SupervisorOptions | None = None) -> None:
        self._make = make
        self._sink = emit
        self._emit_lock = threading.Lock()
        self._options = options or SupervisorOptions()
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._slots: dict[str, _Slot] = {}
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="supervisor", daemon=True)
        self._thread.start()

    # What people ask for.

    def add(self, config: WatchConfig, *, start: bool = True) -> Json:
        """Take on a stream. Raises `ConflictError` when there is one of that name."""
        with self._lock:
            if config.name in self._slots:
                raise ConflictError(
                    "watch_exists", f"“{config.name}”已在列。", f"There is a watch named “{config.name}” already."
                )
            self._slots[config.name] = _Slot(config)
            return self.start(config.name) if start else self.state(config.name)

    def start(self, name: str) -> Json:
        """Begin, or begin again at once; nothing changes for a stream that runs."""
        with self._lock:
            slot = self._slot(name)
            if slot.future is None:
                slot.attempts = 0
                self._begin(slot)
            return _json(slot)

    def stop(self, name: str) -> Json:
        """Ask a stream to end gracefully; its state says when it has."""
        with self._lock:
            slot = self._slot(name)
            slot.retry_at = None
            if slot.future is None:
                slot.enter("stopped")
            else:
                slot.stopping = True
                slot.enter("stopping")
                if slot.watch is not None:
                    slot.watch.stop()
            return _json(slot)

    def remove(self, name: str) -> None:
        """Stop a stream and forget it; what is recorded stays. Raises `ConflictError` when it takes long to end."""
        self.stop(name)
        future = self._slot(name).future
        if future is not None and not wait([future], _REMOVE_S).done:
            raise ConflictError(
                "watch_stopping", f"“{name}”还在收尾，请稍后再移除。", f"“{name}” is still ending; remove it later."
            )
        with self._lock:
            self._slots.pop(name, None)

    def state(self, name: str) -> Json:
        """How one stream fares. Raises `NotFoundError`."""
        with self._lock:
            return _json(self._slot(name))

    def states(self) -> list[Json]:
        """How all streams fare, by name."""
        with self._lock:
            return [_json(self._slots[name]) for name in sorted(self._slots)]

    def settled(self) -> bool:
        """Whether no stream runs and none will by itself."""
        with self._lock:
            return all(slot.future is None and slot.retry_at is None for slot in self._slots.values())

    def stop_all(self) -> None:
        """Ask every stream to end."""
        for state in self.states():
            self.stop(state["name"])

    def close(self) -> None:
        """End every stream and wait for it."""
        self.stop_all()
        while not self.settled():
            time.sleep(_TICK_S)
        self._closing.set()
        self._thread.join()

    # What a stream does.

    def _begin(self, slot: _Slot) -> None:
        slot.retry_at = slot.watch = slot.last_segment = None
        slot.stopping = slot.behind = False
        slot.runs += 1
        slot.enter("starting")
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"stream-{slot.config.name}")
        slot.future = thread.submit(self._run, slot)
        thread.shutdown(wait=False)

    def _run(self, slot: _Slot) -> WatchResult:
        watch = self._make(slot.config, lambda event: self._hear(slot, event))
        with self._lock:
            slot.watch = watch
            if slot.stopping:
                watch.stop()
        return watch.run()

    def _emit(self, event: Json) -> None:
        with self._emit_lock:
            try:
                self._sink(event)
            except OSError:
                # Whoever read our output has gone; recording goes on, and the outbox still tells.
                _log.warning("event %s of %s not shown", event["event"], event.get("stream"), exc_info=True)

    def _hear(self, slot: _Slot, event: Json) -> None:
        """An event of a stream, on that stream's own threads."""
        for told in (event, *self._noted(slot, event)):
            self._emit(told)

    def _noted(self, slot: _Slot, event: Json) -> list[Json]:
        name = slot.config.name
        with self._lock:
            match event["event"]:
                case "epoch" | "segment":
                    resumed, slot.silent = slot.silent, False
                    slot.last_segment = time.monotonic()
                    slot.error, slot.attempts = None, 0
                    slot.recorded_s = max(slot.recorded_s, event.get("end", 0.0))
                    if not slot.stopping:
                        slot.enter("running")
                    return [telling.stream_resumed(name)] if resumed else []
                case "stream.disk_full":
                    slot.error = event["error"]
                    slot.enter("reconnecting")
                case "alert":
                    slot.alerts += event["status"] == "confirmed"
                case "lag":
                    slot.lag_s = event["lag"]
                    behind = slot.lag_s >= (self._options.behind_s / 2 if slot.behind else self._options.behind_s)
                    if behind != slot.behind:
                        slot.behind = behind
                        return [telling.stream_behind(name, slot.lag_s) if behind else telling.stream_caught_up(name)]
            return []

    # What the supervisor's own thread does.

    def _look_after(self) -> None:
        while not self._closing.wait(_TICK_S):
            told: list[Json] = []
            with self._lock:
                for slot in list(self._slots.values()):
                    told += self._look(slot)
            for event in told:
                try:
                    self._emit(event)
                except LiveWitnessError:
                    _log.exception("event not told")

    def _look(self, slot: _Slot) -> list[Json]:
        now = time.monotonic()
        if slot.future is None:
            if slot.retry_at is not None and now >= slot.retry_at:
                self._begin(slot)
            return []
        if slot.future.done():
            return self._ended(slot, slot.future)
        if slot.state == "running" and slot.last_segment is not None:
            silent_s = now - slot.last_segment
            if silent_s >= self._options.silent_after_s:
                slot.silent = True
                slot.enter("reconnecting")
                return [telling.stream_silent(slot.config.name, silent_s)]
        return []

    def _ended(self, slot: _Slot, future: Future[WatchResult]) -> list[Json]:
        failure = future.exception()
        slot.future = slot.watch = None
        slot.lag_s = 0.0
        if slot.stopping and failure is None:
            slot.enter("stopped")
            return []
        if failure is not None:
            return self._failed(slot, failure)
        reason = future.result().reason
        again = slot.config.restart == "always" or (reason == "source_lost" and slot.config.restart != "never")
        if again and reason != "already_done":
            slot.enter("reconnecting")
            self._retry(slot)
        else:
            slot.enter("ended")
        return []

    def _failed(self, slot: _Slot, failure: BaseException) -> list[Json]:
        if isinstance(failure, LiveWitnessError):
            slot.error = failure.as_dict()
        else:
            # A defect of ours: kept whole in the log, and no other stream's business.
            _log.error("stream %s", slot.config.name, exc_info=failure)
            slot.error = {"code": "internal", "zh": "内部出错，详情已写入日志。", "en": "It failed; see the log."}
        slot.enter("failed")
        hopeless = isinstance(failure, (BadInputError, UsageError)) or slot.config.restart == "never"
        if not hopeless and not slot.stopping:
            self._retry(slot)
        return [telling.stream_failed(slot.config.name, slot.error, _retry_time(slot))]

    def _retry(self, slot: _Slot) -> None:
        slot.retry_at = time.monotonic() + self._options.restart.delay_s(slot.attempts, self._rng)
        slot.attempts += 1

    def _slot(self, name: str) -> _Slot:
        if name not in self._slots:
            raise NotFoundError("watch_unknown", f"没有名为“{name}”的监看。", f"There is no watch named “{name}”.")
        return self._slots[name]


def _retry_time(slot: _Slot) -> str | None:
    if slot.retry_at is None:
        return None
    return iso(plus_ms(utc_now(), (slot.retry_at - time.monotonic()) * 1000))


def _json(slot: _Slot) -> Json:
    return {
        "name": slot.config.name,
        "source": slot.config.source,
        "state": slot.state,
        "since": iso(slot.since),
        "error": slot.error,
        "retry_at": _retry_time(slot),
        "runs": slot.runs,
        "recorded": slot.recorded_s,
        "lag": slot.lag_s,
        "behind": slot.behind,
        "alerts": slot.alerts,
    }
