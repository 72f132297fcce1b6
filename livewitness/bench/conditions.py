"""``livewitness bench conditions``: what live recognition still finds under music, in a crowd, of a fast host.

The windows and the decode are those of a live stream, whose text does not depend on how busy the machine is; so the
words found can be counted here on far more speech than ``bench live`` plays in its time.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from asr.decode import DecodeOptions, decode
from asr.transcriber import Listener
from asr.windows import LIVE_POLICY
from core.errors import StorageError
from core.settings import Settings
from livewitness.bench.machine import machine
from livewitness.bench.recordings import Recording, conditions
from livewitness.bench.scoring import Score, score
from livewitness.console import stdout
from models.speech import SpeechEngine
from models.vad import load_vad
from models.whisper import load_whisper


@dataclass(frozen=True, slots=True)
class Heard:
    """All recordings under one condition."""

    condition: str
    audio_s: float
    score: Score


def run_conditions_bench(out: Path | None = None) -> list[Heard]:
    """Transcribe everything under every condition, print a table, write JSON to ``out``.

    Raises `StorageError` when ``out`` cannot be written.
    """
    if out is not None and not out.parent.is_dir():
        raise StorageError("bench_out", f"无法写入 {out}。", f"{out} cannot be written.")
    settings = Settings()
    engine = load_whisper(settings.asr_model, cache_dir=settings.cache_dir, threads=1)
    options = DecodeOptions(beam_size=settings.live_beam_size)
    heard = [measure(name, engine, made, options) for name, made in conditions()]
    stdout.print(table(heard))
    if out is not None:
        body = {"machine": machine(), "conditions": [asdict(one) for one in heard]}
        out.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return heard


def measure(condition: str, engine: SpeechEngine, made: Sequence[Recording], options: DecodeOptions) -> Heard:
    """Transcribe the recordings as live streams are."""
    scores = []
    for recording in made:
        listener = Listener(load_vad(), LIVE_POLICY)
        windows = [*listener.feed(recording.samples), *listener.finish()]
        text = "".join(word.text for window in windows for word in decode(engine, [window], options)[0].words)
        terms = [term for sentence in recording.sentences for term in sentence.terms]
        scores.append(score("".join(sentence.text for sentence in recording.sentences), text, terms))
    return Heard(condition, round(sum(r.seconds for r in made), 1), sum(scores, Score()))


def table(heard: Sequence[Heard]) -> Table:
    """The conditions for people."""
    where = machine()
    shown = Table(
        title="live windows under five conditions, nobody in a hurry",
        caption=f"{where['date']} · {where['processor']} ({where['cores']} cores)",
    )
    for name in ("condition", "audio s", "CER", "pinyin error", "terms exact/sound/near", "near"):
        shown.add_column(name, justify="left" if name == "condition" else "right")
    for one in heard:
        s = one.score
        shown.add_row(
            one.condition,
            f"{one.audio_s:.0f}",
            f"{s.cer:.1%}",
            f"{s.sound_error:.1%}",
            f"{s.terms_exact}/{s.terms_sound}/{s.terms_near} of {s.terms}",
            f"{s.terms_near / max(1, s.terms):.0%}",
        )
    return shown
