"""One scheduler over one engine for every stream of a process: who is decoded next, and what is left out.

Finals go first and are never dropped: a stream whose finals pile up has to wait in `StreamDecoder.final`, so
queues stay bounded and the audio stays on disk. Among streams the one that was served least comes first; one that
joins, or was silent, starts where the last one picked stood (start-time fair queueing, Goyal et al. 1996). What
time is left goes to provisional decodes, the stream that waits longest first; one that waited too long, or that
a newer one or the final of its window overtakes, is dropped and counted. An engine that gains from batches gets
windows of several streams at once.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Literal, Protocol

from asr.decode import FLAG_FULL_FRAMES, FLAG_LOOP, AudioWindow, Decoded, DecodeOptions, decode
from core.allocator import return_free
from core.errors import LiveWitnessError
from models.speech import SpeechEngine

Kind = Literal["final", "provisional"]
DropReason = Literal["late", "overtaken"]
# Decoding takes and frees blocks of megabytes; what lies free between them is handed back after so many decodes.
_TIDY_EVERY = 64
_LOOPED = frozenset({FLAG_FULL_FRAMES, FLAG_LOOP})


class Meter(Protocol):
    """Takes measurements; called from the scheduler's threads, must be quick."""

    def decoded(
        self, stream: str, kind: Kind, *, audio_s: float, waited_s: float, decode_s: float, looped: bool = False
    ) -> None:
        """A window was decoded. ``decode_s`` is wall time, shared evenly within a batch.

        ``looped``: the decoder repeated itself; the window was decoded once more, or its text cut.
        """

    def dropped(self, stream: str, reason: DropReason) -> None:
        """A provisional window was not decoded."""

    def queued(self, stream: str, kind: Kind, waiting: int) -> None:
        """So many windows of the stream now wait."""


class _NoMeter:
    def decoded(
        self, stream: str, kind: Kind, *, audio_s: float, waited_s: float, decode_s: float, looped: bool = False
    ) -> None:
        pass

    def dropped(self, stream: str, reason: DropReason) -> None:
        pass

    def queued(self, stream: str, kind: Kind, waiting: int) -> None:
        pass


@dataclass(frozen=True, slots=True)
class SchedulerOptions:
    """``workers`` decode at once; a stream may have ``queued_finals`` waiting before it has to wait itself.

    A provisional decode that could not begin within ``provisional_wait_s`` is dropped.
    """

    final: DecodeOptions = field(default_factory=DecodeOptions)
    provisional: DecodeOptions = field(default_factory=lambda: DecodeOptions(beam_size=1, retry=False, pad_frames=150))
    workers: int = 1
    queued_finals: int = 4
    provisional_wait_s: float = 1.5


@dataclass(eq=False, slots=True)
class _Job:
    """A window to decode. ``since``: when the stream began to wait for a decode of this kind."""

    lane: "_Lane"
    kind: Kind
    window: AudioWindow
    queued_at: float
    since: float
    future: "Future[Decoded]" = field(default_factory=Future)


@dataclass(eq=False, slots=True)
class _Lane:
    """One stream's queue. ``served_s`` is the audio decoded for it, the measure of fairness."""

    stream: str
    finals: deque[_Job] = field(default_factory=deque)
    provisional: _Job | None = None
    served_s: float = 0.0


class StreamDecoder:
    """A stream's way to the scheduler."""

    def __init__(self, scheduler: "DecodeScheduler", lane: _Lane) -> None:
        self._scheduler = scheduler
        self._lane = lane

    def final(self, window: AudioWindow) -> "Future[Decoded]":
        """Queue a window whose text will be stored. Waits while too many of this stream are queued.

        The stream's waiting provisional window is overtaken. Raises `LiveWitnessError` after `DecodeScheduler.close`.
        """
        return self._scheduler._put_final(self._lane, window)

    def provisional(self, window: AudioWindow) -> "Future[Decoded]":
        """Queue the open window as it stands; never waits. The future is cancelled when it is dropped."""
        return self._scheduler._put_provisional(self._lane, window)

    def close(self) -> None:
        """Leave the scheduler; what still waits is cancelled."""
        self._scheduler._remove(self._lane)


