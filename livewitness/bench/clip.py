"""How long a clip takes out of a long recording, in both modes: the recording is made first, then cut."""

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import av
from av import Packet
from av.container import InputContainer
from av.stream import Stream as MediaStream
from rich.table import Table

from core.clock import plus_ms, timecode, utc_now
from core.errors import StorageError
from core.records import Epoch, Segment, Stream
from evidence.clip import Mode, cut_clip
from ingest.layout import epoch_path
from ingest.segments import file_sha256, measure
from livewitness.bench.machine import machine
from livewitness.broadcast import media_path
from livewitness.console import stdout
from store import recordings, streams
from store.engine import Database, open_database

_STREAM = "bench"
_ORIGIN_S = 2
_MODES: tuple[Mode, Mode] = ("copy", "exact")


@dataclass(frozen=True, slots=True)
class ClipTimes:
    """Seconds that cutting took, one for each place; ``lead_ms`` is how much earlier the files start."""

    mode: Mode
    seconds: tuple[float, ...]
    lead_ms: tuple[int, ...]
    segments_used: int
    size: int


@dataclass(frozen=True, slots=True)
class ClipReport:
    """What `run_clip_bench` measured, and where."""

    machine: dict[str, str | int]
    material: str
    picture: str
    recording_s: float
    recording_bytes: int
    segments: int
    clip_s: float
    modes: tuple[ClipTimes, ...]


def run_clip_bench(
    out: Path | None = None,
    *,
    hours: float = 4.0,
    clip_seconds: float = 20.0,
    places: int = 5,
    media: Path | None = None,
    folder: Path | None = None,
) -> ClipReport:
    """Repeat ``media`` (default: the bundled broadcast) to ``hours``, cut clips at ``places`` evenly spread places.

    Prints a table and writes JSON to ``out``. The recording lies in ``folder`` or the system's temporary
    folder, about 40 MB a minute of 5 Mbit/s material, and is removed. Raises what `cut_clip` raises.
    """
    if out is not None and not out.parent.is_dir():
        raise _unwritable(out)
    source = media or media_path()
    with tempfile.TemporaryDirectory(dir=folder) as name:
        data_dir = Path(name)
        db = open_database(data_dir / "livewitness.db")
        try:
            segments = record_repeated(db, data_dir, source, hours * 3600)
            modes = tuple(
                _cut_places(db, data_dir, segments, mode, clip_seconds=clip_seconds, places=places) for mode in _MODES
            )
        finally:
            db.close()
    report = ClipReport(
        machine(),
        source.name,
        _picture(source),
        (segments[-1].end_ms - segments[0].start_ms) / 1000,
        sum(s.size for s in segments),
        len(segments),
        clip_seconds,
        modes,
    )
    stdout.print(table(report))
    if out is not None:
        _write(report, out)
    return report


def record_repeated(db: Database, data_dir: Path, media: Path, seconds: float) -> list[Segment]:
    """One epoch of ``seconds``: the packets of ``media`` over and over, in segments like the recorder's."""
    epoch = Epoch(_STREAM, 0, 0, utc_now(), str(media), pts_origin_ms=_ORIGIN_S * 1000)
    folder = epoch_path(data_dir, _STREAM, 0)
    folder.mkdir(parents=True)
    _write_segments(media, folder, seconds)
    made = list(_listed(epoch, data_dir, folder))
    with db.write() as connection:
        streams.open_stream(connection, Stream(_STREAM, str(media)))
        recordings.put_epoch(connection, epoch)
        for segment in made:
            recordings.add_segment(connection, segment)
    return made


def _write_segments(media: Path, folder: Path, seconds: float) -> None:
    options = {"segment_time": "4", "segment_format": "mpegts"}
    with (
        av.open(str(media)) as source,
        av.open(str(folder / "%08d.ts"), "w", format="segment", options=options) as target,
    ):
        chosen = [*source.streams.video[:1], *source.streams.audio[:1]]
        copies = {stream.index: target.add_stream_from_template(stream) for stream in chosen}
        for packet, shift_s in _repeated(source, chosen, seconds):
            if packet.time_base is None or packet.pts is None or packet.dts is None:
                continue
            ticks = round((shift_s + _ORIGIN_S) / packet.time_base)
            packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            packet.stream = copies[packet.stream.index]
            target.mux(packet)


