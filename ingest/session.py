"""Recording a stream from first to last: epochs in a row, reconnects between them, gaps on record."""

import logging
import random
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Literal, Never

from core.clock import ms_between, plus_ms, utc_now
from core.egress import Egress
from core.errors import BadInputError, SourceError
from core.records import Epoch, Gap
from ingest.commands import PTS_ORIGIN_MS, StreamPlan, ffmpeg_path
from ingest.diagnosis import StreamNames, cause, disk_full, last_message, source_error, truncated
from ingest.probe import MediaInfo, probe_for_speech
from ingest.recorder import Ending, EpochOrder, EpochRecorder, RecorderOptions, RecordingListener
from ingest.route import naming
from ingest.segments import TS_WRAP_MS, free_bytes_error
from ingest.sources import Kind, Source

__all__ = ["ReconnectPolicy", "RecordingListener", "ResumePoint", "SessionEnd", "StreamRecorder"]

_log = logging.getLogger(__name__)
_SILENT_AFTER_S: dict[Kind, float] = {"file": 60, "hls": 20, "http": 8, "rtmp": 8, "rtsp": 8, "srt": 8}
_GAP_REASONS: dict[Ending, str] = {
    "silent": "source_silent",
    "disconnected": "source_disconnected",
    "died": "recorder_died",
    "rollover": "epoch_rollover",
    "jumped": "source_time_jumped",
    "changed": "source_changed",
    "stuck": "recorder_stuck",
}
_AT_ONCE: frozenset[Ending] = frozenset({"died", "rollover", "jumped", "changed"})
"""The source is there: an epoch that ended so is followed at once, and what came before is recorded."""
_HASTE_MS = 2_000
"""Unless it was shorter than this, so that a source that leaps all the time is not opened all the time."""
_MOST_BEHIND_S = 120.0
"""What a live server holds back at most; more means that the clock was set while the source was being opened."""
_MAX_REPLANS = 3
_SHORT_MS = 2_000


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where a stream goes on: the next numbers, its time, and the wall clock of the last recorded moment.

    For a file that is recorded again after a crash: the numbers that its epoch began with.
    """

    epoch: int = 1
    sequence: int = 1
    offset_ms: int = 0
    wall_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReconnectPolicy:
    """Exponential back-off: ``first_delay_s`` doubled up to ``max_delay_s``, each ± ``jitter`` of itself."""

    first_delay_s: float = 0.5
    max_delay_s: float = 30.0
    jitter: float = 0.3
    give_up_after_s: float = 120.0

    def delay_s(self, attempt: int, rng: random.Random) -> float:
        """Seconds to wait before the reconnect number ``attempt`` (from 0)."""
        base = min(self.max_delay_s, self.first_delay_s * 2.0 ** min(attempt, 30))
        return base * (1 + self.jitter * (2 * rng.random() - 1))


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """How a recording ended. ``truncated``: the file stopped before its proper end, at ``recorded_ms``."""

    reason: Literal["ended", "stopped", "source_lost"]
    epochs: int
    recorded_ms: int
    resume: ResumePoint
    truncated: bool = False
    message: str = ""


@dataclass
class _Progress:
    """What a session has recorded so far. ``steady_end``: monotonic second of the last recorded moment."""

    next: ResumePoint
    gap_reason: str
    steady_end: float | None = None
    epochs: int = 0
    recorded_ms: int = 0
    messages: list[str] = field(default_factory=list)


class StreamRecorder:
    """Records one source under one stream name and tells a `RecordingListener` all of it.

    The caller holds the stream's lock (`ingest.lock.StreamLock` on `ingest.layout.stream_path`) and has
    listed what `ingest.segments.recover_orphans` found. ``known`` (files only) maps the sequence numbers that
    are already listed to their SHA-256: such segments are made again, compared, and not told again. ``egress`` says
    what may be connected to; ``None``: the source was written down by the operator, whose word stands for its own
    host and port, and for nothing that it refers to.
    """

    def __init__(
        self,
        stream: str,
        source: Source,
        data_dir: Path,
        listener: RecordingListener,
        *,
        ffmpeg: str = "",
        resume: ResumePoint | None = None,
        realtime: bool = False,
        segment_seconds: float = 4.0,
        min_free_bytes: int = 256 * 1024 * 1024,
        policy: ReconnectPolicy | None = None,
        known: Mapping[int, str] | None = None,
        content_sha256: str = "",
        silent_after_s: float = 0,
        connect_timeout_s: float = 10.0,
        pcm_buffer_s: float = 60.0,
        max_epoch_s: float = 24 * 3600.0,
        clock: Callable[[], datetime] = utc_now,
        rng: random.Random | None = None,
        gap_reason: str = "recorder_restarted",
        egress: Egress | None = None,
        ffmpeg_user: str = "",
    ) -> None:
        self._stream = stream
        self._source = source
        self._data_dir = data_dir
        self._listener = listener
        self._options = RecorderOptions(
            ffmpeg=ffmpeg_path(ffmpeg),
            realtime=realtime,
            segment_seconds=segment_seconds,
            min_free_bytes=min_free_bytes,
            connect_timeout_s=connect_timeout_s,
            silent_after_s=silent_after_s or _SILENT_AFTER_S[source.kind],
            pcm_buffer_s=pcm_buffer_s,
            max_epoch_s=max_epoch_s,
            egress=egress or naming(Egress(), source),
            ffmpeg_user=ffmpeg_user,
        )
        self._policy = policy or ReconnectPolicy()
        self._known = dict(known or {})
        self._content_sha256 = content_sha256
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._stop = Event()
        self._epoch: EpochRecorder | None = None
        self._steady_start = 0.0
        resume = resume or ResumePoint()
        self._progress = _Progress(resume, gap_reason if resume.wall_end else "")

    @property
    def recorded_ms(self) -> int:
        """How much was recorded so far, also when `run` raised."""
        return self._progress.recorded_ms

    @property
    def waits(self) -> bool:
        """Whether the source of the present epoch waits for whoever hears it: a file, or a list with an end."""
        return self._epoch is not None and self._epoch.waits

    def stop(self) -> None:
        """End the recording gracefully, from any thread; `run` returns when the last segment is closed."""
        self._stop.set()

    def run(self) -> SessionEnd:
        """Record until the source ends, is lost for good, or `stop` is called.

        Raises `BadInputError` (file without audio or unreadable; nothing is written then), `SourceError`
        (a live source that cannot be opened at first), `StorageError` (disk full; closed segments are kept), and
        whatever the listener raises.
        """
        return self._run_live() if self._source.live else self._run_file()

    def _run_file(self) -> SessionEnd:
        info = probe_for_speech(self._source)
        ending, recorder = self._record_epoch(_file_plan(info))
        if ending == "died":
            raise SourceError(
                "ffmpeg_died", "ffmpeg 意外终止，请重新运行以继续。", "ffmpeg was killed; run again to go on."
            )
        if recorder.epoch is None and ending != "stopped":
            raise BadInputError(
                "not_media",
                f"无法读取该文件：{self._source.label}",
                f"The file cannot be read: {self._source.label} ({last_message(recorder.messages)})",
            )
        missing_ms = (info.duration_ms or 0) - self._progress.recorded_ms
        short = missing_ms > max(_SHORT_MS, (info.duration_ms or 0) // 50)
        cut = ending == "ended" and (short or truncated(recorder.messages))
        return self._end("stopped" if ending == "stopped" else "ended", truncated=cut)

    def _run_live(self) -> SessionEnd:
        plan = StreamPlan()
        attempt, replans, lost_at, at_edge = 0, 0, time.monotonic(), False
        while True:
            ending, recorder = self._record_epoch(plan, at_edge=at_edge)
            at_edge = ending in _AT_ONCE and recorder.length_ms >= _HASTE_MS
            if recorder.epoch is not None:
                attempt, replans, lost_at = 0, 0, time.monotonic()
                self._progress.gap_reason = _GAP_REASONS.get(ending, "source_disconnected")
                if ending not in {"ended", "stopped"}:
                    self._open_gap(recorder.epoch)
            elif ending != "stopped":
                changed = _changed_plan(plan, ending, recorder)
                if changed != plan and replans < _MAX_REPLANS:
                    plan, replans = changed, replans + 1
                    continue
                if self._progress.epochs == 0:
                    self._cannot_open(ending, recorder)
            if ending in {"ended", "stopped"}:
                return self._end("stopped" if ending == "stopped" else "ended")
            if time.monotonic() - lost_at >= self._policy.give_up_after_s:
                return self._end("source_lost")
            _log.warning("%s: %s; reconnecting", self._stream, last_message(recorder.messages) or ending)
            if self._stop.wait(0 if at_edge else self._policy.delay_s(attempt, self._rng)):
                return self._end("stopped")
            attempt, plan = attempt + 1, replace(plan, audio=True)

    def _open_gap(self, epoch: Epoch) -> None:
        """Say at once that a source is lost: it may be long until it is back."""
        at = self._progress.next
        wall = at.wall_end or self._clock()
        reason = self._progress.gap_reason
        self._listener.gap_opened(Gap(self._stream, epoch.number, at.offset_ms, at.offset_ms, reason, wall, wall))

    def _record_epoch(self, plan: StreamPlan, *, at_edge: bool = False) -> tuple[Ending, EpochRecorder]:
        self._check_disk()
        start = self._progress.next
        folder = self._data_dir.absolute()
        order = EpochOrder(self._stream, start.epoch, start.sequence, self._source, plan, folder, self._known, at_edge)
        recorder = EpochRecorder(order, self._options, self._listener, self._begin, stop=self._stop, clock=self._clock)
        self._epoch = recorder
        ending: Ending = "died"
        whole = False
        try:
            ending = recorder.run()
            whole = True
        finally:
            self._finish(recorder, ending, whole=whole)
        if ending == "disk_low":
            self._check_disk()
        if ending in {"disk_low", "disk_full"}:
            raise disk_full(str(self._data_dir))
        return ending, recorder

    def _begin(self, streams: StreamNames, wall_start: datetime) -> Epoch:
        """Announce the next epoch and the gap before it."""
        last = self._progress.next
        offset_ms, gap_ms = last.offset_ms, 0
        behind_s = ms_between(wall_start, self._clock()) / 1000
        self._steady_start = time.monotonic() - min(max(0.0, behind_s), _MOST_BEHIND_S)
        if self._source.live and last.wall_end is not None:
            gap_ms = max(0, self._since_ms(last.wall_end, wall_start))
        epoch = Epoch(
            stream=self._stream,
            number=last.epoch,
            offset_ms=offset_ms + gap_ms,
            wall_start=wall_start,
            source=self._source.label,
            video_codec=streams.video,
            audio_codec=streams.audio,
            content_sha256=self._content_sha256,
            pts_origin_ms=PTS_ORIGIN_MS,
        )
        self._progress.epochs += 1
        self._listener.epoch_started(epoch)
        if self._source.live and last.wall_end is not None:
            reason = self._progress.gap_reason
            end_ms = offset_ms + gap_ms
            self._listener.gap(Gap(self._stream, epoch.number, offset_ms, end_ms, reason, last.wall_end, wall_start))
        return epoch

    def _since_ms(self, wall_end: datetime, wall_start: datetime) -> int:
        """How long nothing was recorded: as time itself went on, since a clock may be set in between.

        Between two processes there is only the clock.
        """
        if self._progress.steady_end is None:
            return ms_between(wall_end, wall_start)
        return round((self._steady_start - self._progress.steady_end) * 1000)

    def _finish(self, recorder: EpochRecorder, ending: Ending, *, whole: bool) -> None:
        epoch = recorder.epoch
        if epoch is None:
            return
        length_ms = recorder.length_ms
        self._progress.steady_end = self._steady_start + length_ms / 1000
        self._progress.recorded_ms += length_ms
        self._progress.messages = recorder.messages
        self._progress.next = ResumePoint(
            epoch.number + 1,
            recorder.next_sequence,
            epoch.offset_ms + length_ms,
            plus_ms(epoch.wall_start, length_ms),
        )
        # After an error a closed segment may lie on disk unlisted: whoever goes on looks for it.
        complete = whole and (self._source.live or ending == "ended")
        self._listener.epoch_ended(replace(epoch, complete=complete))

    def _check_disk(self) -> None:
        existing = next(p for p in (self._data_dir.absolute(), *self._data_dir.absolute().parents) if p.exists())
        free = shutil.disk_usage(existing).free
        if free < self._options.min_free_bytes:
            raise free_bytes_error(self._data_dir, free, self._options.min_free_bytes)

    def _cannot_open(self, ending: Ending, recorder: EpochRecorder) -> Never:
        why = "timeout" if ending == "no_answer" else cause(recorder.messages)
        _log.info("%s: %s", self._stream, last_message(recorder.messages))
        raise source_error(self._source.label, why)

    def _end(self, reason: Literal["ended", "stopped", "source_lost"], *, truncated: bool = False) -> SessionEnd:
        progress = self._progress
        message = last_message(progress.messages) if truncated or reason == "source_lost" else ""
        return SessionEnd(reason, progress.epochs, progress.recorded_ms, progress.next, truncated, message)


def _file_plan(info: MediaInfo) -> StreamPlan:
    names = StreamNames(info.video.codec if info.video else "", info.audio.codec if info.audio else "")
    wraps = (info.duration_ms or 0) + PTS_ORIGIN_MS >= TS_WRAP_MS
    return StreamPlan("mpegts" if names.fits_mpegts and not wraps else "matroska")


def _changed_plan(plan: StreamPlan, ending: Ending, recorder: EpochRecorder) -> StreamPlan:
    """The plan that suits what ffmpeg found; the same one when another plan would not help."""
    if ending == "vague":
        return replace(plan, patient=True)
    if ending == "replan":
        return replace(plan, container="matroska")
    if cause(recorder.messages) == "no_stream" and recorder.streams.video:
        return replace(plan, audio=False)
    return plan
