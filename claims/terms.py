"""All terms of all packs at once: by letter, with initials and full pinyin, and by sound.

Two Aho-Corasick automata (Aho & Corasick 1975). One runs over folded text and holds each term, and
each term with one character spelt in Latin letters (``j肥``, ``shou脸``, ``meibai``). The other runs over
merged toneless syllables, one private-use character a syllable; its hits must make the sentence
likelier than what was written (`claims.words`), and terms of five syllables and more may differ in one.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import ne

import ahocorasick_rs

from claims.fold import MARKS
from claims.rules import Lexicon
from claims.words import COMMON, PlainWords
from core.pinyin import merged_syllables, readings
from core.text import is_han

_MARKS = frozenset(MARKS)
_AROUND = 4
_EDIT_FROM = 5
_MIN_LETTERS = 5
_VERY_COMMON = 1_000
_NEGATIONS = frozenset("不没无零别未非")
_SHORT_MARGIN = -6.0
_LONG_MARGIN = -4.0


@dataclass(frozen=True, slots=True)
class Hit:
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
        self._exact: list[tuple[str, str, str]] = []
        self._heard: list[tuple[str, str, int, str]] = []
        self._terms: set[str] = set()
        patterns: list[str] = []
        sounds: list[str] = []
        for lexicon in lexicons:
            self._terms.update(lexicon.terms)
            for term in lexicon.terms:
                for form in {term, *(letter_forms(term) if lexicon.letters else ())}:
                    patterns.append(form)
                    self._exact.append((lexicon.name, term, form))
                if lexicon.sound:
                    self._add_sound(lexicon.name, term, sounds)
        self._text_automaton = ahocorasick_rs.AhoCorasick(patterns or ["\ufffe"], store_patterns=False)
        self._sound_automaton = ahocorasick_rs.AhoCorasick(sounds or ["\ufffe"], store_patterns=False)

    def _add_sound(self, name: str, term: str, sounds: list[str]) -> None:
        if len(term) < 2 or not all(map(is_han, term)):
            return
        heard = sound_text(term)
        sounds.append(heard)
        self._heard.append((name, term, -1, heard))
        if len(term) >= _EDIT_FROM:
            middle = len(term) // 2
            sounds.extend((heard[:middle], heard[middle:]))
            self._heard.extend([(name, term, 0, heard), (name, term, middle, heard)])

    def find(self, text: str, sound: bool = True) -> list[Hit]:
        """All hits in folded ``text``, overlapping ones included; without ``sound`` only what is written."""
        found = {(h.lexicon, h.start, h.end): h for h in self._written(text)}
        for hit in self._sounding(text) if sound else ():
            found.setdefault((hit.lexicon, hit.start, hit.end), hit)
        return sorted(found.values(), key=lambda hit: (hit.start, hit.end))

    def _written(self, text: str) -> Iterable[Hit]:
        if not self._exact:
            return
        for index, start, end in self._text_automaton.find_matches_as_indexes(text, overlapping=True):
            name, term, form = self._exact[index]
            if form == term:
                if not _cut_latin(text, start, end):
                    yield Hit(name, term, start, end, "exact", 1.0)
            elif not _cut_latin(text, start, end):
                yield Hit(name, term, start, end, "letters", 0.9)

    def _sounding(self, text: str) -> Iterable[Hit]:
        if not self._heard:
            return
        heard = sound_text(text)
        seen: dict[tuple[int, int, str], float] = {}
        for index, first, last in self._sound_automaton.find_matches_as_indexes(heard, overlapping=True):
            name, term, part, sound = self._heard[index]
            start, end = (first - part, first - part + len(term)) if part >= 0 else (first, last)
            if part >= 0:
                if start < 0 or end > len(text) or not _one_off(heard[start:end], sound):
                    continue
                if _negation_differs(text[start:end], term):
                    continue
            if text[start:end] in self._terms or not _MARKS.isdisjoint(text[start:end]):
                continue
            key = (start, end, term)
            if key not in seen:
                seen[key] = self._gain(text, start, end, term)
            margin = _SHORT_MARGIN if len(term) <= 2 else _LONG_MARGIN
            if seen[key] > margin:
                method = "sound" if heard[start:end] == sound else "sound_edit"
                yield Hit(name, term, start, end, method, 0.6 if len(term) <= 2 else 0.8)

    def _gain(self, text: str, start: int, end: int, term: str) -> float:
        """How much likelier the sentence is with ``term``; minus infinity where a common word stands."""
        left = max([start - _AROUND, *(text.rfind(mark, 0, start) + 1 for mark in MARKS)])
        stops = [at for mark in MARKS if (at := text.find(mark, end)) >= 0]
        right = min([end + _AROUND, len(text), *stops])
        plain = self._words.cut(text[left:right])
        if len(term) <= 3 and self._common_word(
            text, [(a + left, b + left) for a, b in plain.words], (start, end), term
        ):
            return -math.inf
        new = text[left:start] + term + text[end:right]
        heard = self._words.cut(new, forced=(start - left, end - left))
        return heard.log_probability - plain.log_probability

    def _common_word(self, text: str, words: Sequence[tuple[int, int]], span: tuple[int, int], term: str) -> bool:
        """Whether the plain reading has a common word of two or more characters that the term would destroy."""
        start, end = span
        for a, b in words:
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


def _one_off(heard: str, term: str) -> bool:
    """Whether two equally long sound texts differ in at most one syllable."""
    return bool(sum(map(ne, heard, term)) <= 1)


def _negation_differs(written: str, term: str) -> bool:
    """Whether the one differing character is a negation of either side."""
    return any(a != b and (a in _NEGATIONS or b in _NEGATIONS) for a, b in zip(written, term, strict=True))
