"""Words found by condition, on one short recording."""

import numpy as np
import pytest
from rich.console import Console

from asr.decode import DecodeOptions
from core.errors import StorageError
from core.settings import Settings
from livewitness.bench.conditions import Heard, measure, run_conditions_bench, table
from livewitness.bench.recordings import clean, conditions
from livewitness.bench.scoring import Score
from models.whisper import load_whisper


@pytest.fixture(scope="module")
def engine():
    return load_whisper("whisper-base", cache_dir=Settings().cache_dir, threads=1)


def test_clean_speech_is_found_and_silence_is_not(engine):
    """The second sentence of the broadcast says 三天祛斑."""
    heard = measure("clean", engine, [clean().first(8)], DecodeOptions(beam_size=1))
    assert heard.score.terms == heard.score.terms_near == 1
    mute = clean().first(8)
    mute.samples[:] = 0
    assert measure("mute", engine, [mute], DecodeOptions(beam_size=1)).score.terms_near == 0


@pytest.mark.slow
def test_every_condition_holds_the_same_sentences():
    made = dict(conditions())
    texts = {tuple(s.text for r in recordings for s in r.sentences) for recordings in made.values()}
    assert len(made) == 5
    assert len(texts) == 1
    sounds = [np.concatenate([r.samples for r in recordings]) for recordings in made.values()]
    assert len({len(sound) for sound in sounds}) == 2, "only the fast host is shorter"


def test_the_table_tells_the_share_of_terms():
    console = Console(width=100)
    with console.capture() as shown:
        console.print(table([Heard("music at 10 dB", 290, Score(100, 20, 10, 40, 20, 30, 34))]))
    assert "85%" in shown.get()
    assert "20/30/34 of 40" in shown.get()


def test_an_output_that_cannot_be_written_is_refused_first(tmp_path):
    with pytest.raises(StorageError):
        run_conditions_bench(tmp_path / "nowhere" / "x.json")
