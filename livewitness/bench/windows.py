"""``livewitness bench windows``: what a policy of final windows costs in words, delay and CPU.

The delay is from a word's end to the close of its window, before any computing: it does not depend on the machine.
Beside the project's own policies stand windows without what came before, and overlapping windows of fixed length.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.table import Table

from asr.decode import AudioWindow, DecodeOptions, decode, kept
from asr.transcriber import Listener
from asr.windows import LIVE_POLICY, WindowPolicy
from core.settings import Settings
from livewitness.bench.asr import Recording, bundled, load_audio, read_manifest
from livewitness.bench.live import Spread, spread
from livewitness.bench.machine import machine
from livewitness.bench.scoring import Score, score
from livewitness.console import stdout
from livewitness.voices import talk_names, talk_path, talk_sentences
from models.speech import SAMPLE_RATE, Samples, SpeechEngine
from models.vad import load_vad
from models.whisper import load_whisper

_FEED = SAMPLE_RATE // 10

POLICIES: dict[str, tuple[WindowPolicy, int]] = {
    "long (files)": (WindowPolicy(), 5),
    "live": (LIVE_POLICY, 3),
    "live, beam 5": (LIVE_POLICY, 5),
    "live, 7 s joined, beam 5": (replace(LIVE_POLICY, joined_ms=7_000), 5),
    "live, nothing joined": (replace(LIVE_POLICY, joined_ms=0, margin_ms=0), 3),
    "live, at commas too": (replace(LIVE_POLICY, pauses=((0, 900), (2_000, 350))), 3),
}
"""Policies of final windows, each with the beam they are decoded with."""

SLIDES = {"8 s every 2 s": (8.0, 2.0), "10 s every 5 s": (10.0, 5.0)}


@dataclass(frozen=True, slots=True)
class Measured:
    """One policy over all recordings."""

    policy: str
    audio_s: float
    windows: int
    decoded_s: float
    cpu_s: float
    wait: Spread
    score: Score


def run_windows_bench(manifest: Path | None = None, out: Path | None = None, *, slides: bool = True) -> list[Measured]:
    """Measure every policy on the bundled speech or a manifest (as `run_asr_bench` reads it); print a table."""
    found = read_manifest(manifest) if manifest else [*bundled(), *talks()]
    audio = [load_audio(recording) for recording in found]
    engine = load_whisper("whisper-base", cache_dir=Settings().cache_dir, threads=1)
    measured = [
        _measure(name, engine, found, [[*_windows(a, policy)] for a in audio], beam)
        for name, (policy, beam) in POLICIES.items()
    ]
    if slides:
        measured += [
            _measure(name, engine, found, [[*_slide(a, length, step)] for a in audio])
            for name, (length, step) in SLIDES.items()
        ]
    stdout.print(_table(measured))
    if out is not None:
        body = {"machine": machine(), "policies": [asdict(m) for m in measured]}
        out.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return measured


def talks() -> list[Recording]:
    """The bundled talks with claims in them."""
    return [
        Recording(
            talk_path(name),
            "".join(sentence.text for sentence in talk_sentences(name)),
            terms=tuple(term for sentence in talk_sentences(name) for term in sentence.terms),
        )
        for name in talk_names(lawful=False)
    ]


def _windows(audio: Samples, policy: WindowPolicy) -> Iterator[tuple[AudioWindow, int]]:
    """The policy's windows, each with the ms at which it closes."""
    listener = Listener(load_vad(), policy)
    for first in range(0, len(audio), _FEED):
        for window in listener.feed(audio[first : first + _FEED]):
            yield window, listener.fed_ms
    for window in listener.finish():
        yield window, listener.fed_ms


def _slide(audio: Samples, length_s: float, step_s: float) -> Iterator[tuple[AudioWindow, int]]:
    """Windows of fixed length; of each the stretch of one step is kept that lies in its middle."""
    whole = Listener(load_vad(), replace(WindowPolicy(), limit_ms=10_000_000, pauses=((0, 10_000_000),)))
    spans = [span for w in (*whole.feed(audio), *whole.finish()) for span in w.speech]
    length, step, total = round(length_s * 1000), round(step_s * 1000), len(audio) * 1000 // SAMPLE_RATE
    edge, kept_until, start = (length - step) // 2, 0, 0
    while kept_until < total:
        end = min(total, start + length)
        until = total if end == total else start + edge + step
        speech = tuple((max(a, start), min(b, end)) for a, b in spans if a < end and b > start)
        if speech:
            samples = audio[start * SAMPLE_RATE // 1000 : end * SAMPLE_RATE // 1000]
            yield AudioWindow(samples, start, speech, (kept_until, until)), end
        kept_until, start = until, start + step


def _measure(
    name: str, engine: SpeechEngine, found: list[Recording], windows: list[list[tuple[AudioWindow, int]]], beam: int = 5
) -> Measured:
    waits: list[float] = []
    scores = Score()
    cpu = 0.0
    for recording, closed in zip(found, windows, strict=True):
        text = ""
        for window, at_ms in closed:
            began = time.process_time()
            (decoded,) = decode(engine, [window], DecodeOptions(beam_size=beam))
            cpu += time.process_time() - began
            words = kept(decoded, window).words
            waits += [(at_ms - word.end_ms) / 1000 for word in words]
            text += "".join(word.text for word in words)
        scores += score(recording.text, text, recording.terms)
    flat = [window for closed in windows for window, _ in closed]
    audio_s = sum(len(load_audio(recording)) for recording in found) / SAMPLE_RATE
    decoded_s = float(np.sum([window.seconds for window in flat]))
    return Measured(name, round(audio_s, 2), len(flat), round(decoded_s, 1), round(cpu, 2), spread(waits), scores)


def _table(measured: list[Measured]) -> Table:
    where = machine()
    shown = Table(
        title="final windows · whisper-base",
        caption=f"{where['date']} · {where['processor']} ({where['cores']} cores) · one thread",
    )
    for name in ("policy", "windows", "wait p50 / p95 s", "CER", "pinyin error", "terms exact/sound/near", "CPU-s/s"):
        shown.add_column(name, justify="left" if name == "policy" else "right")
    for m in measured:
        s = m.score
        shown.add_row(
            m.policy,
            str(m.windows),
            f"{m.wait.p50:.1f} / {m.wait.p95:.1f}",
            f"{s.cer:.1%}",
            f"{s.sound_error:.1%}",
            f"{s.terms_exact}/{s.terms_sound}/{s.terms_near} of {s.terms}",
            f"{m.cpu_s / m.audio_s:.3f}",
        )
    return shown
