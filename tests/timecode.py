"""Recordings for tests: pictures that show their own number, sound whose pitch tells the time."""

import hashlib
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from core.clock import plus_ms
from core.records import Epoch, Segment, Stream
from ingest.commands import PTS_ORIGIN_MS, ffmpeg_path
from ingest.layout import epoch_path
from store import recordings, streams
from store.engine import Database

RATE = 48_000
FRAME_RATE = Fraction(30_000, 1001)
_BITS, _BLOCK = 16, 16
MOMENT = datetime(2026, 11, 11, 12, 0, tzinfo=UTC)


def numbered_frame(number: int) -> np.ndarray:
    """A grey picture whose 16 blocks are the bits of ``number``: white is 1."""
    bits = [(number >> bit) & 1 for bit in range(_BITS)]
    row = np.repeat(np.array([235 if bit else 16 for bit in bits], dtype=np.uint8), _BLOCK)
    return np.repeat(np.tile(row, (32, 1))[:, :, None], 3, axis=2)


def frame_number(frame: av.VideoFrame) -> int:
    """The number that a frame made by `numbered_frame` shows."""
    grey = frame.to_ndarray(format="gray")
    return sum(1 << bit for bit in range(_BITS) if grey[8:24, bit * _BLOCK + 4 : (bit + 1) * _BLOCK - 4].mean() > 128)


def chirp(seconds: float) -> np.ndarray:
    """A tone that rises steadily, so that no two moments sound alike."""
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * (200 * t + 50 * t * t))).astype(np.float32)


def write_media(path: Path, seconds: float, *, video: str = "libx264", audio: str = "aac") -> Path:
    """A media file with numbered frames at 29.97 a second and a chirp; either may be left out with ''."""
    with av.open(str(path), "w") as output:
        if video:
            pictures = output.add_stream(video, rate=FRAME_RATE, options={"g": "60", "bf": "2", "preset": "veryfast"})
            pictures.width, pictures.height, pictures.pix_fmt = 256, 32, "yuv420p"
        if audio:
            sound = output.add_stream(audio, rate=RATE, layout="mono")
        if video:
            for number in range(int(seconds * FRAME_RATE)):
                output.mux(pictures.encode(av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")))
            output.mux(pictures.encode(None))
        if audio:
            frame = av.AudioFrame.from_ndarray(chirp(seconds)[None, :], format="flt", layout="mono")
            frame.sample_rate, frame.pts = RATE, 0
            output.mux(sound.encode(frame))
            output.mux(sound.encode(None))
    return path


def record_epoch(db: Database, data_dir: Path, media: Path, epoch: Epoch, suffix: str = ".ts") -> list[Segment]:
    """Record a file as one epoch the way the recorder does: segments by stream copy, listed with hash and PTS."""
    folder = epoch_path(data_dir, epoch.stream, epoch.number)
    folder.mkdir(parents=True)
    with db.write() as connection:
        streams.open_stream(connection, Stream(epoch.stream, str(media), shop="花店"))
        recordings.put_epoch(connection, epoch)
        last = recordings.last_segment(connection, epoch.stream)
    first = last.sequence + 1 if last else 0
    told = _run_segmenter(media, folder, suffix, first).splitlines()
    made = []
    for line in told:
        name, start, end = line.split(",")
        made.append(_segment(epoch, data_dir, folder / name, _listed_pts(start), _listed_pts(end)))
    with db.write() as connection:
        for segment in made:
            recordings.add_segment(connection, segment)
        recordings.put_epoch(connection, replace(epoch, complete=True))
    return made


def _run_segmenter(media: Path, folder: Path, suffix: str, first: int) -> str:
    """Segments of about 2 s by stream copy, PTS shifted by `PTS_ORIGIN_MS`; returns the CSV list."""
    container = "mpegts" if suffix == ".ts" else "matroska"
    options = f"-map 0 -c copy -muxdelay 0 -muxpreload 0 -output_ts_offset {PTS_ORIGIN_MS / 1000}"
    segments = f"-f segment -segment_format {container} -segment_time 2 -segment_start_number {first}"
    listing = "-segment_list pipe:1 -segment_list_type csv"
    argv = [ffmpeg_path(), "-v", "error", "-i", str(media), *f"{options} {segments} {listing}".split()]
    done = subprocess.run([*argv, f"%08d{suffix}"], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def _listed_pts(seconds: str) -> int:
    """Milliseconds of PTS; the list says 0 for the start of the first segment, which is `PTS_ORIGIN_MS`."""
    return max(round(float(seconds) * 1000), PTS_ORIGIN_MS)


def _segment(epoch: Epoch, data_dir: Path, path: Path, pts_start_ms: int, pts_end_ms: int) -> Segment:
    start_ms = epoch.offset_ms + pts_start_ms - epoch.pts_origin_ms
    return Segment(
        stream=epoch.stream,
        epoch=epoch.number,
        sequence=int(path.stem),
        path=path.relative_to(data_dir).as_posix(),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size=path.stat().st_size,
        pts_start_ms=pts_start_ms,
        pts_end_ms=pts_end_ms,
        start_ms=start_ms,
        end_ms=start_ms + pts_end_ms - pts_start_ms,
        wall_start=plus_ms(epoch.wall_start, start_ms - epoch.offset_ms),
    )


def plain_epoch(stream: str, number: int = 0, offset_ms: int = 0) -> Epoch:
    """An epoch as the recorder opens it."""
    return Epoch(stream, number, offset_ms, MOMENT, "file:media", "h264", "aac", pts_origin_ms=PTS_ORIGIN_MS)
