"""What was probably said: a sentence with words in place of characters that only sound like them.

Recognition writes 去班 for 祛斑 and 连上摆摆嫩嫩 for 脸上白白嫩嫩. A word may take the place of characters of the same
merged syllables, at a price; the likeliest whole sentence wins (noisy channel, Shannon 1948; Viterbi 1967). Words
are those of the dictionary and of the packs, made likelier by how often hosts use them in the training sentences.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from claims.terms import sound_text
from claims.words import QUANTITY, dictionary
from core.text import is_han

SPOKEN = Path(__file__).parent / "weights" / "spoken.txt"
LONGEST = 6
_HAN = re.compile(f"^[\u4e00-\u9fff\u3400-\u4dbf]{{2,{LONGEST}}}$", re.MULTILINE)
_LEAST = 5
_ALIKE = 6
_A_WORD, _A_CHARACTER = 1.0, 2.5
"""What it costs, in nats, to replace a word, and each of its characters that changes."""
_OTHER = -3.0
_TERM = 600
REMEMBERED = 2_048
"""So many sounds are remembered with their words: about half a megabyte in a run of any length."""
_SHARE = 0.5
"""Half the probability of a word is its share of the dictionary's corpus, half that of hosts' speech."""


class Repairer:
    """Words by sound, ready to repair sentences; read-only and safe from any thread."""

    def __init__(self, frequencies: Mapping[str, int], spoken: Mapping[str, int], terms: Iterable[str] = ()) -> None:
        self._counts, self._spoken = frequencies, spoken
        self._terms = frozenset(terms)
        self._total = max(1, sum(frequencies.values()))
        self._spoken_total = max(1, sum(spoken.values()))
        self._unknown = -math.log(self._total) - 1
        self._plain = _dictionary_by_sound() if frequencies is dictionary() else _by_sound(_usual(frequencies))
        self._special = _by_sound({*spoken, *self._terms})
        self._likeliest = lru_cache(maxsize=REMEMBERED)(self._of_sound)

    def repaired(self, text: str) -> str:
        """``text`` as it was probably said; of the same length, character by character."""
        return "".join(word for _, word in self._path(text))

    def words(self, text: str) -> list[str]:
        """The words of folded ``text`` as it is written."""
        return [word for start, word in self._path(text, heard=False) if text[start : start + len(word)] == word]

    def _path(self, text: str, heard: bool = True) -> list[tuple[int, str]]:
        """The likeliest words with their places."""
        size, sounds = len(text), sound_text(text)
        counted = bytearray(size)
        for match in QUANTITY.finditer(text):
            counted[match.start() : match.end()] = b"\x01" * len(match.group())
        best = [0.0] + [-math.inf] * size
        back = [(0, "")] * (size + 1)
        for start in range(size):
            for word, log in self._edges(text, sounds, start, counted if heard else None):
                end = start + len(word)
                if best[start] + log > best[end]:
                    best[end], back[end] = best[start] + log, (start, word)
        found, end = [], size
        while end:
            found.append(back[end])
            end = back[end][0]
        return found[::-1]

    def _edges(self, text: str, sounds: str, start: int, counted: bytearray | None) -> Iterator[tuple[str, float]]:
        """Words that may stand at ``start``; those of the same sound too, where nothing that is ``counted`` changes."""
        char = text[start]
        if not is_han(char):
            yield char, _OTHER
            return
        yield char, self._log(char) or self._unknown
        for end in range(start + 2, min(start + LONGEST, len(text)) + 1):
            if not is_han(text[end - 1]):
                return
            written = text[start:end]
            log = self._log(written)
            if log is not None:
                yield written, log
            if counted is None:
                continue
            for likely, word in self._alike(sounds[start:end]):
                changes = [at for at, (a, b) in enumerate(zip(word, written, strict=True), start) if a != b]
                if changes and not any(counted[at] for at in changes):
                    yield word, likely - _A_WORD - _A_CHARACTER * len(changes)

    @property
    def remembered(self) -> int:
        """How many sounds are remembered with their words."""
        return self._likeliest.cache_info().currsize

    def _alike(self, sound: str) -> Sequence[tuple[float, str]]:
        """The likeliest words of that sound; those of late are remembered, as hosts repeat themselves."""
        if sound not in self._plain and sound not in self._special:
            return ()
        return self._likeliest(sound)

    def _of_sound(self, sound: str) -> Sequence[tuple[float, str]]:
        words = {*self._plain.get(sound, ()), *self._special.get(sound, ())}
        return tuple(sorted(((self._log(word) or self._unknown, word) for word in words), reverse=True)[:_ALIKE])

    def _log(self, word: str) -> float | None:
        count = self._counts.get(word, 0)
        if word in self._terms:
            count = max(count, _TERM)
        share = (1 - _SHARE) * count / self._total + _SHARE * self._spoken.get(word, 0) / self._spoken_total
        return math.log(share) if share > 0 else None


def _usual(frequencies: Mapping[str, int]) -> list[str]:
    return [word for word, count in frequencies.items() if count >= _LEAST]


def _by_sound(words: Iterable[str]) -> dict[str, list[str]]:
    """Words of Chinese characters by how they sound."""
    found: dict[str, list[str]] = {}
    fitting = _HAN.findall("\n".join(words))
    for word, sound in zip(fitting, sound_text("\n".join(fitting)).split("\n"), strict=bool(fitting)):
        found.setdefault(sound, []).append(word)
    return found


@lru_cache(maxsize=1)
def _dictionary_by_sound() -> dict[str, list[str]]:
    """Those of the dictionary, once for all packs that come and go."""
    return _by_sound(_usual(dictionary()))


def spoken_words(texts: Iterable[str], terms: Iterable[str] = ()) -> Counter[str]:
    """How often each word occurs in folded ``texts``, cut by the dictionary."""
    plain = Repairer(dictionary(), {}, terms)
    return Counter(word for text in texts for word in plain.words(text))


@lru_cache(maxsize=1)
def spoken_counts(path: Path = SPOKEN) -> dict[str, int]:
    """The words of hosts' speech with their counts, as training wrote them; empty where there is no such file."""
    if not path.is_file():
        return {}
    rows = (line.split(" ") for line in path.read_text("utf-8").splitlines())
    return {word: int(count) for word, count in rows}
