"""What is said in other words: a table of concepts and the words that express them.

The table (concepts.yaml) is matched on both sides, so that "承诺不瘦退钱" meets "瘦不下来我把钱给你". A word
may express several concepts; "没有" before a problem (没有黑点了) expresses that it is gone.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import yaml
from ahocorasick_rs import AhoCorasick, MatchKind

from core.errors import BadInputError
from core.records import Category
from core.text import NormalText, normalise

TABLE = Path(__file__).with_name("concepts.yaml")
_NUMBER = r"(?:[0-9]+(?:\.[0-9]+)?|[零〇一二三四五六七八九十百千万两几半]+)"
GONE = "消除"
# 祛斑, 降血糖: the first character of a word for a problem says what becomes of it.
_VERBS = dict.fromkeys("祛去除淡抗消战退", GONE) | {"降": "降低", "防": "预防", "养": "治好"}
_NONE_OF = re.compile(r"(没有|没|无|不长|不生|不起|零|告别)[了任何一点个]*$")
NEAR = 0.5


class Mention(NamedTuple):
    """A concept expressed by the code points ``[start, end)`` of a text."""

    concept: str
    start: int
    end: int
    words: str


class ConceptTable:
    """Concepts, the words and patterns for them, and which are half of one another."""

    def __init__(
        self,
        table: dict[str, dict[str, str]],
        patterns: dict[str, list[str]],
        near: list[list[str]],
        opposite: Sequence[Sequence[str]] = (),
        classes: Mapping[str, str] | None = None,
    ) -> None:
        self.problems = frozenset(table["problems"])
        self.terms: dict[str, tuple[str, ...]] = {
            name: tuple(dict.fromkeys(words.split())) for part in table.values() for name, words in part.items()
        }
        self._by_term: dict[str, list[str]] = {}
        for name, words in self.terms.items():
            for word in words:
                self._by_term.setdefault(word, []).append(name)
        self._words = list(self._by_term)
        self.words = frozenset(self._words)
        self._matcher = AhoCorasick(self._words, matchkind=MatchKind.Standard)
        self._patterns = [
            (name, re.compile(pattern.replace("{n}", _NUMBER))) for name, found in patterns.items() for pattern in found
        ]
        self._near = {pair for group in near for pair in permutations(group, 2)}
        self._opposite = {pair for group in opposite for pair in permutations(group, 2)}
        self._related: dict[str, dict[str, float]] = {}
        for one, other in self._near | self._opposite:
            known = self._related.setdefault(one, {one: 1.0})
            known[other] = NEAR if (one, other) in self._near else 0.0
        self._classes: dict[str, frozenset[str]] = {}
        for category, names in (classes or {}).items():
            for name in names.split():
                self._classes[name] = self._classes.get(name, frozenset()) | {Category(category).value}
        paired = {name for pair in self._near | self._opposite for name in pair}
        unknown = ({name for name, _ in self._patterns} | paired | set(self._classes)) - set(self.terms)
        if unknown:
            raise _damaged(f"unknown concepts {', '.join(sorted(unknown))}")

    def __len__(self) -> int:
        return len(self.terms)

    def similarity(self, one: str, other: str) -> float:
        """1 for the same concept, `NEAR` for a neighbouring one, else 0."""
        if one == other:
            return 1.0
        return NEAR if (one, other) in self._near else 0.0

    def classes(self, mentions: Iterable[Mention]) -> frozenset[str]:
        """Classes of claims (`core.records.Category`) that speak of these concepts."""
        return frozenset().union(*(self._classes.get(mention.concept, ()) for mention in mentions))

    def related(self, concept: str) -> Mapping[str, float]:
        """Every concept that bears on ``concept``, with its `similarity`; 0 for an opposite that is not near it."""
        return self._related.get(concept) or {concept: 1.0}

    def are_opposite(self, one: str, other: str) -> bool:
        """Whether to say the one is to deny the other (野生, 养殖)."""
        return (one, other) in self._opposite

    def neighbours(self, concept: str) -> list[str]:
        """Concepts that are half of ``concept``."""
        return [other for one, other in self._near if one == concept]

    def mentions(self, text: str, wanted: frozenset[str] | None = None) -> list[Mention]:
        """Concepts of ``text`` with their places (offsets into ``text`` as given), in order; those ``wanted`` only.

        A word inside a longer one is not seen by itself: 斑马线 is no 斑 when it stands in the table.
        """
        normal = normalise(text)
        found: list[Mention] = []
        for start, end in self._words_in(normal.text):
            names = self._by_term[normal.text[start:end]]
            if wanted is None or not wanted.isdisjoint(names):
                begin, stop = normal.original_span(start, end)
                found += [Mention(name, begin, stop, text[begin:stop]) for name in names]
            if not self.problems.isdisjoint(names):
                found += _outcomes(normal, text, start, end)
        for name, pattern in self._patterns:
            if wanted is None or name in wanted:
                for match in pattern.finditer(normal.text):
                    begin, stop = normal.original_span(*match.span())
                    found.append(Mention(name, begin, stop, text[begin:stop]))
        if wanted is not None:
            found = [mention for mention in found if mention.concept in wanted]
        return sorted(found, key=lambda mention: (mention.start, mention.end, mention.concept))

    def says_gone(self, text: str, start: int, end: int) -> bool:
        """Whether ``[start, end)`` names a problem and the words just before it say that it is gone (没有黑点)."""
        if not _NONE_OF.search(text[max(0, start - 6) : start]):
            return False
        names = self._by_term.get(normalise(text[start:end]).text, [])
        return text[start] not in _VERBS and any(name in self.problems for name in names)

    def _words_in(self, text: str) -> list[tuple[int, int]]:
        """Occurrences that lie in no longer occurrence."""
        spans = sorted({(s, e) for _, s, e in self._matcher.find_matches_as_indexes(text, overlapping=True)})
        kept: list[tuple[int, int]] = []
        reach = 0
        for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            if end > reach:
                kept.append((start, end))
                reach = end
        return kept


def _outcomes(normal: NormalText, text: str, start: int, end: int) -> list[Mention]:
    """What is said to become of the problem at normalised ``[start, end)``: 祛斑, 去黑头, 没有黑点."""
    places: list[tuple[str, int, int]] = []
    for place in (start, start - 1):
        verb = _VERBS.get(normal.text[place : place + 1]) if place >= 0 else None
        if verb and (place < start or end - start > 1):
            places.append((verb, place, place + 1))
    gone = _NONE_OF.search(normal.text[max(0, start - 6) : start])
    if gone:
        places.append((GONE, start - len(gone[0]), end))
    spans = [(name, *normal.original_span(a, b)) for name, a, b in places]
    return [Mention(name, a, b, text[a:b]) for name, a, b in spans]


_PARTS = ("problems", "concepts", "patterns", "near", "opposite", "classes")


@lru_cache(maxsize=1)
def load_concepts() -> ConceptTable:
    """The bundled table. Raises `BadInputError` when it is damaged."""
    raw = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    if not isinstance(raw, dict) or set(raw) != set(_PARTS):
        raise _damaged(f"{', '.join(_PARTS)} are wanted")
    twice = set(raw["problems"]) & set(raw["concepts"])
    if twice:
        raise _damaged(f"listed twice: {', '.join(sorted(twice))}")
    words = {"problems": raw["problems"], "concepts": raw["concepts"]}
    return ConceptTable(words, raw["patterns"], raw["near"], raw["opposite"], raw["classes"])


def _damaged(reason: str) -> BadInputError:
    return BadInputError(
        "index_concepts",
        f"概念表 {TABLE.name} 有误：{reason}。",
        f"The concept table {TABLE.name} is wrong: {reason}.",
    )
