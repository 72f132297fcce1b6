"""``livewitness bench live``: many recordings at their own pace as live streams, alerts against what was said.

Every stream takes the real path: ffmpeg, segments, ears, the one scheduler, the database. Latencies run from the
moment at which the last of the words had arrived. ``term`` counts a spoken term found in final text by sound and
one error; ``claim`` an unlawful sentence with an alert on it.
"""

import json
import resource
import tempfile
import threading
import time
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from asr.scheduler import DropReason, Kind
from claims.checker import Checker, load_checker
from core.errors import StorageError
from core.records import Stream, Verdict
from core.settings import Settings
from core.shapes import Json
from ingest.sources import parse_source
from livewitness import __version__
from livewitness.bench.live_table import table
from livewitness.bench.machine import machine
from livewitness.bench.recordings import Recording, lawful_recordings, recordings
from livewitness.bench.rolling import RollingStream, Said
from livewitness.bench.scoring import Score, score
from livewitness.broadcast import TruthSentence
from livewitness.console import stdout
from livewitness.wiring import watch_options, watch_parts, whisper_of
from models.peer import load_peer, peer_version
from models.speech import SAMPLE_RATE, Samples
from models.whisper import WhisperEngine
from pipeline.events import EventSink
from pipeline.live import StreamWatch, WatchParts
from store import recordings as stored
from store.engine import open_database

_PATIENCE_S = 180.0
_NEAR_S = 0.5


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 95th percentile, in seconds, of so many values."""

    count: int
    p50: float
    p95: float


def spread(values: Sequence[float]) -> Spread:
    """Percentiles of ``values``; zeros where there are none."""
    if not values:
        return Spread(0, 0.0, 0.0)
    return Spread(len(values), round(float(np.percentile(values, 50)), 3), round(float(np.percentile(values, 95)), 3))


@dataclass(slots=True)
class Told:
    """What one stream told: alert events with their own latencies, utterance texts, lag."""

    alerts: list[Json] = field(default_factory=list)
    text: str = ""
    lag_s: float = 0.0
    ended: bool = False

    def take(self, event: Json) -> None:
        """Note an event."""
        match event["event"]:
            case "alert":
                self.alerts.append(event)
            case "utterance":
                self.text += event["text"]
            case "lag":
                self.lag_s = max(self.lag_s, event["lag"])
            case "stream.ended":
                self.ended = True


class Counter:
    """The scheduler's measurements: dropped provisional windows, decodes and their time."""

    def __init__(self) -> None:
        self.drops: dict[str, int] = {}
        self.decodes: dict[str, int] = {}
        self.decode_s: dict[str, float] = {}
        self.waits: dict[str, list[float]] = {"final": [], "provisional": []}

    def decoded(
        self, stream: str, kind: Kind, *, audio_s: float, waited_s: float, decode_s: float, looped: bool = False
    ) -> None:
        """A window was decoded."""
        self.decodes[kind] = self.decodes.get(kind, 0) + 1
        self.decode_s[kind] = self.decode_s.get(kind, 0.0) + decode_s
        self.waits[kind].append(waited_s)

    def dropped(self, stream: str, reason: DropReason) -> None:
        """A provisional window was dropped."""
        self.drops[reason] = self.drops.get(reason, 0) + 1

    def queued(self, stream: str, kind: Kind, waiting: int) -> None:
        """Not of interest here."""


