"""Watches many streams in one process over shared parts: starts, stops, restarts; what fails in one touches no other.

Each stream runs in a thread of its own. One more thread looks after all of them: it notes how a run ended, begins
again after a pause, and warns when a source falls silent or recognition falls behind. Nothing that goes wrong in one
stream, or in telling of it, ends that thread.
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
from pipeline import events, telling
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
Heard = Callable[[WatchConfig], float | None]
"""Stream second up to which recognition has come; ``None`` where that says nothing of a delay."""


def _never_heard(_config: WatchConfig) -> None:
    return None


def _keep(_stream: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class SupervisorOptions:
    """``restart``: pauses between runs, each longer than the one before until a run lasts ``steady_s``.

    A source without a new segment for ``silent_after_s`` is silent. Recognition is behind from ``behind_s`` on; how far
    it has come is asked every ``listen_every_s``. What was measured of a stream is forgotten ``forget_after_s`` after
    its end.
    """

    restart: ReconnectPolicy = field(default_factory=lambda: ReconnectPolicy(first_delay_s=1.0, max_delay_s=60.0))
    steady_s: float = 60.0
    silent_after_s: float = 20.0
    behind_s: float = 30.0
    listen_every_s: float = 5.0
    forget_after_s: float = 600.0


@dataclass(eq=False)
class _Slot:
    """One stream and how it fares. Changed under the supervisor's lock only.

    ``again``: begin anew once the stop is done. ``opened_at``: when this run was first connected. ``fresh_s``: end of
    what this run has recorded. ``over_at``: when the stream ended for good. Times are monotonic.
    """

    config: WatchConfig
    state: State = "stopped"
    since: datetime = field(default_factory=utc_now)
    error: dict[str, str] | None = None
    future: Future[WatchResult] | None = None
    watch: Watching | None = None
    stopping: bool = False
    again: bool = False
    leaving: bool = False
    attempts: int = 0
    runs: int = 0
    retry_at: float | None = None
    over_at: float | None = None
    opened_at: float | None = None
    last_segment: float | None = None
    fresh_s: float | None = None
    listen_at: float = 0.0
    unheard: bool = False
    soundless: bool = False
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
    """Looks after streams. All methods may be called from any thread; ``close`` once at the end.

    ``forget`` is called with the name of a stream that is removed, and some time after it ended.
    """

    def __init__(
        self,
        make: MakeWatch,
        emit: EventSink,
        options: SupervisorOptions | None = None,
        *,
        forget: Callable[[str], None] = _keep,
        heard: Heard = _never_heard,
    ) -> None:
        self._make = make
        self._sink = emit
        self._forget = forget
        self._heard = heard
        self._emit_lock = threading.Lock()
        self._options = options or SupervisorOptions()
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._slots: dict[str, _Slot] = {}
        self._gone: list[str] = []
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
        """Begin, or begin again at once; nothing changes for a stream that runs, one that ends begins again after that.

        Raises `ConflictError` for a stream that is being removed.
        """
        with self._lock:
            slot = self._slot(name)
            if slot.leaving:
                raise _leaving(name)
            if slot.future is None:
                slot.attempts = 0
                self._begin(slot)
            elif slot.stopping or slot.future.done():
                slot.again = True
            return _json(slot)

    def stop(self, name: str) -> Json:
        """Ask a stream to end gracefully; its state says when it has."""
        with self._lock:
            slot = self._slot(name)
            slot.retry_at, slot.again = None, False
            if slot.future is None:
                slot.enter("stopped")
                slot.over_at = time.monotonic()
            else:
                slot.stopping = True
                slot.enter("stopping")
                if slot.watch is not None:
                    slot.watch.stop()
            return _json(slot)

    def remove(self, name: str) -> None:
        """Stop a stream and forget it; what is recorded stays. Raises `ConflictError` when it takes long to end."""
        with self._lock:
            slot = self._slot(name)
            slot.leaving = True
            self.stop(name)
            future = slot.future
        if future is not None and not wait([future], _REMOVE_S).done:
            slot.leaving = False
            raise _leaving(name)
        with self._lock:
            self._slots.pop(name, None)
            self._gone.append(name)

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
        slot.retry_at = slot.over_at = slot.watch = slot.opened_at = slot.last_segment = slot.fresh_s = None
        slot.stopping = slot.behind = slot.unheard = slot.soundless = False
        slot.runs += 1
        slot.enter("starting")
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"stream-{slot.config.name}")
        try:
            slot.future = thread.submit(self._run, slot)
        except RuntimeError as error:
            # No thread to be had: a run that failed, tried again as any other.
            slot.future = Future()
            slot.future.set_exception(error)
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
                    return self._given(slot, event)
                case "no_audio" | "audio.resumed":
                    slot.soundless = event["event"] == "no_audio"
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

    def _given(self, slot: _Slot, event: Json) -> list[Json]:
        """The source gives: it is connected, or a segment is closed."""
        now = time.monotonic()
        slot.recorded_s = max(slot.recorded_s, event.get("end", 0.0))
        if event["event"] == "epoch":
            slot.opened_at = slot.opened_at or now
        elif slot.opened_at is None:
            # Left unlisted by an earlier run, and no word of the source yet.
            return []
        else:
            slot.fresh_s = max(slot.fresh_s or 0.0, event["end"])
            if now - slot.opened_at >= self._options.steady_s:
                slot.attempts = 0
        resumed, slot.silent = slot.silent, False
        slot.last_segment, slot.error = now, None
        if not slot.stopping:
            slot.enter("running")
        return [telling.stream_resumed(slot.config.name)] if resumed else []

    # What the supervisor's own thread does.

    def _look_after(self) -> None:
        while not self._closing.wait(_TICK_S):
            try:
                self._round()
            except Exception:  # noqa: BLE001 - without this thread no stream would ever begin again
                _log.exception("the supervisor goes on")

    def _round(self) -> None:
        told: list[Json] = []
        with self._lock:
            for slot in list(self._slots.values()):
                told += self._look(slot)
        for event in told:
            self._tell(event)
        self._listen()
        with self._lock:
            gone, self._gone = self._gone, []
            for name in gone:
                if name not in self._slots or self._slots[name].future is None:
                    self._forget(name)

    def _tell(self, event: Json) -> None:
        try:
            self._emit(event)
        except Exception:  # noqa: BLE001 - whoever is told of one stream must not cost the others their care
            _log.exception("event %s of %s not told", event["event"], event.get("stream"))

    def _listen(self) -> None:
        """Recognition that is stuck says nothing of its delay: what is recorded is held against what was heard."""
        now = time.monotonic()
        with self._lock:
            due = [slot for slot in self._slots.values() if slot.state == "running" and slot.listen_at <= now]
            due = [slot for slot in due if slot.fresh_s is not None and not slot.soundless]
            for slot in due:
                slot.listen_at = now + self._options.listen_every_s
        for slot in due:
            event = self._delay(slot)
            if event is not None:
                for told in (event, *self._noted(slot, event)):
                    self._tell(told)

    def _delay(self, slot: _Slot) -> Json | None:
        """A ``lag`` event while far more is recorded than heard, and one when it no longer is."""
        heard_s = self._heard(slot.config)
        with self._lock:
            if heard_s is None or slot.fresh_s is None:
                return None
            late_s = max(0.0, slot.fresh_s - heard_s)
            before, limit_s = slot.unheard, self._options.behind_s
            slot.unheard = late_s >= (limit_s / 2 if before else limit_s)
        if not slot.unheard and not before:
            return None
        return events.lag(slot.config.name, round(heard_s * 1000), round(late_s * 1000))

    def _look(self, slot: _Slot) -> list[Json]:
        now = time.monotonic()
        if slot.future is None:
            if slot.retry_at is not None and now >= slot.retry_at:
                self._begin(slot)
            elif slot.over_at is not None and now >= slot.over_at + self._options.forget_after_s:
                slot.over_at = None
                self._gone.append(slot.config.name)
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
        if slot.again:
            slot.again, slot.attempts, slot.retry_at = False, 0, time.monotonic()
        told = self._failed(slot, failure) if failure is not None else self._finished(slot, future.result().reason)
        slot.over_at = time.monotonic() if slot.retry_at is None else None
        return told

    def _finished(self, slot: _Slot, reason: str) -> list[Json]:
        again = slot.config.restart == "always" or (reason == "source_lost" and slot.config.restart != "never")
        if slot.stopping:
            slot.enter("stopped")
        elif again and reason != "already_done":
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


def _leaving(name: str) -> ConflictError:
    return ConflictError(
        "watch_stopping", f"“{name}”还在收尾，请稍后再移除。", f"“{name}” is still ending; remove it later."
    )


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
