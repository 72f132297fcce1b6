"""How common Chinese words and characters are: jieba's dictionary, read without the segmenter.

Two questions are asked of it: is this run of characters a word, so that it was hardly mis-heard, and
how much does a character tell (的 little, 斑 much)? The counts are fixed, so that ranks do not shift
as an archive grows.
"""

import importlib.util
import math
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.errors import ModelError
from core.pinyin import merged_syllables

_LONGEST = 4
_LEAST_COUNT = 3
_COMMON_COUNT = 20


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words of 2 to 4 characters, the common ones of them; the information of characters and sounds from 0 to 1."""

    words: frozenset[str]
    common: frozenset[str]
    letters: dict[str, float]
    sounds: dict[str, float]

    def is_word(self, text: str) -> bool:
        """Whether ``text`` is a word that people use."""
        return text in self.words

    def weight(self, letter: str) -> float:
        """How much a letter tells: 0.2 for the commonest, 1 for a rare or unknown one."""
        return self.letters.get(letter, 1.0)


@lru_cache(maxsize=1)
def load_lexicon() -> Lexicon:
    """Read the dictionary (0.4 s, once a process). Raises `ModelError` when it is not installed."""
    words: list[str] = []
    common: list[str] = []
    counts: dict[str, int] = defaultdict(int)
    for line in _dictionary().read_text(encoding="utf-8").splitlines():
        word, count, _tag = line.split(" ")
        number = int(count)
        if 2 <= len(word) <= _LONGEST and number >= _LEAST_COUNT:
            words.append(word)
            if number >= _COMMON_COUNT:
                common.append(word)
        for char in word:
            counts[char] += number
    sounds: dict[str, int] = defaultdict(int)
    for char, number in counts.items():
        sound = merged_syllables(char)[0]
        if sound:
            sounds[sound] += number
    return Lexicon(frozenset(words), frozenset(common), _information(counts), _information(sounds))


def _information(counts: dict[str, int]) -> dict[str, float]:
    """-log p, scaled so that the commonest symbol has 0.2 and one in a hundred thousand has 1."""
    total = sum(counts.values())
    least = min(-math.log(n / total) for n in counts.values())
    most = math.log(1e5)
    return {
        symbol: min(1.0, 0.2 + 0.8 * (-math.log(n / total) - least) / (most - least)) for symbol, n in counts.items()
    }


def _dictionary() -> Path:
    spec = importlib.util.find_spec("jieba")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / "dict.txt"
        if path.is_file():
            return path
    raise ModelError(
        "index_lexicon",
        "检索所需的词典软件包 jieba 未安装。请重新运行 make setup。",
        "The package jieba, whose dictionary search needs, is not installed. Run make setup again.",
    )