@dataclass(frozen=True, slots=True)
class Run:
    """One system on so many streams. ``column`` is its short name; ``stream_s`` all streams' seconds together.

    ``claims_suspected_first``: of the claims found, those suspected before they were confirmed. ``late_s``: how long
    after the sound's end the last text was stored. ``false_ones`` name each false alert and what was really said.
    """

    system: str
    column: str
    streams: int
    seconds: float
    suspected: Spread
    confirmed: Spread
    claims: int
    claims_found: int
    claims_suspected: int
    claims_suspected_first: int
    alerts: int
    withdrawn: int
    false_alerts: int
    false_suspicions: int
    lawful_s: float
    score: Score
    cpu_s: float
    ffmpeg_cpu_s: float
    peak_mib: int
    lost_s: float
    late_s: float
    lag_s: float
    decodes: Json = field(default_factory=dict)
    terms_by_recording: dict[str, str] = field(default_factory=dict)
    false_ones: tuple[str, ...] = ()

    @property
    def stream_s(self) -> float:
        """Seconds of all streams together."""
        return self.streams * self.seconds

    @property
    def cpu_s_per_stream_s(self) -> float:
        """What a second of a stream costs, both passes and everything else in this process."""
        return self.cpu_s / self.stream_s

    @property
    def provisional_made(self) -> int:
        """Provisional windows decoded."""
        return int(self.decodes.get("decodes", {}).get("provisional", 0))

    @property
    def provisional_dropped(self) -> int:
        """Provisional windows that were not decoded: too late, or overtaken."""
        return sum(self.decodes.get("dropped", {}).values())

    def an_hour(self, count: int) -> float:
        """``count`` for each hour of a stream."""
        return 3600 * count / max(1.0, self.stream_s)

    def as_dict(self) -> Json:
        """For JSON, with the rates."""
        return asdict(self) | {
            "cer": round(self.score.cer, 4),
            "terms_near": round(self.score.terms_near / max(1, self.score.terms), 4),
            "cpu_s_per_stream_s": round(self.cpu_s_per_stream_s, 4),
            "false_alerts_an_hour": round(self.an_hour(self.false_alerts), 2),
            "false_suspicions_an_hour": round(self.an_hour(self.false_suspicions), 2),
            "withdrawn_an_hour": round(self.an_hour(self.withdrawn), 2),
        }


def run_live_bench(
    out: Path | None = None,
    *,
    streams: Sequence[int] = (1, 4, 8),
    seconds: float = 60,
    peer: bool = False,
    overload: bool = True,
    lawful: bool = True,
) -> list[Run]:
    """Measure, print a table and write JSON to ``out``.

    ``lawful`` adds ten minutes in which nothing unlawful is said, in five streams; ``overload`` a run at twice what
    the machine can hold. Raises `StorageError` when ``out`` cannot be written.
    """
    if out is not None and not out.parent.is_dir():
        raise StorageError("bench_out", f"无法写入 {out}。", f"{out} cannot be written.")
    settings = Settings()
    engine = whisper_of(settings)
    made = list(recordings(max(streams), seconds))
    runs = [_ours(settings, engine, made[:count]) for count in streams]
    if lawful:
        runs.append(_ours(settings, engine, lawful_recordings(), "lawful"))
    if overload:
        count = 2 * holds(runs[len(streams) - 1], machine_cores())
        runs.append(_ours(settings, engine, list(recordings(count, seconds)), "overload"))
    if peer:
        runs += [_peer(settings, made[:count]) for count in streams[:1]]
    stdout.print(table(runs))
    if out is not None:
        body = {"machine": machine(), "model": asdict(engine.identity), "runs": [run.as_dict() for run in runs]}
        out.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return runs


def machine_cores() -> int:
    """Cores this process may use."""
    return int(machine()["cores"])


def holds(run: Run, cores: int) -> int:
    """How many streams the machine can hold, going by what one costs."""
    return max(1, int(cores * run.streams * run.seconds / max(0.1, run.cpu_s)))


def _ours(settings: Settings, engine: WhisperEngine, made: list[Recording], column: str = "") -> Run:
    counter = Counter()
    with tempfile.TemporaryDirectory(prefix="livewitness-bench-") as folder:
        data = Path(folder)
        database = open_database(data / "livewitness.db")
        parts = watch_parts(settings.model_copy(update={"data": data}), database, engine, counter)
        try:
            with _measured() as spent:
                told = _watch_all(parts, settings, made, data)
            lost = sum(untranscribed_s(parts, number) for number in range(len(made)))
        finally:
            parts.scheduler.close()
            database.close()
    decodes = {"dropped": counter.drops, "decodes": counter.decodes, "decode_s": counter.decode_s} | {
        f"wait_{kind}": asdict(spread(waits)) for kind, waits in counter.waits.items()
    }
    names = (f"livewitness {__version__}", column or f"ours {len(made)}")
    return _judged(names, made, told, spent, lost=lost, decodes=decodes)


