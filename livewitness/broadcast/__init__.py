"""The bundled demo broadcast: a synthetic selling livestream with its ground truth."""

import json
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class TruthSentence:
    """One spoken sentence: where it is in the media and what a reviewer should think of it.

    ``start`` and ``end`` are seconds of the decoded media. ``label`` is one of the eleven classes
    or ``none``; ``also`` holds other classes that count as right; ``terms`` are the offending
    words as written in ``text``, none in a lawful sentence.
    """

    id: str
    text: str
    start: float
    end: float
    label: str
    also: tuple[str, ...]
    terms: tuple[str, ...]
    product: str

    @property
    def violating(self) -> bool:
        """True when the sentence makes a claim that a reviewer should see."""
        return self.label != "none"


def media_path() -> Path:
    """Return the path of broadcast.mp4 (H.264 and AAC, about 90 s)."""
    return _FOLDER / "broadcast.mp4"


def load_truth() -> list[TruthSentence]:
    """Return the spoken sentences in the order of the broadcast."""
    lines = (_FOLDER / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    return [_parse_truth(line) for line in lines]


def _parse_truth(line: str) -> TruthSentence:
    row = json.loads(line)
    for name in ("also", "terms"):
        row[name] = tuple(row[name])
    return TruthSentence(**row)
