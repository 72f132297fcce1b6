"""The bundled talks: small, spoken where the truth says, lawful where they claim to be."""

import hashlib
import json
import re
from itertools import pairwise

import numpy as np
import pytest

from ingest.pcm import decode_pcm
from livewitness import voices
from livewitness.voices.make_voices import FOLDER, speak_talk
from models.speech import SAMPLE_RATE

NAMES = voices.talk_names(lawful=True) + voices.talk_names(lawful=False)
TALKS = [json.loads(line) for line in (FOLDER / "talks.jsonl").read_text(encoding="utf-8").splitlines()]


def test_all_talks_of_the_script_are_there_and_small_together():
    assert sorted(NAMES) == sorted({row["talk"] for row in TALKS})
    assert sum(voices.talk_path(name).stat().st_size for name in NAMES) < 2_000_000


def test_eight_voices_speak():
    assert len({row["voice"] for row in TALKS}) == 8


@pytest.mark.parametrize("name", NAMES)
def test_truth_and_script_agree(name):
    rows = [row for row in TALKS if row["talk"] == name]
    told = voices.talk_sentences(name)
    assert [(s.id, s.text, s.label, list(s.terms)) for s in told] == [
        (row["id"], row["text"], row["label"], row["terms"]) for row in rows
    ]
    assert all(term in s.text for s in told for term in s.terms)
    assert all(bool(s.terms) == s.violating for s in told)


@pytest.mark.parametrize("name", NAMES)
def test_speech_lies_where_the_truth_says(name):
    audio = np.concatenate([*decode_pcm([voices.talk_path(name)])])
    told = voices.talk_sentences(name)

    def level(start: float, end: float) -> float:
        return float(np.sqrt(np.mean(audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] ** 2)))

    assert told[-1].end < len(audio) / SAMPLE_RATE
    for sentence in told:
        assert level(sentence.start, sentence.end) > 0.03
        assert level(sentence.start, sentence.start + 0.1) > 0.003
    for a, b in pairwise(told):
        assert level(a.end + 0.06, b.start - 0.05) < 0.01


def test_sha256_of_each_talk_is_in_the_readme():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = {name: sha for sha, name in re.findall(r"^    ([0-9a-f]{64})  (\w+)\.opus$", readme, re.MULTILINE)}
    assert listed == {name: hashlib.sha256(voices.talk_path(name).read_bytes()).hexdigest() for name in NAMES}


def test_a_talk_is_laid_out_with_its_pauses():
    tone = np.sin(np.arange(24_000) / 20).astype(np.float32) * 0.3
    rows = [
        {"talk": "t", "id": f"t.{n}", "text": "好", "label": "none", "terms": [], "product": "", "voice": "v",
         "speed": 1.0, "pause": 0.5}
        for n in (1, 2)
    ]  # fmt: skip
    track, truth = speak_talk(rows, lambda text, voice, speed: tone)
    assert truth[1]["start"] - truth[0]["end"] == pytest.approx(0.5, abs=0.002)
    assert len(track) / 24_000 == pytest.approx(truth[1]["end"] + 0.5 + 1.0, abs=0.002)