def _watch_all(parts: WatchParts, settings: Settings, made: list[Recording], data: Path) -> list[Told]:
    told = [Told() for _ in made]
    for number, recording in enumerate(made):
        write_wav(data / f"{number}.wav", recording.samples)
    watch_files(parts, settings, [data / f"{number}.wav" for number in range(len(made))], [t.take for t in told],
                made[0].seconds + _PATIENCE_S)  # fmt: skip
    return told


def watch_files(
    parts: WatchParts, settings: Settings, files: Sequence[Path], sinks: Sequence[EventSink], timeout_s: float
) -> None:
    """Watch the files as live streams named 0, 1, … until they have ended; stop those that take too long."""
    watches = []
    for number, (path, sink) in enumerate(zip(files, sinks, strict=True)):
        stream = Stream(name=str(number), source=str(path))
        watches.append(
            StreamWatch(parts, stream, parse_source(str(path)), sink, watch_options(settings, realtime=True))
        )
    threads = [threading.Thread(target=watch.run, name="bench-stream") for watch in watches]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    for watch, thread in zip(watches, threads, strict=True):
        watch.stop()
        thread.join()


def write_wav(path: Path, samples: Samples, seconds: float | None = None) -> None:
    """Write the samples as 16-bit mono, over and over until they fill ``seconds`` where that is given."""
    data = (np.clip(samples, -1, 1) * 32_767).astype("<i2")
    left = len(data) if seconds is None else round(seconds * SAMPLE_RATE)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        while left > 0:
            file.writeframes(data[:left].tobytes())
            left -= len(data)


def untranscribed_s(parts: WatchParts, number: int) -> float:
    """Recorded seconds of a stream that lie behind its cursor's end."""
    with parts.db.read() as connection:
        (epoch,) = stored.list_epochs(connection, str(number))
        last = stored.last_segment(connection, str(number))
        cursor = stored.transcribed_ms(connection, str(number), epoch.number)
    return max(0, (last.end_ms if last else 0) - cursor) / 1000


@dataclass(slots=True)
class _Spent:
    wall_s: float = 0.0
    cpu_s: float = 0.0
    children_cpu_s: float = 0.0
    peak_mib: int = 0


@contextmanager
def _measured() -> Iterator[_Spent]:
    """CPU of this process and of its ffmpegs, and the highest memory use, inside the block."""
    spent = _Spent()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    wall, own, children = time.monotonic(), time.process_time(), _children_s()
    yield spent
    spent.wall_s, spent.cpu_s = time.monotonic() - wall, time.process_time() - own
    spent.children_cpu_s = _children_s() - children
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    spent.peak_mib = next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _judged(
    names: tuple[str, str],
    made: list[Recording],
    told: list[Told],
    spent: _Spent,
    *,
    lost: float,
    decodes: Json,
) -> Run:
    events = [(r, event) for r, t in zip(made, told, strict=True) for event in t.alerts]
    confirmed = [(r, e) for r, e in events if e["status"] == "confirmed"]
    suspected = [(r, e) for r, e in events if e["status"] == "suspected"]
    hits = {(id(r), s.id) for r, e in confirmed if (s := said_at(r, e)) and s.violating}
    early = {(id(r), s.id) for r, e in suspected if (s := said_at(r, e)) and s.violating}
    scores = [_score(r, t.text) for r, t in zip(made, told, strict=True)]
    return Run(
        system=names[0],
        column=names[1],
        streams=len(made),
        seconds=made[0].seconds,
        suspected=spread([e["latency_ms"] / 1000 for _, e in suspected]),
        confirmed=spread([e["latency_ms"] / 1000 for _, e in confirmed]),
        claims=sum(s.violating for r in made for s in r.sentences),
        claims_found=len(hits),
        claims_suspected=len(early),
        claims_suspected_first=len(early & hits),
        alerts=len(confirmed),
        withdrawn=sum(e["status"] == "withdrawn" for _, e in events),
        false_alerts=sum(is_false(r, e) for r, e in confirmed),
        false_suspicions=sum(is_false(r, e) for r, e in suspected),
        lawful_s=round(sum(s.end - s.start for r in made for s in r.sentences if not s.violating), 1),
        score=sum(scores, Score()),
        cpu_s=round(spent.cpu_s, 2),
        ffmpeg_cpu_s=round(spent.children_cpu_s, 2),
        peak_mib=spent.peak_mib,
        lost_s=round(lost, 2),
        late_s=round(max(0.0, spent.wall_s - made[0].seconds), 1),
        lag_s=max(t.lag_s for t in told),
        decodes=decodes,
        false_ones=tuple(f"{r.name}: {e.get('matched', '')} ← {_said(r, e)}" for r, e in confirmed if is_false(r, e)),
        terms_by_recording={r.name: f"{s.terms_near}/{s.terms}" for r, s in zip(made, scores, strict=True)},
    )


