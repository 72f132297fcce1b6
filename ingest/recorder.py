"""One epoch: one ffmpeg that writes segments and gives samples, watched until it ends.

Three threads serve it. One reads the list of closed segments and makes each durable at once; one
drains the samples and never waits for their consumer when the source is live (a full pipe would
stall the recording); one hands samples to the listener. The caller's thread watches over all.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Literal, Protocol, cast

import numpy as np

from core.egress import Egress, EgressError
from core.records import Epoch, Gap, Segment
from ingest.changes import Sight, SourceWatch
from ingest.commands import PTS_ORIGIN_MS, SAMPLE_RATE, StreamPlan, recording
from ingest.diagnosis import StreamNames, cause, playlist_lost
from ingest.layout import OPEN, epoch_path, segment_files
from ingest.pcm import Int16, PcmBlock, PcmBuffer
from ingest.process import Confinement, FfmpegProcess, takes_option
from ingest.route import Route, open_route
from ingest.segments import clear_open, close_segment, held, inspect, parse_listed, salvage, segment_of
from ingest.sources import Source

Ending = Literal[
    "ended",
    "stopped",
    "silent",
    "disconnected",
    "died",
    "rollover",
    "jumped",
    "changed",
    "disk_low",
    "disk_full",
    "stuck",
    "no_answer",
    "not_opened",
    "vague",
    "replan",
]
"""Why an epoch is over. ``no_answer``, ``not_opened``, ``vague`` and ``replan``: it never began."""

_POLL_S = 0.1
_DISK_CHECK_S = 2.0
_SETTLE_S = 0.5
_READ_BYTES = 64 * 1024
_FILE_OPEN_S = 60.0
_CPU_START_S = 120
_CPU_SHARE = 0.75
"""ffmpeg copies a live source with a hundredth of a processor; what keeps more than this share of one busy is stuck."""
_CPU_PER_MB, _CPU_FILE_S = 1, 600
"""A file is worked through as fast as it goes: seconds of the processor for each megabyte, and for any file."""
_GRACE_S = 2.0
"""ffmpeg's own time-out comes this much later than ours, which knows better what to call it."""


class RecordingListener(Protocol):
    """What a recording tells. Calls come from several threads; samples from one, in order.

    ``epoch_started`` comes before anything else of that epoch, ``epoch_ended`` after everything else.
    An exception raised here ends the recording and comes out of ``StreamRecorder.run``.
    """

    def epoch_started(self, epoch: Epoch) -> None:
        """A new stretch begins; codecs and offset are known."""

    def segment_closed(self, segment: Segment) -> None:
        """A segment is durable, hashed and under its final name."""

    def pcm(self, epoch: Epoch, first_sample: int, samples: Int16, arrived: float) -> None:
        """Samples at 16 kHz; ``first_sample`` counts from the epoch's start and jumps when some were dropped.

        ``arrived`` is the monotonic second at which the last of them came out of ffmpeg.
        """

    def epoch_ended(self, epoch: Epoch) -> None:
        """The stretch is over; ``epoch.complete`` says whether all of it was recorded."""

    def gap_opened(self, gap: Gap) -> None:
        """A live source was lost at ``gap.start_ms``; how long the gap becomes is told by `gap`, once it is back."""

    def gap(self, gap: Gap) -> None:
        """A stretch of stream time before the epoch just started was not recorded."""

    def audio_lost(self, epoch: Epoch, position_ms: int) -> None:
        """From ``position_ms`` (stream time) on pictures come, but no sound. It is back when samples come."""


@dataclass(frozen=True, slots=True)
class RecorderOptions:
    """How to record. Times in seconds; ``silent_after_s`` without a byte counts as a lost source.

    A live epoch ends after ``max_epoch_s``, because MPEG-TS time starts again after 26.5 hours. ``egress``: what may
    be connected to. ``ffmpeg_user``: whom ffmpeg runs as, when we are root.
    """

    ffmpeg: str
    realtime: bool = False
    segment_seconds: float = 4.0
    min_free_bytes: int = 0
    connect_timeout_s: float = 10.0
    silent_after_s: float = 20.0
    pcm_buffer_s: float = 60.0
    max_epoch_s: float = 24 * 3600.0
    egress: Egress = field(default_factory=Egress)
    ffmpeg_user: str = ""


