"""The training sentences: plain text files, one utterance a line, read into labelled items.

A header ``@ label variant [unseen]`` holds for the lines below it. A line is a letter for the product,
a blank and the utterance; ``【】`` marks the words that are the claim. ``unseen`` blocks hold ideas that
no training line has; they are for measuring only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "sentences"
PRODUCTS = {
    "c": "cosmetics", "f": "food", "h": "health_food", "m": "medical", "a": "apparel", "d": "digital",
    "j": "jewellery", "e": "home", "o": "other", "t": "training", "n": "finance",
}  # fmt: skip
LATER_AUTHORS = ("second", "third", "fourth", "fifth", "sixth", "seventh")
GRAMMAR = "grammar"
_MARKED = re.compile("【(.*?)】")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A labelled utterance. ``spans`` are code points of ``text``; ``group`` names the block it was written in."""

    text: str
    label: str
    variant: str
    product: str
    spans: tuple[tuple[int, int], ...]
    unseen: bool
    group: str

    @property
    def author(self) -> str:
        """Who wrote it: ``second`` for ``second_*``, and so on; ``first`` for the files that came first."""
        name = self.group.partition("_")[0]
        return name if name in LATER_AUTHORS or name == GRAMMAR else "first"


def read_sentences(folder: Path = FOLDER) -> list[Sentence]:
    """All sentences of all files; ValueError naming file and line for a line that does not fit."""
    return [sentence for path in sorted(folder.glob("*.txt")) for sentence in _file(path)]


def unmarked(marked: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Text without its ``【】`` and where they stood.

    >>> unmarked("真的【最好】")
    ('真的最好', ((2, 4),))
    """
    text, spans, at = "", [], 0
    for match in _MARKED.finditer(marked):
        text += marked[at : match.start()]
        spans.append((len(text), len(text) + len(match.group(1))))
        text += match.group(1)
        at = match.end()
    return text + marked[at:], tuple(spans)


def _file(path: Path) -> Iterator[Sentence]:
    label = variant = ""
    unseen, block = False, 0
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith("@"):
            _, label, variant, *rest = line.split()
            unseen, block = rest == ["unseen"], block + 1
        elif line.strip():
            product, _, marked = line.partition(" ")
            text, spans = unmarked(marked)
            if product not in PRODUCTS or not label or (label == "none") == bool(spans):
                raise ValueError(f"{path.name}, line {number}: {line}")
            yield Sentence(text, label, variant, PRODUCTS[product], spans, unseen, f"{path.stem}{block}")