def _repeated(
    source: InputContainer, chosen: list[MediaStream], seconds: float
) -> Iterator[tuple["Packet[MediaStream]", float]]:
    """Packets of the file again and again, each with the seconds to shift it by."""
    earliest = latest = shift = 0.0
    while shift < seconds:
        source.seek(0)
        for packet in source.demux(*chosen):
            if packet.pts is None or packet.dts is None or packet.time_base is None:
                continue
            # Encoder delay and reordering start before 0: rounds must not overlap in decoding order.
            earliest = min(earliest, float(packet.dts * packet.time_base))
            latest = max(latest, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            yield packet, shift
        shift += latest - earliest


def _listed(epoch: Epoch, data_dir: Path, folder: Path) -> Iterator[Segment]:
    for path in sorted(folder.glob("*.ts")):
        measured = measure(path)
        if measured is None:
            continue
        start_ms, end_ms = (pts - epoch.pts_origin_ms for pts in measured)
        yield Segment(
            stream=_STREAM,
            epoch=0,
            sequence=int(path.stem),
            path=path.relative_to(data_dir).as_posix(),
            sha256=file_sha256(path),
            size=path.stat().st_size,
            pts_start_ms=measured[0],
            pts_end_ms=measured[1],
            start_ms=start_ms,
            end_ms=end_ms,
            wall_start=plus_ms(epoch.wall_start, start_ms),
        )


def _cut_places(
    db: Database, data_dir: Path, segments: list[Segment], mode: Mode, *, clip_seconds: float, places: int
) -> ClipTimes:
    first, last = segments[0].start_ms, segments[-1].end_ms - round(clip_seconds * 1000)
    taken: list[float] = []
    leads: list[int] = []
    used, size = 0, 0
    for number in range(places):
        # Off the grid of segments and frames, so that nothing falls on a border by chance.
        start_ms = first + (last - first) * (2 * number + 1) // (2 * places) + 137
        before = time.perf_counter()
        output = data_dir / f"{mode}{number}.mp4"
        clip = cut_clip(db, data_dir, _STREAM, start_ms, start_ms + round(clip_seconds * 1000), output, mode)
        taken.append(round(time.perf_counter() - before, 3))
        leads.append(clip.lead_ms)
        used, size = max(used, len(clip.segments)), max(size, clip.size)
    return ClipTimes(mode, tuple(taken), tuple(leads), used, size)


def _picture(media: Path) -> str:
    with av.open(str(media)) as container:
        if not container.streams.video:
            return "none"
        stream = container.streams.video[0]
        return f"{stream.codec_context.name} {stream.width}x{stream.height} {float(stream.average_rate or 0):g}/s"


def table(report: ClipReport) -> Table:
    """The report for people."""
    where = report.machine
    shown = Table(
        title=f"clip of {report.clip_s:g} s out of {timecode(round(report.recording_s * 1000))} · "
        f"{report.segments} segments, {report.recording_bytes / 1e6:.0f} MB · {report.picture}",
        caption=f"{where['date']} · {where['processor']} ({where['cores']} cores) · Python {where['python']}",
    )
    for column in ("mode", "median s", "worst s", "starts earlier, ms", "segments read", "MB"):
        shown.add_column(column, justify="left" if column == "mode" else "right")
    for m in report.modes:
        leads = f"{min(m.lead_ms)}–{max(m.lead_ms)}"
        times = (f"{median(m.seconds):.2f}", f"{max(m.seconds):.2f}")
        shown.add_row(m.mode, *times, leads, str(m.segments_used), f"{m.size / 1e6:.1f}")
    return shown


def _write(report: ClipReport, out: Path) -> None:
    try:
        out.write_text(json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(out) from error


def _unwritable(out: Path) -> StorageError:
    return StorageError("bench_out", f"无法写入 {out}。", f"{out} cannot be written.")
