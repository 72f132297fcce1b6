"""One frame of a recording as a picture: the frame that was on screen at a moment of the stream."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from core.errors import BadInputError
from evidence.clip import pts_us
from evidence.coverage import find_cover
from evidence.cutting import written_whole
from evidence.held import held_path
from evidence.packets import opened
from store.engine import Database

_ENCODERS = {".png": ("png", "rgb24"), ".jpg": ("mjpeg", "yuvj420p"), ".jpeg": ("mjpeg", "yuvj420p")}


def write_still(db: Database, data_dir: Path, stream: str, at_ms: int, output: Path) -> int:
    """Write the frame shown at ``at_ms`` as PNG or JPEG and return that frame's own stream time in ms.

    Raises what `evidence.clip.cut_clip` raises, and `BadInputError` when there is no picture at that time.
    """
    encoder = _encoder_of(output)
    cover = find_cover(db, stream, at_ms, at_ms + 1)
    candidates = [s for s in (cover.before, *cover.needed) if s is not None]
    target = pts_us(cover.epoch, at_ms)
    found: tuple[int, VideoFrame] | None = None
    # The segment itself almost always holds the frame; its neighbour only when it starts a moment later.
    for segment in reversed(candidates):
        found = _frame_at(held_path(data_dir, segment), target)
        if found is not None:
            break
    if found is None:
        raise _no_picture()
    frame_us, frame = found
    with written_whole(output) as partial:
        partial.write_bytes(_encoded(frame, *encoder))
    return at_ms + round((frame_us - target) / 1000)


def still_of_file(path: Path, at_ms: int, output: Path) -> None:
    """Write the frame that a media file shows at its own time ``at_ms``. Raises `BadInputError`, `StorageError`."""
    encoder = _encoder_of(output)
    found = _frame_at(path, at_ms * 1000)
    if found is None:
        raise _no_picture()
    with written_whole(output) as partial:
        partial.write_bytes(_encoded(found[1], *encoder))


def _encoder_of(output: Path) -> tuple[str, str]:
    suffix = output.suffix.lower()
    if suffix not in _ENCODERS:
        raise BadInputError(
            "still_suffix", f"截图只能存为 .png 或 .jpg（得到“{output.suffix}”）。", "Stills are .png or .jpg files."
        )
    return _ENCODERS[suffix]


def _no_picture() -> BadInputError:
    return BadInputError("still_no_picture", "这个时刻没有画面。", "There is no picture at that moment.")


def _frame_at(path: Path, target_us: int) -> tuple[int, VideoFrame] | None:
    """The last frame whose time is at or before ``target_us``."""
    found: tuple[int, VideoFrame] | None = None
    with opened(path) as container:
        for frame in _frames(container):
            if frame.pts is None or frame.time_base is None:
                continue
            time_us = round(frame.pts * frame.time_base * 1_000_000)
            # Half a millisecond: stream times are whole milliseconds, frame times are not.
            if time_us > target_us + 500:
                break
            found = (time_us, frame)
    return found


def _frames(container: InputContainer) -> Iterator[VideoFrame]:
    if container.streams.video:
        yield from container.decode(container.streams.video[0])


def _encoded(frame: VideoFrame, codec: str, pixels: str) -> bytes:
    buffer = BytesIO()
    with av.open(buffer, "w", format="image2pipe") as picture:
        encoder = picture.add_stream(codec, rate=1)
        if not isinstance(encoder, VideoStream):
            raise TypeError(f"{codec} is no picture encoder")
        encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, pixels
        plain = frame.reformat(format=pixels)
        plain.pts = None
        for packet in (*encoder.encode(plain), *encoder.encode(None)):
            picture.mux(packet)
    return buffer.getvalue()
