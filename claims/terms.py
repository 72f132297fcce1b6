"""All terms of all packs at once: by letter, with initials and full pinyin, and by sound.

Two Aho-Corasick automata (Aho & Corasick 1975). One runs over folded text and holds each term, and
each term with one character spelt in Latin letters (``j肥``, ``shou脸``, ``meibai``). The other runs over
merged toneless syllables, one private-use character a syllable; its hits must make the sentence
likelier than what was written (`claims.words`), and terms of five syllables and more may differ in one.
"""

from collections.abc import Iterable
from operator import itemgetter, ne
from typing import NamedTuple

import ahocorasick_rs

from claims.fold import MARKS
from claims.rules import Lexicon
from claims.words import COMMON, NUMERALS, Cut, PlainWords
from core.pinyin import merged_syllables, readings
from core.text import is_han

_MARKS = frozenset(MARKS)
_AROUND = 4
_EDIT_FROM = 5
_MIN_LETTERS = 5
_VERY_COMMON = 1_000
_NEGATIONS = frozenset("不没无零别未非")
_SHORT = 3
_SHORT_MARGIN = -6.0
_LONG_MARGIN = -4.0
_PLACE = itemgetter(2, 3)


class Hit(NamedTuple):
    """A term at ``[start, end)`` of the folded text. ``method``: exact, letters, sound or sound_edit."""

    lexicon: str
    term: str
    start: int
    end: int
    method: str
    score: float

    @property
    def weak(self) -> bool:
        """Two syllables heard by sound: needs context."""
        return self.method == "sound" and len(self.term) <= 2


class _Place(NamedTuple):
    """A stretch heard like a term: gain in log probability without what is written there, and the plain cut around."""

    gain: float
    left: int
    plain: Cut


class _Written(NamedTuple):
    """A way to write a term, and whether it begins or ends with a Latin letter."""

    lexicon: str
    term: str
    method: str
    score: float
    latin: bool


class _Half(NamedTuple):
    """Half of a long term by sound, ``part`` syllables into it."""

    lexicon: str
    term: str
    log: float
    part: int
    sound: str


class _Sounds(dict[int, int]):
    """For `str.translate`: each Han character to its merged syllable's private-use symbol, others to themselves."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def __missing__(self, code: int) -> int:
        sound = merged_syllables(chr(code))[0] if is_han(chr(code)) else ""
        self[code] = self._codes.setdefault(sound, 0xE000 + len(self._codes)) if sound else code
        return self[code]


_SOUNDS = _Sounds()


def sound_text(text: str) -> str:
    """``text`` with each Han character as its merged syllable's symbol; same length, marks kept."""
    return text.translate(_SOUNDS)


def letter_forms(term: str) -> set[str]:
    """The term with one character as pinyin or initial, with an ``x`` for a character, or all in pinyin."""
    if not 2 <= len(term) <= 5 or not all(map(is_han, term)):
        return set()
    sounds = [readings(char)[0] if readings(char) else "" for char in term]
    if not all(sounds):
        return set()
    forms = set()
    for index, sound in enumerate(sounds):
        for letters in {sound, sound[0]}:
            forms.add(term[:index] + letters + term[index + 1 :])
    if len(term) == 2:
        forms.add(term[0] + "x" + term[1])
    if len("".join(sounds)) >= _MIN_LETTERS:
        forms.add("".join(sounds))
    return forms


