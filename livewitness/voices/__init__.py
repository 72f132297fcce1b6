"""Talks in eight synthetic voices, ten minutes of them lawful throughout, with what is said when."""

import json
from functools import cache
from pathlib import Path

from livewitness.broadcast import TruthSentence

_FOLDER = Path(__file__).parent


def talk_names(*, lawful: bool) -> list[str]:
    """The talks in which nothing is unlawful, or those that mix both."""
    return [name for name, sentences in _truth().items() if lawful != any(s.violating for s in sentences)]


def talk_path(name: str) -> Path:
    """The sound of a talk: Ogg Opus, mono."""
    return _FOLDER / f"{name}.opus"


def talk_sentences(name: str) -> tuple[TruthSentence, ...]:
    """The sentences of a talk in order; times in seconds of its sound. Raises KeyError for an unknown name."""
    return _truth()[name]


@cache
def _truth() -> dict[str, tuple[TruthSentence, ...]]:
    found: dict[str, tuple[TruthSentence, ...]] = {}
    for line in (_FOLDER / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        talk = row.pop("talk")
        sentence = TruthSentence(**row | {"also": tuple(row["also"]), "terms": tuple(row["terms"])})
        found[talk] = (*found.get(talk, ()), sentence)
    return found
