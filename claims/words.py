"""How plain a reading of a piece of speech is: words and their frequencies, and the likeliest cut into words.

A term heard by sound is accepted only when it makes the sentence likelier than the characters that
were written (a noisy channel, Shannon 1948; unigram segmentation by dynamic programming). The
frequencies come from the dictionary file of the package ``jieba``, which is read, not imported.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from claims.numerals import DIGITS
from core.errors import ModelError

LONGEST_WORD = 4
COMMON = 20
_TERM_FREQUENCY = 600
_NUMBER = f"[{DIGITS}十百千万亿两半几每]{{1,12}}"
_MEASURE = re.compile(
    _NUMBER + "[码克斤两件条个块元盒瓶袋包层款寸米升度岁点号页本粒颗片支天年月日周小分秒毫厘千倍道遍次口位名家]?"
)
QUANTITY = re.compile(_MEASURE.pattern.removesuffix("?"))
"""A number with its measure: 六克, 三十件."""
NUMERALS = frozenset(f"{DIGITS}十百千万亿两半几每")
_NUMBER_LOG = math.log(2e-3)
_BEGINNING = 0.0
"""In place of a log probability: no word, but longer ones begin so."""
_MODERN = (
    "绘本 每百 百克 酱鸭 姜糖 姜茶 直播 直播间 链接 下单 拍下 小黄车 宝宝 姐妹 家人 显白 显瘦 百搭 尺码 "
    "正码 偏大 偏小 一码 快递 包邮 运费 客服 详情页 色号 面膜 精华 敏感肌 干皮 油皮 补水 保湿 成分 配料 "
    "弹幕 公屏 主播 粉丝 优惠券 满减 预售 现货"
)


class Cut(NamedTuple):
    """The likeliest cut of a text into words: log probability at each place, and where the word before it begins."""

    log_probabilities: Sequence[float]
    begins: Sequence[int]

    def words(self, offset: int = 0) -> list[tuple[int, int]]:
        """The ranges of the words in a text that the one cut begins ``offset`` characters into."""
        found, end = [], len(self.begins) - 1
        while end:
            found.append((self.begins[end] + offset, end + offset))
            end = self.begins[end]
        return found[::-1]


class PlainWords:
    """Frequencies of plain words and of the terms of the packs."""

    def __init__(self, frequencies: Mapping[str, int], terms: Iterable[str] = ()) -> None:
        plain = _dictionary_logs() if frequencies is dictionary() else _logs(frequencies)
        self._frequencies = frequencies
        self._total = plain.total
        said = {term: self.as_term(term) for term in terms if len(term) <= LONGEST_WORD}
        self._logs = dict.fromkeys(_beginnings(said), _BEGINNING) | plain.logs | said

    def frequency(self, word: str) -> int:
        """Occurrences of ``word`` in the dictionary's own corpus; 0 for a stranger."""
        return self._frequencies.get(word, 0)

    def as_term(self, term: str) -> float:
        """Log probability of ``term`` where a host is taken to have said it."""
        return math.log(max(self.frequency(term), _TERM_FREQUENCY)) - self._total

    def cut(self, text: str) -> Cut:
        """The likeliest cut of ``text``: dynamic programming over words of up to `LONGEST_WORD` and over numbers."""
        find, unknown, size = self._logs.get, -self._total, len(text)
        best, begins = [0.0] + [-math.inf] * size, [0] * (size + 1)
        for start, char in enumerate(text):
            so_far, end = best[start], start + 1
            log: float | None = find(char) or unknown
            while log is not None:
                if log and so_far + log > best[end]:
                    best[end], begins[end] = so_far + log, start
                end += 1
                log = find(text[start:end]) if end <= size else None
            number = _MEASURE.match(text, start) if char in NUMERALS else None
            end = number.end() if number else 0
            if end > start + 1 and so_far + _NUMBER_LOG > best[end]:
                best[end], begins[end] = so_far + _NUMBER_LOG, start
        return Cut(best, begins)


class _Logs(NamedTuple):
    """Log probabilities of words, beginnings of longer ones among them, and the log of all occurrences."""

    logs: dict[str, float]
    total: float


@lru_cache(maxsize=1)
def _dictionary_logs() -> _Logs:
    """Those of the dictionary, once for all packs that come and go."""
    return _logs(dictionary())


def _logs(frequencies: Mapping[str, int]) -> _Logs:
    total = math.log(sum(frequencies.values()) or 1)
    known = {count: math.log(count) - total for count in set(frequencies.values()) if count}
    logs = {word: known.get(count, _BEGINNING) for word, count in frequencies.items()}
    return _Logs(dict.fromkeys(_beginnings(logs), _BEGINNING) | logs, total)


def _beginnings(words: Iterable[str]) -> set[str]:
    """Beginnings of longer words, so that most places of a text need one look-up."""
    longer = [word for word in words if len(word) > 2]
    return {word[:2] for word in longer} | {word[:3] for word in longer if len(word) > 3}


@lru_cache(maxsize=1)
def dictionary() -> dict[str, int]:
    """Words of up to `LONGEST_WORD` characters with their frequencies; ModelError when the file is not there."""
    spec = find_spec("jieba")
    folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
    path = folder / "dict.txt" if folder else None
    if path is None or not path.is_file():
        raise ModelError(
            "words_missing",
            "缺少词频表：软件包 jieba 没有装好。",
            "The word frequencies are missing: the package jieba is not installed properly.",
        )
    fields = path.read_text(encoding="utf-8").split()  # word, count, part of speech, line after line
    counted = zip(fields[::3], map(int, fields[1::3]), strict=True)
    found = {word: count for word, count in counted if len(word) <= LONGEST_WORD}
    return found | {word: max(found.get(word, 0), 200) for word in _MODERN.split()}
