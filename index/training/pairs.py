"""The training pairs: plain text files of blocks, a query and texts that make its claim or do not.

``? query`` begins a block, ``+ text`` makes the claim in other words, ``- text`` does not: a denial, a lawful
look-alike, another claim. A file's name says who wrote it: ``pairs_a3.txt`` is by author a.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
TUNING = FOLDER.parent / "eval" / "fourth_queries.jsonl"
_PREFIX = "pairs_"


@dataclass(frozen=True, slots=True)
class Block:
    """A query, what answers it and what does not, by one author."""

    query: str
    answers: tuple[str, ...]
    others: tuple[str, ...]
    author: str

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts, the query first."""
        return (self.query, *self.answers, *self.others)


def read_blocks(folder: Path = FOLDER) -> list[Block]:
    """All blocks of all files in order; ValueError naming file and line for a line that does not fit."""
    return [block for path in sorted(folder.glob(f"{_PREFIX}*.txt")) for block in _file(path)]


def tuning_blocks(path: Path = TUNING) -> list[Block]:
    """The queries of the set for tuning as blocks; their answers are the paraphrases."""
    blocks = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        said = row["candidates"]
        answers = tuple(c["text"] for c in said if c["rel"] and c["kind"] == "paraphrase")
        blocks.append(Block(row["query"], answers, tuple(c["text"] for c in said if not c["rel"]), "tuning"))
    return blocks


def _file(path: Path) -> Iterator[Block]:
    author = path.stem.removeprefix(_PREFIX)[:1]
    said: dict[str, list[str]] = {}
    for number, line in enumerate([*path.read_text("utf-8").splitlines(), "? "], 1):
        mark, _, text = line.partition(" ")
        if not line.strip() or line.startswith("#"):
            continue
        if mark not in {"?", "+", "-"} or not (text.strip() or said) or (mark != "?" and not said):
            raise ValueError(f"{path.name}, line {number}: {line}")
        if mark == "?":
            if said and not said["+"]:
                raise ValueError(f"{path.name}, line {number}: nothing answers {said['?'][0]}")
            if said:
                yield Block(said["?"][0], tuple(said["+"]), tuple(said["-"]), author)
            said = {"?": [text.strip()], "+": [], "-": []}
        else:
            said[mark].append(text.strip())