def _score(recording: Recording, text: str) -> Score:
    terms = [term for sentence in recording.sentences for term in sentence.terms]
    return score("".join(sentence.text for sentence in recording.sentences), text, terms)


def said_at(recording: Recording, event: Json) -> TruthSentence | None:
    """The sentence that shares most time with an alert; ``None`` where nothing known is said."""
    best = max(recording.sentences, key=lambda s: min(event["end"], s.end) - max(event["start"], s.start), default=None)
    if best is None or min(event["end"], best.end) - max(event["start"], best.start) < -_NEAR_S:
        return None
    return best


def _said(recording: Recording, event: Json) -> str:
    sentence = said_at(recording, event)
    return "" if sentence is None else sentence.text


def is_false(recording: Recording, event: Json) -> bool:
    """Whether an alert lies on a lawful sentence, and on none beside it that is not."""
    sentence = said_at(recording, event)
    if sentence is None or sentence.violating:
        return False
    near = [s for s in recording.sentences if s.start - _NEAR_S < event["end"] and event["start"] < s.end + _NEAR_S]
    return not any(s.violating for s in near)


def _peer(settings: Settings, made: list[Recording]) -> Run:
    checker = load_checker(settings.packs)
    peer = load_peer(settings.asr_model, cache_dir=settings.cache_dir, beam_size=settings.beam_size)
    told = [Told() for _ in made]
    lock = threading.Lock()
    began = time.monotonic()
    rolling = [
        RollingStream(peer, lock, r.samples, _PeerAlerts(checker, t, began).take)
        for r, t in zip(made, told, strict=True)
    ]
    deadline = began + made[0].seconds + _PATIENCE_S
    with _measured() as spent:
        threads = [threading.Thread(target=stream.run, args=(began, deadline)) for stream in rolling]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for heard, stream in zip(told, rolling, strict=True):
        heard.text = stream.result.text
    lost = sum(stream.result.lost_s for stream in rolling)
    names = (f"rolling buffer over faster-whisper {peer_version()} transcribe", f"peer {len(made)}")
    return _judged(names, made, told, spent, lost=lost, decodes={})


class _PeerAlerts:
    """Makes alert events of the peer's texts: the first time a claim is seen, and when its text is final."""

    def __init__(self, checker: Checker, told: Told, began: float) -> None:
        self._checker = checker
        self._told = told
        self._began = began
        self._seen: list[tuple[str, float]] = []

    def take(self, said: Said) -> None:
        """Judge a segment's text; words are placed evenly in its time."""
        length = max(1, len(said.text))
        for finding in self._checker.check(said.text):
            if finding.verdict is Verdict.INFO:
                continue
            start, end = (said.start + (said.end - said.start) * i / length for i in (finding.start, finding.end))
            status = "confirmed" if said.final else "suspected"
            if any(status == known and abs(at - start) < 2 for known, at in self._seen):
                continue
            self._seen.append((status, start))
            latency = round(1000 * (time.monotonic() - self._began - end))
            self._told.alerts.append({"status": status, "start": start, "end": end, "latency_ms": max(0, latency)})
