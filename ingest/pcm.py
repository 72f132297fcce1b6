"""16 kHz mono samples: read again from files and segments, and handed over between threads."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from ingest.commands import FILE_ONLY, SAMPLE_RATE, pcm_filter
from ingest.probe import file_error
from ingest.segments import TS_WRAP_MS, unwrapped_ms

Int16 = NDArray[np.int16]
Float32 = NDArray[np.float32]
_BLOCK_SAMPLES = 30 * SAMPLE_RATE
_SEEK_ABOVE_MS = 5_000
_SEEK_LEAD_MS = 1_000


@dataclass(frozen=True, slots=True)
class PcmBlock:
    """Neighbouring samples; ``first_sample`` counts from the epoch's start, ``arrived`` is in monotonic seconds."""

    first_sample: int
    samples: Int16
    arrived: float = 0.0


class PcmBuffer:
    """Bounded hand-over of samples from the thread that drains ffmpeg to the one that consumes.

    When ``lossy``, a full buffer forgets its oldest samples, and the next block's ``first_sample``
    jumps; otherwise `put` waits for room. Safe for any number of threads.
    """

    def __init__(self, capacity_s: float, *, lossy: bool) -> None:
        self._capacity = max(1, round(capacity_s * SAMPLE_RATE))
        self.lossy = lossy
        self._blocks: deque[PcmBlock] = deque()
        self._held = 0
        self._closed = False
        self._dropped = 0
        self._changed = threading.Condition()

    @property
    def dropped_samples(self) -> int:
        """Samples forgotten so far because the consumer was too slow."""
        return self._dropped

    @property
    def drained(self) -> bool:
        """Whether it is closed and everything has been taken."""
        with self._changed:
            return self._closed and not self._blocks

    def put(self, block: PcmBlock) -> None:
        """Hand over a block. After `close` it is forgotten at once."""
        with self._changed:
            if not self.lossy:
                self._changed.wait_for(lambda: self._closed or not self._full())
            if self._closed:
                return
            self._blocks.append(block)
            self._held += block.samples.size
            while self.lossy and self._full() and len(self._blocks) > 1:
                self._dropped += self._pop().samples.size
            self._changed.notify_all()

    def take(self, timeout_s: float | None = None) -> PcmBlock | None:
        """The oldest block; ``None`` when none came in ``timeout_s`` or when the buffer is `drained`."""
        with self._changed:
            self._changed.wait_for(lambda: self._blocks or self._closed, timeout_s)
            if not self._blocks:
                return None
            block = self._pop()
            self._changed.notify_all()
            return block

    def close(self, *, discard: bool = False) -> None:
        """No more puts; what is held can still be taken unless ``discard``."""
        with self._changed:
            self._closed = True
            if discard:
                self._blocks.clear()
                self._held = 0
            self._changed.notify_all()

    def _full(self) -> bool:
        return self._held > self._capacity

    def _pop(self) -> PcmBlock:
        block = self._blocks.popleft()
        self._held -= block.samples.size
        return block


def decode_pcm(paths: Sequence[Path], *, start_ms: int = 0, origin_ms: int | None = None) -> Iterator[Float32]:
    """16 kHz mono samples in [-1, 1] of files played one after another, in blocks of at most 30 s.

    ``origin_ms`` is the PTS that counts as 0; ``None``: the first timestamp of the first file. For the
    segments of an epoch pass ``epoch.pts_origin_ms``: then the samples from ``start_ms`` on are those the recorder
    gave live, at the same places. One decoder runs through all files, holes are silence, and memory
    stays bounded. A damaged file is read as far as it goes. Raises `BadInputError` for a first file
    that cannot be opened.
    """
    timeline = _Timeline(start_ms, origin_ms)
    pending: list[Int16] = []
    held = 0
    for samples in timeline.samples(paths):
        pending.append(samples)
        held += samples.size
        while held >= _BLOCK_SAMPLES:
            joined = np.concatenate(pending)
            yield _as_float(joined[:_BLOCK_SAMPLES])
            pending = [joined[_BLOCK_SAMPLES:]]
            held = pending[0].size
    if held:
        yield _as_float(np.concatenate(pending))


def _as_float(samples: Int16) -> Float32:
    return samples.astype(np.float32) / np.float32(32768)


