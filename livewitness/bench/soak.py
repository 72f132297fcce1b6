"""``livewitness bench soak``: many streams for an hour in one process, and what grows meanwhile.

Every stream loops one of the recordings of ``bench live``. Memory, threads and open files are read every ten
seconds; what they grow by after the first ten minutes (the first sixth of a shorter run) is what leaks.
"""

import json
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np
from rich.table import Table

from core.errors import StorageError
from core.settings import Settings
from core.shapes import Json
from livewitness.bench.live import Counter, untranscribed_s, watch_files, write_wav
from livewitness.bench.machine import machine
from livewitness.bench.recordings import MAKERS
from livewitness.console import stdout
from livewitness.wiring import watch_parts, whisper_of
from models.speech import SAMPLE_RATE
from pipeline.live import WatchParts
from store import recordings
from store.engine import open_database

EVERY_S = 10.0
WARM_S = 600.0
_MEAN_OF = 6
_PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The process at one moment: ``at_s`` since the beginning."""

    at_s: float
    memory_mib: float
    threads: int
    open_files: int


@dataclass(slots=True)
class Tally:
    """Events of all streams, counted."""

    events: dict[str, int] = field(default_factory=dict)
    lag_s: float = 0.0

    def take(self, event: Json) -> None:
        """Count an event; called by the streams' threads."""
        name = event["event"] if event["event"] != "alert" else f"alert {event['status']}"
        self.events[name] = self.events.get(name, 0) + 1
        if event["event"] == "lag":
            self.lag_s = max(self.lag_s, event["lag"])


@dataclass(frozen=True, slots=True)
class Soak:
    """A long run. Growth is that of the means of a minute, after the process has warmed up."""

    streams: int
    seconds: float
    samples: tuple[Sample, ...]
    recorded_s: float
    lost_s: float
    late_s: float
    lag_s: float
    cpu_s: float
    events: dict[str, int]
    dropped: dict[str, int]

    @property
    def warm_s(self) -> float:
        """When growth begins to count."""
        return min(WARM_S, self.seconds / 6)

    def growth(self, what: str) -> float:
        """By how much ``memory_mib``, ``threads`` or ``open_files`` grew after `warm_s`."""
        running = [s for s in self.samples if s.at_s <= self.seconds]
        warm = [getattr(s, what) for s in running if s.at_s >= self.warm_s][:_MEAN_OF]
        last = [getattr(s, what) for s in running][-_MEAN_OF:]
        return round(fmean(last) - fmean(warm), 1) if warm else 0.0

    def as_dict(self) -> Json:
        """For JSON, with what grew."""
        grown = {f"{name}_growth": self.growth(name) for name in ("memory_mib", "threads", "open_files")}
        return asdict(self) | grown


def run_soak(out: Path | None = None, *, streams: int = 8, minutes: float = 60) -> Soak:
    """Run, print, and write JSON to ``out``. Raises `StorageError` when that cannot be written."""
    if out is not None and not out.parent.is_dir():
        raise StorageError("bench_out", f"无法写入 {out}。", f"{out} cannot be written.")
    settings = Settings()
    with tempfile.TemporaryDirectory(prefix="livewitness-soak-") as folder:
        soak = _run(settings, Path(folder), streams, minutes * 60)
    stdout.print(table(soak))
    if out is not None:
        body = {"machine": machine(), **soak.as_dict()}
        out.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return soak


def _run(settings: Settings, data: Path, streams: int, seconds: float) -> Soak:
    files = [_looped(data / f"{number}.wav", number, seconds) for number in range(streams)]
    engine = whisper_of(settings)
    database = open_database(data / "livewitness.db")
    meter, tally = Counter(), Tally()
    parts = watch_parts(settings.model_copy(update={"data": data}), database, engine, meter)
    samples: list[Sample] = []
    ended = threading.Event()
    began, cpu = time.monotonic(), time.process_time()
    sampler = threading.Thread(target=_sample, args=(samples, began, ended), name="soak-sampler")
    sampler.start()
    try:
        watch_files(parts, settings, files, [tally.take] * streams, seconds + _PATIENCE_S)
        wall, cpu = time.monotonic() - began, time.process_time() - cpu
        lost = sum(untranscribed_s(parts, number) for number in range(streams))
        recorded = sum(_recorded_s(parts, number) for number in range(streams))
    finally:
        ended.set()
        sampler.join()
        parts.scheduler.close()
        database.close()
    return Soak(
        streams=streams,
        seconds=seconds,
        samples=tuple(samples),
        recorded_s=round(recorded, 1),
        lost_s=round(lost, 2),
        late_s=round(max(0.0, wall - seconds), 1),
        lag_s=tally.lag_s,
        cpu_s=round(cpu, 1),
        events=dict(sorted(tally.events.items())),
        dropped=meter.drops,
    )


def _recorded_s(parts: WatchParts, number: int) -> float:
    """Seconds of a stream in its segments."""
    with parts.db.read() as connection:
        last = recordings.last_segment(connection, str(number))
    return last.end_ms / 1000 if last else 0.0


def _looped(path: Path, number: int, seconds: float) -> Path:
    """A recording written over and over until it fills the time; streams of a kind begin at different places."""
    recording = MAKERS[number % len(MAKERS)]()
    write_wav(path, np.roll(recording.samples, -number * SAMPLE_RATE), seconds)
    return path


def _sample(samples: list[Sample], began: float, ended: threading.Event) -> None:
    while not ended.wait(EVERY_S):
        samples.append(sample(time.monotonic() - began))


def sample(at_s: float) -> Sample:
    """This process as it is now."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    memory = int(fields["VmRSS"].split()[0]) / 1024
    return Sample(round(at_s, 1), round(memory, 1), int(fields["Threads"]), len(list(Path("/proc/self/fd").iterdir())))


def table(soak: Soak) -> Table:
    """The run for people."""
    where = machine()
    shown = Table(
        title=f"{soak.streams} streams for {soak.seconds / 60:g} min",
        caption=f"{where['date']} · {where['processor']} ({where['cores']} cores)",
        show_header=False,
    )
    first, last = soak.samples[0], soak.samples[-1]
    rows = {
        "memory MiB, first / most / last": f"{first.memory_mib:.0f} / "
        f"{max(s.memory_mib for s in soak.samples):.0f} / {last.memory_mib:.0f}",
        f"memory growth after {soak.warm_s / 60:g} min, MiB": f"{soak.growth('memory_mib'):+.1f}",
        "threads, growth": f"{soak.growth('threads'):+.1f}",
        "open files, growth": f"{soak.growth('open_files'):+.1f}",
        "recorded, all streams, s": f"{soak.recorded_s:.0f}",
        "audio never transcribed s": f"{soak.lost_s:.1f}",
        "last text after the end s": f"{soak.late_s:.1f}",
        "greatest lag s": f"{soak.lag_s:.1f}",
        "CPU-s per stream-s": f"{soak.cpu_s / max(1.0, soak.recorded_s):.3f}",
        "provisional decodes dropped": str(sum(soak.dropped.values())),
        "events": ", ".join(f"{name} {count}" for name, count in soak.events.items()),
    }
    for name, value in rows.items():
        shown.add_row(name, value)
    return shown
