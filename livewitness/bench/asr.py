"""``livewitness bench asr``: errors and cost of our recognition beside faster-whisper's ``transcribe``.

Same weights, same precision, same number of threads, same audio. CPU seconds are those of this process
over all its threads, after one warm-up decode; loading the models is not counted.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from rich.table import Table

from asr.decode import DecodeOptions
from asr.transcriber import Transcriber, TranscriberOptions
from core.errors import BadInputError, NotFoundError, StorageError
from core.settings import Settings
from ingest.pcm import decode_pcm
from livewitness.bench.machine import machine
from livewitness.bench.scoring import Score, score
from livewitness.broadcast import load_truth, media_path
from livewitness.console import stdout
from models.peer import load_peer, peer_version
from models.speech import SAMPLE_RATE, Samples, SpeechEngine
from models.vad import load_vad
from models.whisper import load_whisper

_FEED = SAMPLE_RATE // 2
Recognise = Callable[[Samples], str]


@dataclass(frozen=True, slots=True)
class Recording:
    """A stretch of a media file with what is said in it; times in seconds, ``end`` 0 for the whole file."""

    path: Path
    text: str
    start: float = 0.0
    end: float = 0.0
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """One system over all recordings."""

    system: str
    recordings: int
    audio_s: float
    cpu_s: float
    wall_s: float
    score: Score

    def as_dict(self) -> dict[str, object]:
        """For JSON: the counts and the rates made of them."""
        rates = {
            "cer": round(self.score.cer, 4),
            "pinyin_error": round(self.score.sound_error, 4),
            "cpu_s_per_audio_s": round(self.cpu_s / self.audio_s, 4),
        }
        return asdict(self) | rates


@dataclass(frozen=True, slots=True)
class AsrReport:
    """What `run_asr_bench` measured, and where."""

    machine: dict[str, str | int]
    model: str
    model_sha256: str
    beam_size: int
    threads: int
    material: str
    systems: tuple[Measured, ...] = field(default=())

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self) | {"systems": [system.as_dict() for system in self.systems]}


def run_asr_bench(
    manifest: Path | None = None,
    out: Path | None = None,
    *,
    model: str = "whisper-base",
    beam_size: int = 5,
    threads: int = 1,
    device: str = "auto",
    peer: bool = True,
) -> AsrReport:
    """Measure on the bundled broadcast or on a JSONL ``manifest``; print a table and write JSON to ``out``.

    A manifest line is ``{"path", "text", "start", "end"}`` and perhaps ``"terms"``; paths are relative to the
    manifest, lines of one file are one recording. Raises `BadInputError` naming the line that is wrong.
    """
    if out is not None and not out.parent.is_dir():
        raise _unwritable(out)
    recordings = read_manifest(manifest) if manifest else bundled()
    audio = [load_audio(recording) for recording in recordings]
    cache_dir = Settings().cache_dir
    engine = load_whisper(model, cache_dir=cache_dir, device=device, threads=threads)
    systems = [("livewitness", _ours(engine, beam_size))]
    if peer:
        other = load_peer(model, cache_dir=cache_dir, beam_size=beam_size, device=device, threads=threads)
        systems.append((f"faster-whisper {peer_version()} transcribe", other.transcribe))
    report = AsrReport(
        machine(),
        engine.identity.name,
        engine.identity.sha256,
        beam_size,
        threads,
        str(manifest or media_path().name),
        tuple(measure(name, recognise, recordings, audio) for name, recognise in systems),
    )
    stdout.print(table(report))
    if out is not None:
        _write(report, out)
    return report


def _ours(engine: SpeechEngine, beam_size: int) -> Recognise:
    options = TranscriberOptions(decode=DecodeOptions(beam_size=beam_size))

    def recognise(samples: Samples) -> str:
        transcriber = Transcriber(engine, load_vad(), options)
        heard = [h for i in range(0, len(samples), _FEED) for h in transcriber.feed(samples[i : i + _FEED])]
        return "".join(h.text for h in [*heard, *transcriber.finish()])

    return recognise


def measure(name: str, recognise: Recognise, recordings: list[Recording], audio: list[Samples]) -> Measured:
    """Run one system over all recordings, scoring outside the clock."""
    recognise(audio[0][: SAMPLE_RATE * 5])
    cpu, wall = time.process_time(), time.perf_counter()
    texts = [recognise(samples) for samples in audio]
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    scores = [score(r.text, text, r.terms) for r, text in zip(recordings, texts, strict=True)]
    seconds = sum(map(len, audio)) / SAMPLE_RATE
    return Measured(name, len(audio), round(seconds, 3), round(cpu, 3), round(wall, 3), sum(scores, Score()))


def bundled() -> list[Recording]:
    """The bundled broadcast as one recording."""
    truth = load_truth()
    terms = tuple(term for sentence in truth for term in sentence.terms)
    return [Recording(media_path(), "".join(sentence.text for sentence in truth), terms=terms)]


def read_manifest(manifest: Path) -> list[Recording]:
    """Recordings of a JSONL manifest, lines of the same file joined in order."""
    if not manifest.is_file():
        raise NotFoundError("bench_manifest", f"找不到清单 {manifest}。", f"There is no manifest {manifest}.")
    grouped: dict[Path, Recording] = {}
    for number, line in enumerate(manifest.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            row = _row(manifest, number, line)
            known = grouped.get(row.path)
            grouped[row.path] = _joined(known, row) if known else row
    if not grouped:
        raise BadInputError("bench_manifest", f"清单 {manifest} 是空的。", f"The manifest {manifest} is empty.")
    return list(grouped.values())


def _row(manifest: Path, number: int, line: str) -> Recording:
    try:
        row = json.loads(line)
        path = manifest.parent / row["path"]
        start, end = float(row.get("start") or 0), float(row.get("end") or 0)
        recording = Recording(path, str(row["text"]), start, end, tuple(map(str, row.get("terms") or ())))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(
            "bench_manifest",
            f"{manifest} 第 {number} 行不是 {{path, text, start, end}}。",
            f"{manifest}, line {number} is not {{path, text, start, end}}.",
        ) from error
    if not path.is_file():
        raise NotFoundError(
            "bench_media", f"{manifest} 第 {number} 行：找不到 {path}。", f"{manifest}, line {number}: no file {path}."
        )
    return recording


def _joined(a: Recording, b: Recording) -> Recording:
    return Recording(a.path, a.text + b.text, min(a.start, b.start), max(a.end, b.end), a.terms + b.terms)


def load_audio(recording: Recording) -> Samples:
    """The recording's audio, float32 at 16 kHz."""
    samples = np.concatenate([*decode_pcm([recording.path])])
    end = round(recording.end * SAMPLE_RATE) if recording.end else len(samples)
    return samples[round(recording.start * SAMPLE_RATE) : end]


def table(report: AsrReport) -> Table:
    """The report for people."""
    where = report.machine
    shown = Table(
        title=f"ASR · {report.material} · {report.model} beam {report.beam_size} · {report.threads} thread(s)",
        caption=f"{where['date']} · {where['processor']} ({where['cores']} cores) · Python {where['python']}",
    )
    for column in ("system", "CER", "pinyin error", "CPU-s / audio-s", "terms exact/sound/near"):
        shown.add_column(column, justify="left" if column == "system" else "right")
    for m in report.systems:
        s = m.score
        shown.add_row(
            m.system,
            f"{s.cer:.1%}",
            f"{s.sound_error:.1%}",
            f"{m.cpu_s / m.audio_s:.3f}",
            f"{s.terms_exact}/{s.terms_sound}/{s.terms_near} of {s.terms}",
        )
    return shown


def _write(report: AsrReport, out: Path) -> None:
    try:
        out.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(out) from error


def _unwritable(out: Path) -> StorageError:
    return StorageError("bench_out", f"无法写入 {out}。", f"{out} cannot be written.")