class _Timeline:
    """Decodes and resamples onto one timeline; the decoder and the filter outlive single files."""

    def __init__(self, start_ms: int, origin_ms: int | None) -> None:
        self._start_ms = start_ms
        self._origin_ms = origin_ms
        self._next_sample = start_ms * SAMPLE_RATE // 1000
        self._graph: av.filter.Graph | None = None
        self._graph_key: tuple[int, str, str] | None = None
        self._skip = 0
        self._foretold = 0
        self._rate = 0
        self._wraps = False
        self._decoder: av.AudioCodecContext | None = None
        self._decoder_key: tuple[str, int, int, bytes] | None = None

    def samples(self, paths: Sequence[Path]) -> Iterator[Int16]:
        for index, path in enumerate(paths):
            yield from self._file(path, first=index == 0)
        if self._decoder is not None:
            yield from self._decoded(self._decoder, None)
        yield from self._flushed()

    def _file(self, path: Path, *, first: bool) -> Iterator[Int16]:
        try:
            container = av.open(f"file:{path}", options=FILE_ONLY)
        except av.error.FFmpegError as error:
            raise file_error(str(path), error) from error
        with container:
            if not container.streams.audio:
                return
            if self._origin_ms is None:
                self._origin_ms = round((container.start_time or 0) / 1000)
            self._wraps = container.format.name == "mpegts"
            if first and self._start_ms > _SEEK_ABOVE_MS:
                wanted = self._origin_ms + self._start_ms - _SEEK_LEAD_MS
                if self._wraps:
                    wanted = round(unwrapped_ms(wanted, (container.start_time or 0) / 1000))
                container.seek(wanted * 1000)
            stream = container.streams.audio[0]
            yield from self._use_decoder(stream.codec_context)
            yield from self._packets(container, stream)

    def _packets(self, container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[Int16]:
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.error.InvalidDataError):
                return
            if packet.size and self._decoder is not None:
                yield from self._decoded(self._decoder, packet)

    def _use_decoder(self, context: av.AudioCodecContext) -> Iterator[Int16]:
        key = (context.name, context.sample_rate or 0, context.channels, bytes(context.extradata or b""))
        if key == self._decoder_key:
            return
        if self._decoder is not None:
            yield from self._decoded(self._decoder, None)
        self._decoder, self._decoder_key = context, key

    def _decoded(self, decoder: av.AudioCodecContext, packet: "av.Packet[av.AudioStream] | None") -> Iterator[Int16]:
        try:
            frames = decoder.decode(packet)
        except (av.error.InvalidDataError, av.error.EOFError):
            return
        for frame in frames:
            yield from self._resampled(frame)

    def _resampled(self, frame: av.AudioFrame) -> Iterator[Int16]:
        if not self._place(frame):
            return
        key = (frame.sample_rate, frame.format.name, frame.layout.name)
        if key != self._graph_key or self._graph is None:
            yield from self._flushed()
            rate = frame.sample_rate
            first = min(frame.pts or 0, self._next_sample * rate // SAMPLE_RATE)
            self._skip = self._next_sample - first * SAMPLE_RATE // rate
            self._graph, self._graph_key = _graph(frame, first), key
        self._graph.push(frame)
        yield from self._pulled(self._graph)

    def _place(self, frame: av.AudioFrame) -> bool:
        """Count the frame's time in its own samples from the origin; ``False`` when it ends before the start.

        Containers that round times to milliseconds would otherwise make neighbours overlap by fractions
        of a sample: a time within one tick of what the previous frame foretold is taken as foretold.
        """
        rate = frame.sample_rate
        if frame.pts is not None and frame.time_base is not None:
            origin = Fraction(self._origin_ms or 0, 1000)
            start = round((frame.pts * frame.time_base - origin) * rate)
            if self._wraps:
                start = self._unwrapped(start, rate)
            foretold = self._foretold if rate == self._rate else start
            frame.pts = foretold if abs(start - foretold) <= frame.time_base * rate + 1 else start
        else:
            frame.pts = self._foretold if rate == self._rate else 0
        frame.time_base = Fraction(1, rate)
        self._foretold, self._rate = frame.pts + frame.samples, rate
        return self._foretold * SAMPLE_RATE > self._next_sample * rate or self._graph is not None

    def _unwrapped(self, start: int, rate: int) -> int:
        """``start`` of a frame of MPEG-TS, whose times may have begun again since the origin, in its own samples."""
        foretold = self._foretold if rate == self._rate else self._next_sample * rate // SAMPLE_RATE
        start_ms, near_ms = start * 1000 / rate, foretold * 1000 / rate
        if abs(near_ms - start_ms) < TS_WRAP_MS / 2:
            return start
        return round(unwrapped_ms(start_ms, near_ms) * rate / 1000)

    def _flushed(self) -> Iterator[Int16]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pulled(self._graph)
        self._graph = None

    def _pulled(self, graph: av.filter.Graph) -> Iterator[Int16]:
        while True:
            try:
                frame = graph.pull()
            except (BlockingIOError, EOFError):
                return
            if isinstance(frame, av.AudioFrame):
                samples = frame.to_ndarray().reshape(-1).astype(np.int16, copy=False)
                kept = samples[self._skip :]
                self._skip -= samples.size - kept.size
                self._next_sample += kept.size
                yield kept


def _graph(frame: av.AudioFrame, first_input_sample: int) -> av.filter.Graph:
    """The same filter as in the recording command, so that both give the same samples."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate, format=frame.format.name, layout=frame.layout.name, time_base=frame.time_base
    )
    resample = graph.add("aresample", pcm_filter(first_input_sample).partition("=")[2])
    mono = graph.add("aformat", f"sample_fmts=s16:channel_layouts=mono:sample_rates={SAMPLE_RATE}")
    sink = graph.add("abuffersink")
    source.link_to(resample)
    resample.link_to(mono)
    mono.link_to(sink)
    graph.configure()
    return graph
