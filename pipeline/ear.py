"""Listens to one epoch: live audio as it comes, anything missed from the segments on disk, and keeps the cursor.

Recording never waits for recognition. Audio that was dropped from memory because recognition was too slow is
read again from the closed segments, so that every second is transcribed in the end.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.transcriber import Heard, Transcriber
from core.records import Epoch, Segment
from ingest.pcm import decode_pcm
from pipeline import events
from pipeline.events import EventSink
from pipeline.scribe import Scribe
from store import recordings
from store.engine import Database

SAMPLE_RATE = 16_000
_CURSOR_EVERY_MS = 5_000
_SEGMENT_WAIT_S = 30.0
_LAG_FROM_MS = 15_000
_MARKS = 4_096
_BLOCK_SAMPLES = SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class EarContext:
    """What an ear needs besides its epoch. ``transcriber`` makes one that starts at a given ms."""

    db: Database
    data_dir: Path
    scribe: Scribe
    transcriber: Callable[[int], Transcriber]
    emit: EventSink


class Ear:
    """Recognition of one epoch from its cursor on. Not thread-safe: one ear, one thread."""

    def __init__(self, context: EarContext, epoch: Epoch, *, live: bool) -> None:
        self._context = context
        self._epoch = epoch
        self._live = live
        with context.db.read() as connection:
            cursor = recordings.transcribed_ms(connection, epoch.stream, epoch.number)
        self._cursor_ms = cursor
        self._next = (cursor - epoch.offset_ms) * SAMPLE_RATE // 1000
        self._transcriber = context.transcriber(cursor - epoch.offset_ms)
        self._marks: list[tuple[int, float]] = []
        self._lagging = False
        self.utterances = 0
        self.alerts = 0

    def hear(self, first_sample: int, samples: NDArray[np.int16], arrived: float | None = None) -> None:
        """Take audio that starts at ``first_sample`` of the epoch; known audio is skipped, missing audio fetched.

        ``arrived`` is the monotonic second at which the last of these samples came in.
        """
        end = first_sample + len(samples)
        if arrived is not None:
            self._mark(end, arrived)
        if end <= self._next:
            return
        if first_sample > self._next:
            self._catch_up(first_sample, wait=self._live)
        fresh = samples[max(0, self._next - first_sample) :]
        self._feed(fresh)
        self._report_lag(arrived)

    def finish(self) -> None:
        """The epoch is over: transcribe what is recorded but not heard, then everything still open."""
        segments = self._segments()
        if segments:
            end_ms = max(s.end_ms for s in segments) - self._epoch.offset_ms
            self._catch_up(end_ms * SAMPLE_RATE // 1000, wait=False, pad=False)
        self._write(self._transcriber.finish())
        self._advance(self._epoch.offset_ms + self._next * 1000 // SAMPLE_RATE)

    def _feed(self, samples: NDArray[np.int16] | NDArray[np.float32]) -> None:
        for first in range(0, len(samples), _BLOCK_SAMPLES):
            block = samples[first : first + _BLOCK_SAMPLES]
            self._next += len(block)
            self._write(self._transcriber.feed(block))

    def _write(self, heard: list[Heard]) -> None:
        settled = self._epoch.offset_ms + self._transcriber.decoded_ms
        for index, stretch in enumerate(heard):
            last = index == len(heard) - 1
            cursor = settled if last else self._epoch.offset_ms + stretch.end_ms
            written = self._context.scribe.write(stretch, self._epoch, cursor, self._arrival)
            self._cursor_ms = max(self._cursor_ms, cursor)
            if written.utterance is not None:
                self.utterances += 1
                self._context.emit(events.utterance_heard(written.utterance))
            for alert in written.alerts:
                self.alerts += 1
                self._context.emit(events.alert_raised(alert))
        if settled - self._cursor_ms >= _CURSOR_EVERY_MS:
            self._advance(settled)

    def _advance(self, cursor_ms: int) -> None:
        self._context.scribe.advance(self._epoch, cursor_ms)
        self._cursor_ms = max(self._cursor_ms, cursor_ms)

    def _segments(self) -> list[Segment]:
        start_ms = self._epoch.offset_ms + self._next * 1000 // SAMPLE_RATE
        with self._context.db.read() as connection:
            return recordings.list_segments(connection, self._epoch.stream, start_ms=start_ms, epoch=self._epoch.number)

    def _catch_up(self, until: int, *, wait: bool, pad: bool = True) -> None:
        """Feed the samples ``[next, until)`` from segments; what no segment holds counts as silence if ``pad``."""
        deadline = time.monotonic() + (_SEGMENT_WAIT_S if wait else 0)
        while self._next < until:
            before = self._next
            for block in self._recorded(until):
                self._feed(block)
            if self._next == before:
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.2)
        if pad and self._next < until:
            self._feed(np.zeros(until - self._next, dtype=np.int16))

    def _recorded(self, until: int) -> Iterator[NDArray[np.float32]]:
        paths = [self._context.data_dir / s.path for s in self._segments()]
        if not paths:
            return
        start_ms = self._next * 1000 // SAMPLE_RATE
        position = start_ms * SAMPLE_RATE // 1000
        for block in decode_pcm(paths, start_ms=start_ms, origin_ms=self._epoch.pts_origin_ms):
            part = block[max(0, self._next - position) : max(0, until - position)]
            position += len(block)
            yield part
            if position >= until:
                return

    def _mark(self, end_sample: int, arrived: float) -> None:
        self._marks.append((end_sample, arrived))
        if len(self._marks) > 2 * _MARKS:
            del self._marks[:_MARKS]

    def _arrival(self, stream_ms: int) -> float:
        """Monotonic second at which the audio up to ``stream_ms`` was here; now, where that is not known."""
        sample = (stream_ms - self._epoch.offset_ms) * SAMPLE_RATE // 1000
        at = bisect_left(self._marks, (sample, 0.0))
        return self._marks[at][1] if at < len(self._marks) else time.monotonic()

    def _report_lag(self, arrived: float | None) -> None:
        if arrived is None or not self._live:
            return
        lag_ms = round((time.monotonic() - arrived) * 1000)
        lagging = lag_ms >= _LAG_FROM_MS
        if lagging or self._lagging:
            position = self._epoch.offset_ms + self._next * 1000 // SAMPLE_RATE
            self._context.emit(events.lag(self._epoch.stream, position, lag_ms))
        self._lagging = lagging