@dataclass(frozen=True, slots=True)
class EpochOrder:
    """What to record where: numbers, folder and, for files, hashes already listed by sequence.

    ``at_edge``: what an HLS source still lists from before is recorded already.
    """

    stream: str
    number: int
    first_sequence: int
    source: Source
    plan: StreamPlan
    data_dir: Path
    known: Mapping[int, str]
    at_edge: bool = False

    @property
    def folder(self) -> Path:
        """Absolute folder of the epoch."""
        return epoch_path(self.data_dir, self.stream, self.number)


class EpochRecorder:
    """Records one epoch. ``begin`` turns codecs and wall start into the `Epoch` and announces it.

    After `run`, also one that raised: ``epoch`` (``None`` when nothing was opened), ``next_sequence``,
    ``end_pts_ms`` (PTS up to which it is recorded) and ``messages`` of ffmpeg.
    """

    def __init__(
        self,
        order: EpochOrder,
        options: RecorderOptions,
        listener: RecordingListener,
        begin: Callable[[StreamNames, datetime], Epoch],
        *,
        stop: Event,
        clock: Callable[[], datetime],
    ) -> None:
        self._order = order
        self._options = options
        self._listener = listener
        self._begin = begin
        self._stop = stop
        self._clock = clock
        self._live = order.source.live
        self._buffer = PcmBuffer(options.pcm_buffer_s, lossy=False)
        self._source = SourceWatch(audio=order.plan.audio, silent_after_s=options.silent_after_s)
        self._mute = False
        self._samples = 0
        self._began = 0.0
        self._wall_zero: datetime | None = None
        self.epoch: Epoch | None = None
        self.next_sequence = order.first_sequence
        self.end_pts_ms = PTS_ORIGIN_MS
        self.streams = StreamNames()
        self.messages: list[str] = []

    @property
    def length_ms(self) -> int:
        """How long the epoch is so far: the later of its last segment's end and its last sample."""
        return max(self.end_pts_ms - PTS_ORIGIN_MS, self._samples * 1000 // SAMPLE_RATE)

    @property
    def waits(self) -> bool:
        """Whether the source waits for whoever hears it; else a slow listener misses samples."""
        return not self._buffer.lossy

    def run(self) -> Ending:
        """Record until the source ends, fails, falls silent, or ``stop`` is set."""
        try:
            with open_route(self._order.source, self._options.egress) as route:
                ending = self._run_on(route)
                self.messages += route.notes()
        except EgressError as error:
            self.messages = [error.sentence.en]
            return "not_opened"
        return ending

    def _run_on(self, route: Route) -> Ending:
        open_folder = self._order.folder / OPEN
        open_folder.mkdir(parents=True, exist_ok=True)
        clear_open(self._order.folder)
        confinement = Confinement(route.environment, route.ports, self._options.ffmpeg_user, cpu_s=self._cpu_s())
        confinement.hand_over(open_folder)
        read_fd, write_fd = os.pipe()
        with os.fdopen(read_fd, encoding="utf-8") as listing:
            try:
                process = FfmpegProcess(
                    self._command(route, write_fd),
                    cwd=open_folder,
                    pass_fds=(write_fd,),
                    stdout=self._order.plan.audio,
                    confinement=confinement,
                )
            finally:
                os.close(write_fd)
            try:
                return self._run(process, listing)
            finally:
                process.close()
                if self.epoch is None or not self._live:
                    clear_open(self._order.folder)
                self._tidy(open_folder)

    def _cpu_s(self) -> int:
        """Seconds of the processor after which the kernel ends ffmpeg, whatever becomes of us."""
        if self._live:
            return _CPU_START_S + round(_CPU_SHARE * self._options.max_epoch_s)
        return _CPU_FILE_S + _CPU_PER_MB * (Path(self._order.source.location).stat().st_size // 1_000_000)

    def _command(self, route: Route, list_fd: int) -> list[str]:
        options, order = self._options, self._order
        return recording(
            options.ffmpeg,
            order.source,
            route,
            order.plan,
            first_sequence=order.first_sequence,
            segment_seconds=options.segment_seconds,
            list_fd=list_fd,
            realtime=options.realtime,
            timeout_s=options.silent_after_s + _GRACE_S,
            at_edge=order.at_edge,
            drop_changed=takes_option(options.ffmpeg, "drop_changed"),
        )

    def _run(self, process: FfmpegProcess, listing: Iterable[str]) -> Ending:
        if not self._opened(process):
            ending: Ending = "not_opened" if process.opened.is_set() else "no_answer"
            process.kill()
            process.stop()
            self.messages, self.streams = process.tail(), process.report.streams
            return "stopped" if self._stop.is_set() else ending
        self.streams = process.report.streams
        if self._live and process.report.vague and not self._order.plan.patient:
            process.kill()
            return "vague"
        if self._live and not (self.streams.fits_mpegts or self._order.plan.container == "matroska"):
            process.kill()
            return "replan"
        # The length that an RTMP server gives is that of a file it was fed with once: it never waits for us. Nor does
        # a file that is played at its own pace, as if it were live.
        finite = process.report.finite and self._order.source.kind != "rtmp"
        waits = finite if self._live else not self._options.realtime
        self._buffer = PcmBuffer(self._options.pcm_buffer_s, lossy=not waits)
        with ThreadPoolExecutor(3, thread_name_prefix="epoch") as pool:
            try:
                return self._record(process, listing, pool)
            finally:
                process.kill()
                self._buffer.close(discard=True)

    def _opened(self, process: FfmpegProcess) -> bool:
        deadline = time.monotonic() + (self._options.connect_timeout_s if self._live else _FILE_OPEN_S)
        while not process.opened.wait(_POLL_S):
            if self._stop.is_set() or time.monotonic() > deadline:
                return False
        return process.report.complete

    def _record(self, process: FfmpegProcess, listing: Iterable[str], pool: ThreadPoolExecutor) -> Ending:
        tasks: list[Future[None]] = []
        if self._order.plan.audio:
            tasks.append(pool.submit(self._drain, process.stdout.fileno()))
        else:
            self._buffer.close()
        epoch = self.epoch = self._begin(self.streams, self._wall_start())
        tasks.append(pool.submit(self._close_segments, listing, epoch))
        delivery = pool.submit(self._deliver, epoch)
        ending = self._watch(process, [*tasks, delivery])
        if ending == "failed" or (ending == "stopped" and not self._buffer.lossy):
            self._buffer.close(discard=True)
        if ending == "stopped" and not self._live:
            # A file is recorded again from its start: a segment closed half-way would then differ from the whole one.
            process.kill()
        code = process.stop()
        self.messages = process.tail()
        for task in tasks:
            task.result()
        if self._live:
            self._salvage_open(epoch)
        else:
            clear_open(self._order.folder)
        delivery.result()
        return self._ending(code, process) if ending in {"", "failed"} else cast("Ending", ending)

    def _wall_start(self) -> datetime:
        """Wall clock of the epoch's first sample.

        A live server sends what it holds at once, up to some segments. Their samples arrive later
        than they were made, so for a moment the earliest start that any arrival allows is sought.
        """
        opened = self._clock()
        if self._live and self._order.plan.audio:
            self._stop.wait(_SETTLE_S)
        return min(opened, self._wall_zero or opened)

    def _drain(self, fd: int) -> None:
        rest = b""
        while data := os.read(fd, _READ_BYTES):
            whole = rest + data
            even = len(whole) & ~1
            rest = whole[even:]
            samples = np.frombuffer(whole[:even], dtype=np.int16)
            block = PcmBlock(self._samples, samples, time.monotonic())
            self._samples += samples.size
            zero = self._clock() - timedelta(seconds=self._samples / SAMPLE_RATE)
            self._wall_zero = min(zero, self._wall_zero or zero)
            self._buffer.put(block)
        self._buffer.close()

    def _deliver(self, epoch: Epoch) -> None:
        while not self._buffer.drained:
            block = self._buffer.take()
            if block is not None and block.samples.size:
                self._listener.pcm(epoch, block.first_sample, block.samples, block.arrived)

    def _close_segments(self, listing: Iterable[str], epoch: Epoch) -> None:
        folder = self._order.folder
        for line in listing:
            named = parse_listed(line)
            found = inspect(folder / OPEN / named.name)
            if found is None:
                continue
            self._source.shapes.see(found.shape)
            listed = held(named, found, first=self._is_first(named.name))
            known = self._order.known.get(int(Path(listed.name).stem), "")
            closed = close_segment(folder / OPEN / listed.name, folder / listed.name, known_sha256=known)
            self._segment(segment_of(epoch, self._order.data_dir, closed, listed), known=bool(known))

    def _is_first(self, name: str) -> bool:
        return int(Path(name).stem) == self._order.first_sequence

    def _segment(self, segment: Segment, *, known: bool = False) -> None:
        self.next_sequence = segment.sequence + 1
        self.end_pts_ms = max(self.end_pts_ms, segment.pts_end_ms)
        if not known:
            self._listener.segment_closed(segment)

    def _salvage_open(self, epoch: Epoch) -> None:
        for path in segment_files(self._order.folder / OPEN):
            segment = salvage(epoch, self._order.data_dir, path)
            if segment is not None:
                self._segment(segment)

    def _watch(self, process: FfmpegProcess, tasks: Sequence[Future[None]]) -> str:
        """Wait while all is well; the reason to stop, or empty when ffmpeg ended by itself."""
        disk_due = self._began = time.monotonic()
        rollover_due = disk_due + self._options.max_epoch_s
        while process.running():
            now = time.monotonic()
            if any(task.done() and task.exception() for task in tasks):
                return "failed"
            if now >= disk_due:
                disk_due = now + _DISK_CHECK_S
                if shutil.disk_usage(self._order.data_dir).free < self._options.min_free_bytes:
                    return "disk_low"
            if self._live and (ending := self._interrupted(process, now)):
                return ending
            if self._live and now > rollover_due:
                return "rollover"
            if self._stop.wait(_POLL_S):
                return "stopped"
        return ""

    def _interrupted(self, process: FfmpegProcess, now: float) -> str:
        """Why a live epoch must end although ffmpeg would go on; empty when it need not.

        A source with a length is played from its start whenever it is opened, so its leaps are left to ffmpeg;
        but the length in FLV is what somebody wrote there.
        """
        if process.report.finite and process.report.container != "flv":
            return ""
        why = self._source.look(process.report, Sight(self._samples, self._progress(), now))
        if not self._buffer.lossy:
            return "" if why == "silent" else why
        if process.cpu_s() > _CPU_START_S + _CPU_SHARE * (now - self._began):
            return "stuck"
        if self._source.mute and not self._mute and self.epoch is not None:
            lost_ms = self.epoch.offset_ms + self._samples * 1000 // SAMPLE_RATE
            self._listener.audio_lost(self.epoch, lost_ms)
        self._mute = self._source.mute
        return why

    def _progress(self) -> int:
        """A number that changes whenever anything was recorded."""
        sizes = (path.stat().st_size for path in segment_files(self._order.folder / OPEN)[-1:] if path.exists())
        return self._samples + self.next_sequence + sum(sizes)

    def _ending(self, code: int, process: FfmpegProcess) -> Ending:
        if code < 0:
            return "died"
        if code != 0 and cause(self.messages) == "disk_full":
            return "disk_full"
        if not self._live:
            return "ended"
        report = process.report
        finite = report.finite or report.container == "hls"
        return "ended" if code == 0 and finite and not playlist_lost(self.messages) else "disconnected"

    def _tidy(self, open_folder: Path) -> None:
        """Leave no empty folders behind when nothing was recorded."""
        for folder in (open_folder, *open_folder.parents[:2]):
            if not any(folder.iterdir()):
                folder.rmdir()
