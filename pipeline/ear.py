"""Listens to one epoch: live audio as it comes, anything missed from the segments on disk, and keeps the cursor.

Audio that was dropped from memory because recognition was too slow is read again from the closed segments, so that
every second is transcribed in the end. The thread that brings the audio cuts windows and hands them to the scheduler;
a thread of the ear's own writes down what comes back, in order.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.decode import AudioWindow, Decoded
from asr.lookahead import Lookahead
from asr.scheduler import DecodeScheduler, result_or_none
from asr.transcriber import RECALL_SAMPLES, Listener, utterances
from core.clock import utc_now
from core.errors import BadInputError
from core.records import AlertStatus, Epoch, Segment
from ingest.pcm import decode_pcm
from ingest.segments import inspect
from models.speech import FRAME_SAMPLES
from pipeline import events
from pipeline.arrivals import Arrivals
from pipeline.events import EventSink
from pipeline.holes import leave_hole
from pipeline.lifecycle import Change
from pipeline.scribe import Scribe
from store import recordings
from store.engine import Database
from store.holes import Hole

logger = logging.getLogger(__name__)

SAMPLE_RATE = 16_000
LAG_FROM_MS = 8_000
_PROVISIONAL_LAG_S = 3.0
_CURSOR_EVERY_MS = 5_000
_SEGMENT_WAIT_S = 30.0
_BLOCK_SAMPLES = SAMPLE_RATE // 4
_UNSPLIT_MS = 1_000_000


class EarClosedError(Exception):
    """The ear was closed while audio was being given to it."""


class LagTeller:
    """Tells how late the text of a stream is while it is too late, and once when it is not; over all its epochs."""

    def __init__(self) -> None:
        self._lagging = False
        self._stream = ""
        self._position_ms = 0

    def report(self, emit: EventSink, stream: str, position_ms: int, lag_ms: int) -> None:
        """The text up to ``position_ms`` (stream time) came, or is still awaited, ``lag_ms`` after its audio."""
        lagging = lag_ms >= LAG_FROM_MS
        if lagging or self._lagging:
            emit(events.lag(stream, position_ms, lag_ms))
        self._lagging, self._stream, self._position_ms = lagging, stream, position_ms

    def settle(self, emit: EventSink) -> None:
        """Nothing is left to be heard, or nobody hears any more."""
        if self._lagging:
            self.report(emit, self._stream, self._position_ms, 0)


@dataclass(frozen=True, slots=True)
class EarContext:
    """What the ears of a stream need. ``listener`` makes one that starts at a given ms, for live audio or not."""

    db: Database
    data_dir: Path
    scribe: Scribe
    listener: Callable[[int, bool], Listener]
    scheduler: DecodeScheduler
    emit: EventSink
    lag: LagTeller = field(default_factory=LagTeller)


@dataclass(frozen=True, slots=True)
class _Final:
    """A closed window being decoded; once it is written, everything before ``cursor_ms`` is done."""

    decoded: "Future[Decoded]"
    cursor_ms: int


@dataclass(frozen=True, slots=True)
class _Provisional:
    decoded: "Future[Decoded]"


@dataclass(frozen=True, slots=True)
class _Silence:
    cursor_ms: int


_Job = _Final | _Provisional | _Silence


class Ear:
    """Recognition of one epoch from its cursor on. One thread calls it; any may `close` it.

    ``live`` audio gets provisional decodes. ``arrivals``: when the audio came, where that is known.
    """

    def __init__(self, context: EarContext, epoch: Epoch, *, live: bool, arrivals: Arrivals | None = None) -> None:
        self._context = context
        self._epoch = epoch
        self._live = live
        self._arrivals = arrivals or Arrivals()
        with context.db.read() as connection:
            cursor = recordings.transcribed_ms(connection, epoch.stream, epoch.number)
        self._promised_ms = cursor
        self._next = (cursor - epoch.offset_ms) * SAMPLE_RATE // 1000
        self._listener = self._warm_listener()
        self._decoder = context.scheduler.stream(epoch.stream)
        self._lookahead = Lookahead(self._listener)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._closed = False
        self._damaged: set[int] = set()
        self.failed_at_ms: int | None = None
        self._writer = threading.Thread(target=self._write_all, name=f"ear-{epoch.stream}", daemon=True)
        self._writer.start()
        self.utterances = 0
        self.alerts = 0

    def hear(self, first_sample: int, samples: NDArray[np.int16], arrived: float | None = None) -> None:
        """Take audio that starts at ``first_sample`` of the epoch; known audio is skipped, missing audio fetched.

        ``arrived`` is the monotonic second at which the last of these samples came in. Raises what writing down
        earlier audio raised (``failed_at_ms`` then says up to where the window reached that could not be written),
        and `EarClosedError`.
        """
        if first_sample + len(samples) <= self._next:
            return
        if first_sample > self._next:
            self._catch_up(first_sample, wait=True)
        fresh = samples[max(0, self._next - first_sample) :]
        self._feed(fresh, arrived)

    def finish(self) -> None:
        """The epoch is over: transcribe what is recorded but not heard, then everything still open; returns when done.

        Raises what writing raised.
        """
        try:
            segments = self._segments()
            if segments:
                end_ms = max(s.end_ms for s in segments) - self._epoch.offset_ms
                self._catch_up(end_ms * SAMPLE_RATE // 1000, wait=False, pad=False)
            self._submit(self._listener.finish())
            self._jobs.put(_Silence(self._epoch.offset_ms + self._next * 1000 // SAMPLE_RATE))
            self._jobs.put(None)
            self._writer.join()
            self._raise_failure()
        finally:
            self.close()

    def close(self) -> None:
        """Give up what is not decoded yet; the cursor stays before it. Does nothing after `finish`."""
        self._closed = True
        self._decoder.close()
        self._jobs.put(None)
        self._writer.join()

    def _warm_listener(self) -> Listener:
        """One that goes on at the cursor as if it had heard the last seconds before it, where they are on disk."""
        count = min(RECALL_SAMPLES, self._next // FRAME_SAMPLES * FRAME_SAMPLES)
        first = self._next - count
        try:
            heard = list(self._recorded(first, self._next)) if count else []
        except (BadInputError, OSError) as error:
            logger.warning("%s: %s", self._epoch.stream, error)
            heard = []
        whole = sum(map(len, heard)) == count > 0
        listener = self._context.listener((first if whole else self._next) * 1000 // SAMPLE_RATE, self._live)
        if whole:
            listener.recall(np.concatenate(heard))
        return listener

    # The thread that brings the audio.

    def _feed(self, samples: NDArray[np.int16] | NDArray[np.float32], arrived: float | None = None) -> None:
        for first in range(0, len(samples), _BLOCK_SAMPLES):
            self._raise_failure()
            block = samples[first : first + _BLOCK_SAMPLES]
            self._next += len(block)
            self._submit(self._listener.feed(block))
            if self._live and arrived is not None and time.monotonic() - arrived < _PROVISIONAL_LAG_S:
                self._listen_ahead()

    def _submit(self, windows: list[AudioWindow]) -> None:
        settled = self._epoch.offset_ms + self._listener.settled_ms
        for index, window in enumerate(windows):
            last = index == len(windows) - 1
            until = settled if last or window.keep is None else self._epoch.offset_ms + window.keep[1]
            decoded = self._decoder.final(window)
            self._jobs.put(_Final(decoded, until))
            if self._closed:
                decoded.cancel()  # nobody decodes for a stream that has left
            self._promised_ms = until
            self._lookahead.closed()
        if settled - self._promised_ms >= _CURSOR_EVERY_MS:
            self._jobs.put(_Silence(settled))
            self._promised_ms = settled

    def _listen_ahead(self) -> None:
        """Have the open window decoded as it stands, when enough was said since the last time."""
        window = self._lookahead.due()
        if window is not None:
            self._jobs.put(_Provisional(self._decoder.provisional(window)))

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise EarClosedError

    # The thread that writes.

    def _write_all(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._write(job)
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that feeds this ear
                # A cancelled decode is no silence: whoever thinks that all is heard must not be told so.
                self.failed_at_ms = job.cursor_ms if isinstance(job, _Final) else None
                self._failure = error
                return

    def _write(self, job: _Job) -> None:
        if isinstance(job, _Silence):
            self._context.scribe.advance(self._epoch, job.cursor_ms)
            self._report_lag(job.cursor_ms)
        elif isinstance(job, _Provisional):
            decoded = result_or_none(job.decoded)
            if decoded is not None:
                heard = list(utterances(decoded, _UNSPLIT_MS))
                self._tell(self._context.scribe.suspect(heard, self._epoch, self._arrival))
        else:
            heard = list(utterances(job.decoded.result()))
            written = self._context.scribe.write(heard, self._epoch, job.cursor_ms, self._arrival)
            self.utterances += len(written.utterances)
            for utterance in written.utterances:
                self._context.emit(events.utterance_heard(utterance))
            self._tell(written.changes)
            self._report_lag(job.cursor_ms)

    def _tell(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            self.alerts += change.alert.status is AlertStatus.CONFIRMED and change.kind in {"raised", "confirmed"}
            self._context.emit(events.alert_changed(change))

    # Where audio comes from, and when it came.

    def _segments(self, first: int | None = None) -> list[Segment]:
        """Segments of this epoch that hold samples from ``first`` on, or from the next one that is to be heard."""
        start_ms = self._epoch.offset_ms + (self._next if first is None else first) * 1000 // SAMPLE_RATE
        with self._context.db.read() as connection:
            return recordings.list_segments(connection, self._epoch.stream, start_ms=start_ms, epoch=self._epoch.number)

    def _catch_up(self, until: int, *, wait: bool, pad: bool = True) -> None:
        """Feed the samples ``[next, until)`` from segments; what no segment holds counts as silence if ``pad``."""
        deadline = time.monotonic() + (_SEGMENT_WAIT_S if wait else 0)
        while self._next < until:
            before = self._next
            try:
                for block in self._on_disk(until):
                    self._feed(block)
            except (BadInputError, OSError) as error:
                if not self._damage_found():
                    raise
                logger.warning("%s: %s", self._epoch.stream, error)
                continue
            if self._next == before:
                self._raise_failure()
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.2)
        if pad and self._next < until:
            self._feed(np.zeros(until - self._next, dtype=np.int16))

    def _on_disk(self, until: int) -> Iterator[NDArray[np.float32]]:
        """Samples from the next on, as far as segments are listed; one that cannot be read is silence, and told."""
        for readable, run in groupby(self._segments(), self._readable):
            segments = list(run)
            if readable:
                yield from self._recorded(self._next, until, segments)
                continue
            for segment in segments:
                place = (segment.stream, segment.epoch, segment.start_ms, segment.end_ms)
                hole = Hole(*place, "recording_unreadable", utc_now())
                leave_hole(self._context.db, self._context.emit, hole, pass_by=False)
                missing = min(until, self._sample(segment.end_ms)) - self._next
                yield np.zeros(max(0, missing), dtype=np.float32)

    def _readable(self, segment: Segment) -> bool:
        if segment.sequence in self._damaged:
            return False
        try:
            (self._context.data_dir / segment.path).open("rb").close()
        except OSError as error:
            logger.warning("%s: %s", segment.stream, error)
            return False
        return True

    def _damage_found(self) -> bool:
        """Whether there are segments, not known before, that hold nothing which can be read."""
        listed = [segment for segment in self._segments() if segment.sequence not in self._damaged]
        bad = {s.sequence for s in listed if not self._readable(s) or inspect(self._context.data_dir / s.path) is None}
        self._damaged |= bad
        return bool(bad)

    def _recorded(self, first: int, until: int, segments: list[Segment] | None = None) -> Iterator[NDArray[np.float32]]:
        """Samples ``[first, until)``, as far as these segments, or all that are listed, hold them."""
        paths = [self._context.data_dir / s.path for s in (segments or self._segments(first))]
        if not paths:
            return
        start_ms = first * 1000 // SAMPLE_RATE
        position = start_ms * SAMPLE_RATE // 1000
        for block in decode_pcm(paths, start_ms=start_ms, origin_ms=self._epoch.pts_origin_ms):
            part = block[max(0, first - position) : max(0, until - position)]
            position += len(block)
            yield part
            if position >= until:
                return

    def _sample(self, stream_ms: int) -> int:
        return (stream_ms - self._epoch.offset_ms) * SAMPLE_RATE // 1000

    def _arrival(self, stream_ms: int) -> float | None:
        """Monotonic second at which the audio up to ``stream_ms`` was here; ``None`` where that is not known."""
        return self._arrivals.at(self._sample(stream_ms))

    def _report_lag(self, until_ms: int) -> None:
        """Tell how late the text up to ``until_ms`` (stream time) is."""
        if self._live:
            since = self._arrivals.waiting_since(self._sample(until_ms))
            lag_ms = round((time.monotonic() - since) * 1000)
            self._context.lag.report(self._context.emit, self._epoch.stream, until_ms, lag_ms)
