"""``livewitness bench claims --audio MANIFEST``: from sound to finding, with our recognition between.

A manifest is that of ``bench asr``: JSON lines with ``path``, ``text``, ``start``, ``end`` and, for unlawful
recordings, ``terms``. What was said is aligned with what was heard by sound; a term counts as found if a finding
stands where its words were heard. The same is measured on the true text, to tell recognition's misses from ours.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path

from asr.decode import DecodeOptions
from asr.transcriber import Transcriber, TranscriberOptions
from claims.checker import Checker, load_checker
from core.pinyin import merged_syllables
from core.settings import Settings
from livewitness.bench.asr import Recording, load_audio, read_manifest
from livewitness.bench.claims import Item, Outcomes, Report, alarms, render
from livewitness.bench.scoring import Score, score
from models.embedding import Embedder
from models.speech import SAMPLE_RATE, SpeechEngine
from models.vad import load_vad
from models.whisper import load_whisper

_FEED = SAMPLE_RATE // 2
_BEAM = 5


@dataclass(frozen=True, slots=True)
class AudioReport:
    """Findings on what was heard and on what was said, and the recogniser's errors between them."""

    heard: Report
    said: Report
    cer: float
    seconds: float
    cpu_s: float


def run_audio(manifest: Path, *, as_json: bool = False, embedder: Embedder | None = None) -> str:
    """Transcribe the recordings of ``manifest`` with the model of the settings, judge, and compare."""
    recordings = read_manifest(manifest)
    settings = Settings()
    engine = load_whisper(settings.asr_model, cache_dir=settings.cache_dir, device=settings.device, threads=1)
    began = time.process_time()
    texts = [transcribe(engine, recording) for recording in recordings]
    cpu = time.process_time() - began
    report = compare(recordings, texts, load_checker(embedder=embedder), cpu)
    return json.dumps(asdict(report), ensure_ascii=False) if as_json else shown(report)


def transcribe(engine: SpeechEngine, recording: Recording) -> str:
    """What our recognition hears in a recording."""
    transcriber = Transcriber(engine, load_vad(), TranscriberOptions(decode=DecodeOptions(beam_size=_BEAM)))
    samples = load_audio(recording)
    heard = [h for i in range(0, len(samples), _FEED) for h in transcriber.feed(samples[i : i + _FEED])]
    return "".join(h.text for h in [*heard, *transcriber.finish()])


def compare(recordings: Sequence[Recording], texts: Sequence[str], checker: Checker, cpu_s: float) -> AudioReport:
    """Judge the heard ``texts`` and the true ones."""
    from_sound, from_text, errors, seconds = Outcomes(), Outcomes(), Score(), 0.0
    for number, (recording, text) in enumerate(zip(recordings, texts, strict=True)):
        spans = term_spans(recording.text, recording.terms)
        label = "unlawful" if spans else "none"
        places = tuple(moved(span, recording.text, text) for span in spans)
        from_sound.add(Item(str(number), text, label, places, "spoken"), alarms(checker.check(text)))
        from_text.add(Item(str(number), recording.text, label, spans, "spoken"), alarms(checker.check(recording.text)))
        errors += score(recording.text, text, recording.terms)
        seconds += max(0.0, recording.end - recording.start)
    return AudioReport(from_sound.report(), from_text.report(), errors.cer, seconds, cpu_s)


def term_spans(text: str, terms: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Where the terms stand in the true text."""
    starts = [(text.find(term), len(term)) for term in terms]
    return tuple((start, start + size) for start, size in starts if start >= 0)


def moved(span: tuple[int, int], said: str, heard: str) -> tuple[int, int]:
    """The code points of ``heard`` that sound where ``span`` of ``said`` did; at least one where there are any."""
    matcher = SequenceMatcher(None, merged_syllables(said), merged_syllables(heard), autojunk=False)
    places = [0] * (len(said) + 1)
    for _, first, last, start, end in matcher.get_opcodes():
        for index in range(first, last):
            places[index] = min(start + index - first, max(start, end - 1))
    places[len(said)] = len(heard)
    start, end = places[span[0]], places[span[1] - 1] + 1
    return start, max(start + 1, end)


def shown(report: AudioReport) -> str:
    """For people: from sound, and beside it from the true text."""
    first = f"from sound: {report.seconds:.0f} s of audio, {report.cer:.1%} characters wrong, {report.cpu_s:.0f} CPU-s"
    return "\n".join((first, render(report.heard), "", "from what was really said", render(report.said)))