class TermIndex:
    """Finds the terms of lexicons in folded text; built once, used from any thread."""

    def __init__(self, lexicons: Iterable[Lexicon], words: PlainWords) -> None:
        self._words = words
        self._exact: list[_Written] = []
        self._whole: dict[str, list[tuple[str, str, float]]] = {}
        self._halves: dict[str, list[_Half]] = {}
        self._terms: set[str] = set()
        patterns: list[str] = []
        for lexicon in lexicons:
            self._terms.update(lexicon.terms)
            for term in lexicon.terms:
                for form in {term, *(letter_forms(term) if lexicon.letters else ())}:
                    patterns.append(form)
                    read = ("exact", 1.0) if form == term else ("letters", 0.9)
                    self._exact.append(_Written(lexicon.name, term, *read, _latin(form[0]) or _latin(form[-1])))
                if lexicon.sound:
                    self._add_sound(lexicon.name, term)
        self._text_automaton = ahocorasick_rs.AhoCorasick(patterns or ["\ufffe"], store_patterns=False)
        sounds = list(dict.fromkeys([*self._whole, *self._halves]))
        self._sounds = [(self._whole.get(sound, []), self._halves.get(sound, [])) for sound in sounds]
        self._sound_automaton = ahocorasick_rs.AhoCorasick(sounds or ["\ufffe"], store_patterns=False)

    def _add_sound(self, name: str, term: str) -> None:
        if len(term) < 2 or not all(map(is_han, term)):
            return
        heard, log = sound_text(term), self._words.as_term(term)
        self._whole.setdefault(heard, []).append((name, term, log))
        if len(term) >= _EDIT_FROM:
            middle = len(term) // 2
            self._halves.setdefault(heard[:middle], []).append(_Half(name, term, log, 0, heard))
            self._halves.setdefault(heard[middle:], []).append(_Half(name, term, log, middle, heard))

    def find(self, text: str, sound: bool = True) -> list[Hit]:
        """All hits in folded ``text``, overlapping ones included; without ``sound`` only what is written."""
        found: dict[tuple[str, int, int], Hit] = {}
        if self._exact:
            for index, start, end in self._text_automaton.find_matches_as_indexes(text, overlapping=True):
                name, term, method, score, latin = self._exact[index]
                if not latin or not _cut_latin(text, start, end):
                    found[name, start, end] = Hit(name, term, start, end, method, score)
        for hit in self._sounding(text) if sound and self._sounds else ():
            found.setdefault((hit.lexicon, hit.start, hit.end), hit)
        return sorted(found.values(), key=_PLACE) if len(found) > 1 else list(found.values())

    def _sounding(self, text: str) -> Iterable[Hit]:
        heard, terms = sound_text(text), self._terms
        places: dict[tuple[int, int], _Place] = {}
        for index, first, last in self._sound_automaton.find_matches_as_indexes(heard, overlapping=True):
            whole, halves = self._sounds[index]
            if whole and text[first:last] not in terms:
                for name, term, log in whole:
                    if self._likelier(text, (first, last), term, log, places):
                        yield Hit(name, term, first, last, "sound", 0.6 if last - first <= 2 else 0.8)
            for name, term, log, part, sound in halves:
                start, end = first - part, first - part + len(term)
                if start < 0 or end > len(text) or sum(map(ne, heard[start:end], sound)) > 1:
                    continue
                written = text[start:end]
                if written in terms or _negation_differs(written, term) or not _MARKS.isdisjoint(written):
                    continue
                if self._likelier(text, (start, end), term, log, places):
                    method = "sound" if heard[start:end] == sound else "sound_edit"
                    yield Hit(name, term, start, end, method, 0.8)

    def beats_plain(self, text: str, hit: Hit) -> bool:
        """Whether ``hit``, read into ``text`` by a repair, leaves whole the plain words there (红笔|圈 is no 币圈)."""
        start, end = hit.start, hit.end
        if len(hit.term) > _SHORT or text[start:end] == hit.term:
            return True
        return not self._common_word(text, self._place(text, start, end), (start, end), hit.term)

    def _likelier(
        self, text: str, span: tuple[int, int], term: str, log: float, places: dict[tuple[int, int], _Place]
    ) -> bool:
        """Whether the sentence is likely enough with ``term`` at ``span``, and destroys no common word."""
        place = places.get(span)
        if place is None:
            place = places[span] = self._place(text, *span)
        if place.gain + log <= (_SHORT_MARGIN if len(term) <= 2 else _LONG_MARGIN):
            return False
        return len(term) > _SHORT or not self._common_word(text, place, span, term)

    def _place(self, text: str, start: int, end: int) -> _Place:
        """How likely what is written around ``[start, end)`` is with and without it, and its plain words."""
        left, right = max(0, start - _AROUND), min(end + _AROUND, len(text))
        if not _MARKS.isdisjoint(text[left:right]):
            left = max([left, *(text.rfind(mark, left, start) + 1 for mark in MARKS)])
            right = min([right, *(at for mark in MARKS if (at := text.find(mark, end, right)) >= 0)])
        plain = self._words.cut(text[left:right])
        # A number that runs on into the stretch is cut short by the term.
        before = self._words.cut(text[left:start]) if text[left:start][-1:] in NUMERALS else plain
        after = self._words.cut(text[end:right])
        without = before.log_probabilities[start - left] + after.log_probabilities[-1]
        return _Place(without - plain.log_probabilities[-1], left, plain)

    def _common_word(self, text: str, place: _Place, span: tuple[int, int], term: str) -> bool:
        """Whether the plain reading has a common word of two or more characters that the term would destroy."""
        start, end = span
        for a, b in place.plain.words(place.left):
            if b - a < 2 or b <= start or a >= end:
                continue
            inside = start <= a and b <= end
            if inside and text[a:b] == term[a - start : b - start]:
                continue
            if inside and len(term) > 2 and self._words.frequency(text[a:b]) < _VERY_COMMON:
                continue
            if not inside or self._words.frequency(text[a:b]) >= COMMON:
                return True
        return False


def _cut_latin(text: str, start: int, end: int) -> bool:
    """Whether the match cuts through a run of Latin letters."""
    return (_latin(text[start : start + 1]) and _latin(text[start - 1 : start] if start else "")) or (
        _latin(text[end - 1 : end]) and _latin(text[end : end + 1])
    )


def _latin(char: str) -> bool:
    return "a" <= char <= "z"


def _negation_differs(written: str, term: str) -> bool:
    """Whether the one differing character is a negation of either side."""
    return any(a != b and (a in _NEGATIONS or b in _NEGATIONS) for a, b in zip(written, term, strict=True))
