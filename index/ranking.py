"""How well a text answers a query: which of the query's letters it covers, and by which way.

Every letter of the query carries how much it tells (index/lexicon.py). A text covers it by the same
letter, by the same sound in a run of two or more, or by the same concept; the best way counts. A way
whose words are denied on one side only counts little and is remembered. Text length plays no part.
Weights are round numbers, chosen on own sentences; `livewitness bench search` measures them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from index.concepts import ConceptTable, Mention
from index.lexicon import Lexicon
from index.polarity import asks, denied, disclaims, nearby
from index.symbols import Spelled, Symbol, spell

Way = Literal["exact", "letters", "sound", "concept", "meaning"]

LETTER_RUN = 1.0
LETTER_RUN_CUT = 0.6
LETTER_ALONE = 0.25
SOUND_RUN = 0.9
SOUND_OF_A_WORD = 0.4
CONCEPT = 0.7
CONCEPT_OF_ONE_LETTER = 0.5
DENIED = 0.2


@dataclass(frozen=True, slots=True)
class Query:
    """A query taken apart once. ``weights[i]`` says how much ``spelled.letters[i]`` tells.

    ``classes``: those of the claims that it speaks of. ``covers[k]``: the letters under ``mentions[k]``.
    ``related``: all concepts that bear on those mentioned.
    """

    text: str
    spelled: Spelled
    weights: tuple[float, ...]
    mentions: tuple[Mention, ...]
    sound_owner: tuple[int, ...]
    classes: frozenset[str] = frozenset()
    covers: tuple[tuple[int, ...], ...] = ()
    related: frozenset[str] = frozenset()


class Evidence(NamedTuple):
    """Letters ``covers`` of the query are answered by ``[start, end)`` of the text, by ``way``."""

    way: Way
    covers: tuple[int, ...]
    credit: float
    start: int
    end: int
    words: str
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """All evidence for one text. ``coverage`` and ``denial`` are shares of the query, 0 to 1.

    ``caution``: the text warns or limits where the query claims. ``spelled``: the share that stands there in runs of
    letters or sounds.
    """

    coverage: float
    denial: float
    phrase: float
    evidence: tuple[Evidence, ...] = field(default=())
    caution: bool = False
    spelled: float = 0.0


class Matcher:
    """Compares texts with queries; holds the lexicon and the concept table, no state but what it remembers of texts."""

    def __init__(self, lexicon: Lexicon, concepts: ConceptTable) -> None:
        self._lexicon = lexicon
        self._concepts = concepts
        self._mentions = lru_cache(maxsize=8_192)(concepts.mentions)

    def query(self, text: str) -> Query:
        """Take a query apart."""
        spelled = spell(text)
        weights = tuple(self._lexicon.weight(symbol.text) for symbol in spelled.letters)
        owner = tuple(_owner(spelled.letters, sound) for sound in spelled.sounds)
        mentions = tuple(self._mentions(text))
        covers = tuple(
            tuple(i for i, letter in enumerate(spelled.letters) if mention.start <= letter.start < mention.end)
            for mention in mentions
        )
        related = frozenset().union(*(self._concepts.related(mention.concept) for mention in mentions))
        return Query(text, spelled, weights, mentions, owner, self._concepts.classes(mentions), covers, related)

    def match(self, query: Query, text: str, repaired: str = "") -> Match:
        """Everything by which ``text`` answers ``query``; concepts are read in ``repaired``, of the same length."""
        spelled = spell(text)
        shared = self._shared_concepts(query, text, repaired or text)
        found = [*self._letters(query, spelled), *self._sounds(query, spelled), *shared]
        judged = _as_the_whole([_judged(query, text, evidence, self._concepts) for evidence in found])
        total = sum(query.weights)
        best = [0.0] * len(query.weights)
        against = [0.0] * len(query.weights)
        written: set[int] = set()
        for evidence in judged:
            if evidence.way != "concept" and evidence.credit > LETTER_ALONE:
                written.update(evidence.covers)
            for position in evidence.covers:
                credit = evidence.credit * (DENIED if evidence.denied else 1.0)
                best[position] = max(best[position], credit)
                if evidence.denied:
                    against[position] = max(against[position], evidence.credit)
        coverage = sum(w * c for w, c in zip(query.weights, best, strict=True)) / total if total else 0.0
        denial = sum(w * c for w, c in zip(query.weights, against, strict=True)) / total if total else 0.0
        # One error leaves a run of nearly half the query: without one, the edit distance need not be measured.
        half = any(2 * len(e.covers) + 1 >= len(query.weights) for e in judged if e.way != "concept")
        phrase = phrase_similarity(query, spelled) if half else 0.0
        if phrase < 1.0 and all(
            e.credit < SOUND_RUN for e in judged if e.way == "sound" and 2 * len(e.covers) > len(best)
        ):
            phrase = 0.0
        caution = disclaims(_around(text, judged)) and not (disclaims(query.text) or asks(query.text))
        there = sum(query.weights[i] for i in written) / total if total else 0.0
        return Match(coverage, denial, phrase, tuple(judged), caution, there)

    def _letters(self, query: Query, spelled: Spelled) -> Iterable[Evidence]:
        original, theirs = spelled.normal.original, spelled.letters
        asked = query.spelled.letters.texts
        for i, j, size in common_runs(asked, theirs.texts):
            start, end = theirs.starts[j], theirs.ends[j + size - 1]
            credit = LETTER_RUN if size > 1 or len(asked) == 1 else LETTER_ALONE
            if 1 < size < len(asked) and self._cut(original, start, end):
                credit = LETTER_RUN_CUT
            yield Evidence("letters", tuple(range(i, i + size)), credit, start, end, original[start:end])

    def _sounds(self, query: Query, spelled: Spelled) -> Iterable[Evidence]:
        original, ours, theirs = spelled.normal.original, query.spelled.sounds, spelled.sounds
        for i, j, size in common_runs(ours.texts, theirs.texts):
            if size < 2:
                continue
            start, end = theirs.starts[j], theirs.ends[j + size - 1]
            covers = tuple(dict.fromkeys(query.sound_owner[i : i + size]))
            words = original[start:end]
            asked = query.text[ours.starts[i] : ours.ends[i + size - 1]]
            misheard = words == asked or not (self._lexicon.is_word(words) or self._said(original, start, asked, words))
            yield Evidence("sound", covers, SOUND_RUN if misheard else SOUND_OF_A_WORD, start, end, words)

    def _said(self, text: str, start: int, asked: str, words: str) -> bool:
        """Whether all letters that differ from what was asked belong to common words: 一生推荐 is not 医生推荐."""
        if len(asked) != len(words):
            return False
        differing = [p for p, (ours, theirs) in enumerate(zip(asked, words, strict=True), start) if ours != theirs]
        return all(
            any(
                text[a : a + size] in self._lexicon.common
                for size in (2, 3)
                for a in range(max(0, place - size + 1), place + 1)
            )
            for place in differing
        )

    def _cut(self, text: str, start: int, end: int) -> bool:
        """Whether an edge of ``[start, end)`` cuts a common word: 防脱 out of 防脱落, 最后三 out of 最后三天."""
        common = self._lexicon.common
        for edge in (start, end):
            # The words of two and three letters that reach over the edge.
            for a, b in ((edge - 1, edge + 1), (edge - 2, edge + 1), (edge - 1, edge + 2)):
                if a >= 0 and b <= len(text) and text[a:b] in common:
                    return True
        return False

    def _shared_concepts(self, query: Query, text: str, repaired: str) -> Iterable[Evidence]:
        theirs = self._mentions(repaired, query.related) if query.related else ()
        for ours, covers in zip(query.mentions, query.covers, strict=True):
            related = self._concepts.related(ours.concept) if covers else {}
            for mention in theirs:
                if mention.concept in related:
                    near = related[mention.concept]
                    credit = self._surely(text, mention) * (near or 1.0)
                    words = text[mention.start : mention.end]
                    against = self._concepts.are_opposite(ours.concept, mention.concept)
                    yield Evidence("concept", covers, credit, mention.start, mention.end, words, against)

    def _surely(self, text: str, mention: Mention) -> float:
        """What a word for a concept is worth: less for one letter, and for 防脱 where 防脱落 is said."""
        if mention.end - mention.start == 1:
            return CONCEPT_OF_ONE_LETTER
        return CONCEPT * LETTER_RUN_CUT if self._cut(text, mention.end, mention.end) else CONCEPT


def _around(text: str, found: Sequence[Evidence]) -> str:
    """The clauses that answer, and those next to them: a warning about something else far off is none."""
    best = max(found, key=lambda e: (e.credit * len(e.covers), -e.start), default=None)
    return nearby(text, best.start, best.end) if best else text


def _owner(letters: Sequence[Symbol], sound: Symbol) -> int:
    return next(i for i, letter in enumerate(letters) if letter.start <= sound.start < letter.end)


def common_runs(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int, int]]:
    """``(i, j, size)`` of all longest runs with ``ours[i:i+size] == theirs[j:j+size]``, in order of where they end."""
    places = _places(tuple(ours))
    runs: list[tuple[int, int, int]] = []
    previous: dict[int, int] = {}
    for j, other in enumerate(theirs):
        current: dict[int, int] = {}
        for i in places.get(other, ()):
            size = current[i] = previous.get(i - 1, 0) + 1
            if i + 1 == len(ours) or j + 1 == len(theirs) or ours[i + 1] != theirs[j + 1]:
                runs.append((i - size + 1, j - size + 1, size))
        previous = current
    return sorted(runs, key=lambda run: (run[0] + run[2], run[1]))


@lru_cache(maxsize=256)
def _places(symbols: tuple[str, ...]) -> dict[str, list[int]]:
    """Where each of the symbols of a query stands in it."""
    places: dict[str, list[int]] = {}
    for place, symbol in enumerate(symbols):
        places.setdefault(symbol, []).append(place)
    return places


def phrase_similarity(query: Query, spelled: Spelled) -> float:
    """1 when the query is said in order, letter by letter or by sound; less by one error; else 0.

    One error (a syllable replaced, added or left out) is forgiven from four syllables on.
    """
    ours = query.spelled.sounds.texts
    if not ours:
        return 0.0
    if query.spelled.letter_text() in spelled.letter_text():
        return 1.0
    errors = fewest_errors(ours, spelled.sounds.texts)
    if errors == 0 and len(ours) > 1:
        return 0.9
    return 0.6 if errors == 1 and len(ours) >= 4 else 0.0


def fewest_errors(pattern: Sequence[str], text: Sequence[str]) -> int:
    """Edit distance of ``pattern`` to the best run of ``text``: 0, 1, or 2 for two and more.

    Bit i of ``exact`` and ``near`` says that the first i + 1 symbols end here, with no error and with at most one
    (Wu and Manber, 1992).
    """
    if not pattern:
        return 0
    masks, whole = _masks(tuple(pattern)), 1 << len(pattern) - 1
    exact, near = 0, 1
    one = near & whole
    for symbol in text:
        mask, before = masks.get(symbol, 0), exact
        exact = (exact << 1 | 1) & mask
        near = (near << 1 | 1) & mask | before | (before | exact) << 1 | 1
        if exact & whole:
            return 0
        one |= near & whole
    return 1 if one else 2


@lru_cache(maxsize=256)
def _masks(symbols: tuple[str, ...]) -> dict[str, int]:
    """The places of `_places` as bits of one number."""
    return {symbol: sum(1 << place for place in places) for symbol, places in _places(symbols).items()}


def _judged(query: Query, text: str, evidence: Evidence, concepts: ConceptTable) -> Evidence:
    """The evidence with its polarity: denied when the words are denied on one side only."""
    begin = query.spelled.letters.starts[evidence.covers[0]]
    stop = query.spelled.letters.ends[evidence.covers[-1]]
    here = denied(text, evidence.start, evidence.end)
    there = denied(query.text, begin, stop)
    if here != there and not (here and concepts.says_gone(text, evidence.start, evidence.end)):
        # To deny the opposite (不是养殖的) is to say it.
        return evidence._replace(denied=not evidence.denied)
    return evidence


def _as_the_whole(found: list[Evidence]) -> list[Evidence]:
    """What is part of a longer match has the polarity of the whole.

    The negator of a phrase stands far from its last word (不敢说三天祛斑), and one inside the phrase is part of
    what was asked for (天然无添加).
    """
    if not any(e.denied for e in found):
        return found
    runs = [e for e in found if e.way != "concept" and len(e.covers) > 1]
    return [_like(e, _longest(e, runs)) for e in found]


def _like(part: Evidence, whole: Evidence) -> Evidence:
    return part if part.denied == whole.denied else part._replace(denied=whole.denied)


def _longest(part: Evidence, runs: list[Evidence]) -> Evidence:
    best = part
    for e in runs:
        if len(e.covers) > len(best.covers) and e.start <= part.start and part.end <= e.end:
            best = e if set(part.covers) <= set(e.covers) else best
    return best