class DecodeScheduler:
    """Decodes for all streams with the threads of ``options.workers``; safe to use from any thread."""

    def __init__(
        self,
        engine: SpeechEngine,
        options: SchedulerOptions | None = None,
        meter: Meter | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._options = options or SchedulerOptions()
        self._meter: Meter = meter or _NoMeter()
        self._clock = clock
        self._lanes: list[_Lane] = []
        # Virtual time: how much the lane last picked had been served before.
        self._virtual_s = 0.0
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"decode-{number}", daemon=True)
            for number in range(self._options.workers)
        ]
        for thread in self._threads:
            thread.start()

    def stream(self, name: str) -> StreamDecoder:
        """Join with a stream; it has saved nothing up, and owes nothing."""
        with self._changed:
            self._refuse_if_closed()
            lane = _Lane(name, served_s=self._virtual_s)
            self._lanes.append(lane)
        return StreamDecoder(self, lane)

    def close(self) -> None:
        """Cancel what waits, finish what is being decoded, end the threads. May be called twice."""
        with self._changed:
            self._closed = True
            for lane in self._lanes:
                _cancel(lane)
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    # What streams do.

    def _put_final(self, lane: _Lane, window: AudioWindow) -> "Future[Decoded]":
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(lane.finals) < self._options.queued_finals)
            self._refuse_if_closed()
            if lane.provisional is not None:
                self._drop(lane.provisional, "overtaken")
            if not lane.finals:
                # A stream that was silent for long has saved up nothing.
                lane.served_s = max(lane.served_s, self._virtual_s)
            now = self._clock()
            job = _Job(lane, "final", window, now, now)
            lane.finals.append(job)
            self._report(lane)
            self._changed.notify_all()
        return job.future

    def _put_provisional(self, lane: _Lane, window: AudioWindow) -> "Future[Decoded]":
        with self._changed:
            self._refuse_if_closed()
            now = since = self._clock()
            if lane.provisional is not None:
                # The newer window keeps the place in the queue: else busy machines would never come to it.
                since = lane.provisional.since
                self._drop(lane.provisional, "overtaken")
            lane.provisional = _Job(lane, "provisional", window, now, since)
            self._report(lane)
            self._changed.notify_all()
            return lane.provisional.future

    def _remove(self, lane: _Lane) -> None:
        with self._changed:
            _cancel(lane)
            self._report(lane)
            if lane in self._lanes:
                self._lanes.remove(lane)
            self._changed.notify_all()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise LiveWitnessError("decoder_closed", "识别已经停止。", "Recognition has been shut down.")

    def _drop(self, job: _Job, reason: DropReason) -> None:
        job.lane.provisional = None
        job.future.cancel()
        self._meter.dropped(job.lane.stream, reason)
        self._report(job.lane)

    def _report(self, lane: _Lane) -> None:
        self._meter.queued(lane.stream, "final", len(lane.finals))
        self._meter.queued(lane.stream, "provisional", int(lane.provisional is not None))

    # What the threads do.

    def _work(self) -> None:
        decoded = 0
        while jobs := self._next():
            self._decode(jobs)
            decoded += 1
            if decoded % _TIDY_EVERY == 0:
                return_free()

    def _next(self) -> list[_Job]:
        """The jobs to decode now, of one kind; waits for them. Empty when the scheduler is closed."""
        with self._changed:
            while not self._closed:
                if jobs := self._take_finals() or self._take_provisionals():
                    self._changed.notify_all()
                    return jobs
                self._changed.wait()
        return []

    def _take_finals(self) -> list[_Job]:
        jobs: list[_Job] = []
        while len(jobs) < self._engine.batch_size:
            waiting = [lane for lane in self._lanes if lane.finals]
            if not waiting:
                break
            lane = min(waiting, key=lambda lane: (lane.served_s, lane.finals[0].queued_at))
            job = lane.finals.popleft()
            self._virtual_s = lane.served_s
            lane.served_s += job.window.seconds
            self._report(lane)
            if job.future.set_running_or_notify_cancel():
                jobs.append(job)
        return jobs

    def _take_provisionals(self) -> list[_Job]:
        now = self._clock()
        waiting = [lane.provisional for lane in self._lanes if lane.provisional is not None]
        jobs: list[_Job] = []
        for job in sorted(waiting, key=lambda job: job.since):
            if now - job.queued_at > self._options.provisional_wait_s:
                self._drop(job, "late")
            elif len(jobs) < self._engine.batch_size:
                job.lane.provisional = None
                self._report(job.lane)
                if job.future.set_running_or_notify_cancel():
                    jobs.append(job)
        return jobs

    def _decode(self, jobs: list[_Job]) -> None:
        kind = jobs[0].kind
        options = self._options.final if kind == "final" else self._options.provisional
        began = self._clock()
        try:
            results = decode(self._engine, [job.window for job in jobs], options)
        except BaseException as error:  # noqa: BLE001 - whatever a decode raises belongs to those who wait for it
            if len(jobs) == 1:
                jobs[0].future.set_exception(error)
                return
            # One bad window must not cost the other streams of its batch theirs.
            for job in jobs:
                self._decode([job])
            return
        share = (self._clock() - began) / len(jobs)
        for job, decoded in zip(jobs, results, strict=True):
            self._meter.decoded(
                job.lane.stream,
                kind,
                audio_s=job.window.seconds,
                waited_s=began - job.queued_at,
                decode_s=share,
                looped=not _LOOPED.isdisjoint(decoded.flags),
            )
            job.future.set_result(decoded)


def result_or_none(future: "Future[Decoded]") -> Decoded | None:
    """The result of a provisional decode, ``None`` when it was dropped; waits for it."""
    try:
        return future.result()
    except CancelledError:
        return None


def _cancel(lane: _Lane) -> None:
    for job in (*lane.finals, *((lane.provisional,) if lane.provisional else ())):
        job.future.cancel()
    lane.finals.clear()
    lane.provisional = None
