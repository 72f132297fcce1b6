"""A clip with parts of its picture hidden and parts of its sound muted, encoded anew."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from core.errors import BadInputError
from evidence.masks import Box, Range
from evidence.packets import opened

Finder = Callable[[NDArray[np.uint8]], list[Box]]
_LOOK_EVERY_MS = 200
"""Faces are looked for this often; a box found hides its place until the next two looks and from the two before."""
_BLOCKS = 6
_FORMATS = {".mp4": "mp4", ".m4a": "mp4", ".mkv": "matroska"}


def find_boxes(source: Path, finder: Finder) -> list[Box]:
    """Where ``finder`` sees something, with the times of the file at which it is to be hidden."""
    boxes: list[Box] = []
    next_ms = 0
    with opened(source) as container:
        for frame in container.decode(container.streams.video[0]) if container.streams.video else ():
            at_ms = _ms(frame)
            if at_ms < next_ms:
                continue
            next_ms = at_ms + _LOOK_EVERY_MS
            when = Range(at_ms - 2 * _LOOK_EVERY_MS, at_ms + 2 * _LOOK_EVERY_MS)
            boxes += [replace(box, when=when) for box in finder(_picture(frame))]
    return boxes


def write_hidden(source: Path, target: Path, mute: Sequence[Range], boxes: Sequence[Box]) -> None:
    """Write ``source`` to ``target`` with its boxes hidden and its ranges muted; times are those of the file.

    Raises `BadInputError` when there is nothing to encode.
    """
    with opened(source) as container, av.open(str(target), "w", format=_FORMATS[target.suffix]) as out:
        chosen = [*container.streams.video[:1], *container.streams.audio[:1]]
        encoders = {stream.index: _encoder(out, stream) for stream in chosen}
        if not encoders:
            raise BadInputError("mask_no_media", "片段里没有画面也没有声音。", "The clip holds no picture or sound.")
        _encode_all(container, out, encoders, mute, boxes)
        for encoder in encoders.values():
            out.mux(encoder.encode(None))


def _encode_all(
    container: InputContainer,
    out: OutputContainer,
    encoders: dict[int, VideoStream | AudioStream],
    mute: Sequence[Range],
    boxes: Sequence[Box],
) -> None:
    chosen = [stream for stream in container.streams if stream.index in encoders]
    for packet in container.demux(*chosen):
        encoder = encoders[packet.stream.index]
        for frame in packet.decode():
            if isinstance(frame, VideoFrame) and isinstance(encoder, VideoStream):
                out.mux(encoder.encode(_hidden(frame, boxes)))
            elif isinstance(frame, AudioFrame) and isinstance(encoder, AudioStream):
                out.mux(encoder.encode(_muted(frame, mute)))


def _encoder(out: OutputContainer, stream: object) -> VideoStream | AudioStream:
    if isinstance(stream, VideoStream):
        video = out.add_stream("libx264", rate=stream.average_rate or Fraction(25))
        if not isinstance(video, VideoStream):
            raise TypeError("libx264 is no picture encoder")
        video.width, video.height, video.pix_fmt = stream.width // 2 * 2, stream.height // 2 * 2, "yuv420p"
        video.options = {"preset": "veryfast", "crf": "23"}
        return video
    if not isinstance(stream, AudioStream):
        raise TypeError("only picture and sound are encoded")
    audio = out.add_stream("aac", rate=stream.rate or 44_100)
    if not isinstance(audio, AudioStream):
        raise TypeError("aac is no sound encoder")
    audio.bit_rate = 96_000
    return audio


def _ms(frame: VideoFrame | AudioFrame) -> int:
    return round((frame.time or 0.0) * 1000)


def _hidden(frame: VideoFrame, boxes: Sequence[Box]) -> VideoFrame:
    at_ms = _ms(frame)
    now = [box for box in boxes if box.when is None or box.when.start_ms <= at_ms < box.when.end_ms]
    if not now:
        return frame
    picture = _picture(frame)
    for box in now:
        _mosaic(picture[box.y : box.y + box.height, box.x : box.x + box.width])
    changed = VideoFrame.from_ndarray(picture, format="rgb24")
    changed.pts, changed.time_base = frame.pts, frame.time_base
    return changed


def _picture(frame: VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8).copy()


def _mosaic(region: NDArray[np.uint8]) -> None:
    """Six by six blocks of one colour each, whatever the size: too few to make out what was there."""
    height, width = region.shape[:2]
    for row in range(_BLOCKS):
        for column in range(_BLOCKS):
            part = region[
                row * height // _BLOCKS : (row + 1) * height // _BLOCKS,
                column * width // _BLOCKS : (column + 1) * width // _BLOCKS,
            ]
            if part.size:
                part[...] = part.mean(axis=(0, 1)).astype(np.uint8)


def _muted(frame: AudioFrame, mute: Sequence[Range]) -> AudioFrame:
    start = frame.time or 0.0
    rate = frame.sample_rate
    spans = [(round((r.start_ms / 1000 - start) * rate), round((r.end_ms / 1000 - start) * rate)) for r in mute]
    inside = [(max(0, a), min(frame.samples, b)) for a, b in spans if b > 0 and a < frame.samples]
    if not inside:
        return frame
    samples = frame.to_ndarray().copy()
    per_sample = 1 if frame.format.is_planar else len(frame.layout.channels)
    for first, last in inside:
        samples[:, first * per_sample : last * per_sample] = 0
    changed = AudioFrame.from_ndarray(samples, format=frame.format.name, layout=frame.layout.name)
    changed.sample_rate, changed.pts, changed.time_base = rate, frame.pts, frame.time_base
    return changed
