"""Watches one stream: records it, listens, judges, stores, and tells what happens as it happens."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from asr.scheduler import DecodeScheduler
from asr.transcriber import Listener
from claims.checker import Checker
from core.clock import plus_ms, seconds, utc_now
from core.egress import Egress
from core.errors import SourceError, StorageError
from core.records import Epoch, Gap, ModelIdentity, Segment, Stream
from core.shapes import Json
from evidence.leaves import How, Rules, Session
from evidence.live_log import LiveLog, SealOptions
from ingest.commands import SAMPLE_RATE
from ingest.layout import stream_path
from ingest.lock import StreamLock
from ingest.pcm import Int16
from ingest.room import LOOK_EVERY_S, Room
from ingest.segments import file_sha256, recover_orphans
from ingest.session import ReconnectPolicy, ResumePoint, SessionEnd, StreamRecorder
from ingest.sources import Source
from pipeline import events, telling
from pipeline.ear import EarContext
from pipeline.events import EventSink
from pipeline.hearing import Hearing
from pipeline.lifecycle import LifecyclePolicy
from pipeline.scribe import Scribe, shelf_of
from store import deletions, recordings, streams
from store.engine import Database

logger = logging.getLogger(__name__)

_WAITABLE = frozenset(
    {"disk_full", "disk_low", "store_unwritable", "log_unwritable", "checkpoint_unwritable", "audit_unwritable"}
)
"""Errors that pass when there is room again."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How a stream is recorded. ``min_free_bytes``: recording refuses to start with less free disk.

    ``egress``: what may be connected to; ``None``: the operator wrote the source down, see `StreamRecorder`.
    """

    realtime: bool = False
    segment_seconds: float = 4.0
    min_free_bytes: int = 0
    ffmpeg: str = ""
    reconnect: ReconnectPolicy = field(default_factory=ReconnectPolicy)
    egress: Egress | None = None
    ffmpeg_user: str = ""


@dataclass(frozen=True, slots=True)
class WatchParts:
    """What all watches of a process share. ``listener`` makes one that starts at a given ms, for live audio or not."""

    db: Database
    data_dir: Path
    checker: Checker
    model: ModelIdentity
    listener: Callable[[int, bool], Listener]
    scheduler: DecodeScheduler
    lifecycle: LifecyclePolicy = field(default_factory=LifecyclePolicy)
    seal: SealOptions = field(default_factory=SealOptions)


@dataclass(frozen=True, slots=True)
class WatchResult:
    """How a watch ended: reason, and what it added."""

    stream: str
    reason: str
    recorded_ms: int = 0
    utterances: int = 0
    alerts: int = 0
    gaps: int = 0
    truncated: bool = False


class StreamWatch:
    """One stream from its first packet to its last stored word. ``run`` blocks; ``stop`` ends it from any thread."""

    def __init__(
        self, parts: WatchParts, stream: Stream, source: Source, emit: EventSink, options: WatchOptions
    ) -> None:
        self._parts = parts
        self._stream = stream
        self._source = source
        self._options = options
        self._emit_lock = threading.Lock()
        self._sink = emit
        self._recorder: StreamRecorder | None = None
        self._stopped = False
        self._begun = False
        self._soundless = False
        self._unread = False
        self._gaps = 0
        self._before = (0, 0, 0)
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._room = Room(parts.data_dir, options.min_free_bytes)
        self._full = threading.Event()
        self._over = threading.Event()
        shelf = shelf_of(parts.db, stream.name, stream.product)
        scribe = Scribe(parts.db, parts.checker, parts.model, shelf, parts.lifecycle)
        self._log = LiveLog(parts.db, parts.data_dir, self._session(), parts.seal)
        self._ear_context = EarContext(parts.db, parts.data_dir, scribe, parts.listener, parts.scheduler, self._emit)
        self._hearing = self._new_hearing()

    def run(self) -> WatchResult:
        """Record and listen until the source ends or `stop` is called.

        Raises `ConflictError` when the stream is being watched already, and what the recorder raises.
        """
        folder = stream_path(self._parts.data_dir, self._stream.name)
        with StreamLock(folder), self._log:
            content = "" if self._source.live else file_sha256(Path(self._source.location))
            known = self._known_epoch(content)
            if known is not None and known.complete:
                return WatchResult(self._stream.name, "already_done")
            guard = threading.Thread(target=self._guard, name=f"disk-{self._stream.name}", daemon=True)
            guard.start()
            try:
                return self._until_ended(content, known)
            finally:
                self._over.set()
                guard.join()
                self._hearing.close()

    def stop(self) -> None:
        """Close the open segment, hear what is recorded, and return from `run`."""
        self._stopped = True
        if self._recorder is not None:
            self._recorder.stop()

    # What the recorder calls.

    def epoch_started(self, epoch: Epoch) -> None:
        """A source is connected. The first one opens the stream: a source that cannot be read leaves no trace."""
        with self._parts.db.write() as connection:
            stream = streams.open_stream(connection, self._stream)
            recordings.put_epoch(connection, epoch)
        if not self._begun:
            self._begun = True
            self._emit(events.stream_started(stream))
        self._log.started()
        self._emit(events.epoch_started(epoch))
        self._hearing.begin(epoch, waits=self._recorder is not None and self._recorder.waits)
        if not epoch.audio_codec:
            self.audio_lost(epoch, epoch.offset_ms)

    def segment_closed(self, segment: Segment) -> None:
        """A segment is on disk for good."""
        with self._parts.db.write() as connection:
            added = recordings.add_segment(connection, segment)
        self._log.judged_by(self._parts.model, self._rules())
        self._log.segment(segment)
        if added:
            self._emit(events.segment_closed(segment))

    def pcm(self, epoch: Epoch, first_sample: int, samples: Int16, arrived: float) -> None:
        """Audio to listen to; returns at once, but for a source that waits for whoever hears it."""
        if self._soundless:
            self._soundless = False
            end_ms = (first_sample + len(samples)) * 1000 // SAMPLE_RATE
            self._emit(events.audio_resumed(epoch.stream, epoch.offset_ms + end_ms))
        self._hearing.pcm(epoch, first_sample, samples, arrived)

    def epoch_ended(self, epoch: Epoch) -> None:
        """All segments and samples of this epoch were handed over: once heard it is complete.

        A file cut off by `stop` stays incomplete.
        """
        self._hearing.end(epoch)

    def audio_lost(self, epoch: Epoch, position_ms: int) -> None:
        """Pictures without sound; told once until the sound is back."""
        if not self._soundless:
            self._soundless = True
            self._emit(events.no_audio(epoch.stream, position_ms))

    def gap_opened(self, gap: Gap) -> None:
        """A live source was lost."""
        self._emit(events.gap_opened(gap))

    def gap(self, gap: Gap) -> None:
        """A stretch that was not recorded."""
        self._gaps += 1
        with self._parts.db.write() as connection:
            recordings.add_gap(connection, gap)
        self._log.gap(gap)
        self._emit(events.gap_found(gap))

    # Parts of `run`.

    def _until_ended(self, content: str, known: Epoch | None) -> WatchResult:
        """Record to the end. A live source outlasts a full disk: it waits for room, then goes on after a gap."""
        reason = "recorder_restarted"
        while True:
            try:
                if self._source.live:
                    self._log.catch_up()
                    self._recover()
                end = self._record_or_seek(content, known, reason)
                if not self._full.is_set() or self._stopped:
                    self._hearing.finish()
                    return self._ended(end)
            except StorageError as error:
                outlasted = self._source.live and self._begun and not self._stopped and error.code in _WAITABLE
                if not outlasted:
                    raise
                self._disk_full(error)
            self._wait_for_room()
            self._put_by()
            reason = "disk_full"

    def _record_or_seek(self, content: str, known: Epoch | None, reason: str) -> SessionEnd:
        """Record to the end. What was recorded of a file is heard, however that ends.

        A live source that cannot be opened is sought again as long as there is something left to hear from before.
        """
        for attempt in count():
            try:
                return self._record(content, known, reason)
            except SourceError:
                if not self._source.live:
                    self._hearing.finish()
                    raise
                if self._heard_within(self._options.reconnect.delay_s(attempt, self._rng)):
                    raise
        raise AssertionError

    def _heard_within(self, seconds: float) -> bool:
        """Whether all that is recorded is heard; waits so long for it, shorter when asked to stop."""
        deadline = time.monotonic() + seconds
        while not (idle := self._hearing.idle(0.2)) and time.monotonic() < deadline:
            if self._stopped or self._full.is_set():
                break
        return idle

    def _guard(self) -> None:
        """Tell of a full disk within seconds, whatever recorder and recognition are busy with, and end the epoch."""
        while not self._over.wait(LOOK_EVERY_S / 2):
            trouble = self._room.trouble() if self._source.live and self._begun else None
            if trouble is not None:
                self._disk_full(trouble)

    def _disk_full(self, error: StorageError) -> None:
        if not self._full.is_set():
            self._full.set()
            logger.error("%s: %s", self._stream.name, error)
            self._emit(telling.stream_disk_full(self._stream.name, error.as_dict()))
            if self._recorder is not None:
                self._recorder.stop()

    def _wait_for_room(self) -> None:
        """Returns when there is room again. Raises `StorageError` when asked to stop before."""
        while (trouble := self._room.trouble()) is not None:
            if self._stopped:
                raise trouble
            self._over.wait(LOOK_EVERY_S / 4)
        self._full.clear()
        self._emit(telling.stream_disk_freed(self._stream.name))

    def _put_by(self) -> None:
        """Keep the sums of what was heard, and give up what was not: it is read from the segments again."""
        self._hearing.close()
        self._before = self._sums()
        self._hearing = self._new_hearing()
        self._recorder = None

    def _sums(self) -> tuple[int, int, int]:
        """Utterances, alerts and milliseconds recorded by this run."""
        utterances, alerts, recorded = self._before
        return (
            utterances + self._hearing.utterances,
            alerts + self._hearing.alerts,
            recorded + (self._recorder.recorded_ms if self._recorder else 0),
        )

    def _rules(self) -> tuple[Rules, ...]:
        return tuple(Rules(pack.id, pack.version, pack.sha256) for pack in self._parts.checker.packs)

    def _session(self) -> Session:
        """What the segment log says of this run."""
        how: How = "recorded" if self._source.live else "received"
        return Session(
            self._stream, self._source.label, how, self._parts.seal.program, self._parts.model, self._rules()
        )

    def _emit(self, event: Json) -> None:
        with self._emit_lock:
            try:
                self._sink(event)
            except OSError as error:
                # Whoever read our output has gone; recording goes on, and the outbox still tells.
                if not self._unread:
                    logger.warning("%s: events are no longer shown: %s", self._stream.name, error)
                self._unread = True

    def _new_hearing(self) -> Hearing:
        self._ear_context.scribe.forget()
        live = self._source.live or self._options.realtime
        return Hearing(self._ear_context, live=live, patient=self._source.live)

    def _epochs(self) -> list[Epoch]:
        with self._parts.db.read() as connection:
            return recordings.list_epochs(connection, self._stream.name)

    def _known_epoch(self, content: str) -> Epoch | None:
        if not content:
            return None
        return next((epoch for epoch in self._epochs() if epoch.content_sha256 == content), None)

    def _recover(self) -> None:
        """List what an earlier watcher left unlisted; what it left unheard is heard before all that comes now."""
        name = self._stream.name
        with self._parts.db.read() as connection:
            unfinished = recordings.unfinished_epochs(connection, name)
            held = [recordings.list_segments(connection, name, epoch=epoch.number) for epoch in unfinished]
        known = {segment.path for segments in held for segment in segments}
        for segment in recover_orphans(self._parts.data_dir, unfinished, known):
            self.segment_closed(segment)
        for epoch in unfinished:
            self._hearing.recover(replace(epoch, complete=True))

    def _last(self, held: list[Segment]) -> Segment | None:
        """The newest segment, also one that was deleted since: its number is never given again."""
        with self._parts.db.read() as connection:
            deleted = deletions.last_deleted(connection, self._stream.name)
        known = [*held[-1:], *([deleted] if deleted else [])]
        return max(known, key=lambda segment: segment.sequence, default=None)

    def _resume_point(self, known: Epoch | None, held: list[Segment]) -> ResumePoint:
        last = self._last(held)
        after = last.sequence + 1 if last else 1
        if known is not None:
            first = next((s.sequence for s in held if s.epoch == known.number), after)
            return ResumePoint(known.number, first, known.offset_ms)
        number = max((epoch.number for epoch in self._epochs()), default=0) + 1
        if last is None:
            return ResumePoint(number)
        wall_end = plus_ms(last.wall_start, last.end_ms - last.start_ms) if self._source.live else None
        return ResumePoint(number, after, last.end_ms, wall_end)

    def _record(self, content: str, known: Epoch | None, gap_reason: str) -> SessionEnd:
        with self._parts.db.read() as connection:
            held = recordings.list_segments(connection, self._stream.name)
        mine = {} if known is None else {s.sequence: s.sha256 for s in held if s.epoch == known.number}
        options = self._options
        self._recorder = StreamRecorder(
            self._stream.name,
            self._source,
            self._parts.data_dir,
            self,
            ffmpeg=options.ffmpeg,
            resume=self._resume_point(known, held),
            realtime=options.realtime,
            segment_seconds=options.segment_seconds,
            min_free_bytes=options.min_free_bytes,
            policy=options.reconnect,
            known=mine,
            content_sha256=content,
            gap_reason=gap_reason,
            egress=options.egress,
            ffmpeg_user=options.ffmpeg_user,
        )
        if self._stopped or self._full.is_set():
            self._recorder.stop()
        return self._recorder.run()

    def _ended(self, end: SessionEnd) -> WatchResult:
        self._log.ended(end.reason)
        if self._begun:
            with self._parts.db.write() as connection:
                streams.end_stream(connection, self._stream.name, utc_now())
        utterances, alerts, recorded = self._sums()
        result = WatchResult(
            stream=self._stream.name,
            reason=end.reason,
            recorded_ms=recorded,
            utterances=utterances,
            alerts=alerts,
            gaps=self._gaps,
            truncated=end.truncated,
        )
        totals = {
            "recorded": seconds(result.recorded_ms),
            "utterances": result.utterances,
            "alerts": result.alerts,
            "gaps": result.gaps,
            "truncated": result.truncated,
        }
        self._emit(events.stream_ended(self._stream.name, end.reason, totals))
        return result
