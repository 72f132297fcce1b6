"""How plain a reading of a piece of speech is: words and their frequencies, and the likeliest cut into words.

A term heard by sound is accepted only when it makes the sentence likelier than the characters that
were written (a noisy channel, Shannon 1948; unigram segmentation by dynamic programming). The
frequencies come from the dictionary file of the package ``jieba``, which is read, not imported.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from claims.numerals import DIGITS
from core.errors import ModelError

LONGEST_WORD = 4
COMMON = 20
_TERM_FREQUENCY = 600
_NUMBER = f"[{DIGITS}十百千万亿两半几每]{1, 12}"
_MEASURE = re.compile(
    _NUMBER + "[码克斤两件条个块元盒瓶袋包层款寸米升度岁点号页本粒颗片支天年月日周小分秒毫厘千倍道遍次口位名家]?"
)
_NUMERALS = frozenset(f"{DIGITS}十百千万亿两半几每")
_NUMBER_LOG = math.log(2e-3)
_MODERN = (
    "绘本 每百 百克 酱鸭 姜糖 姜茶 直播 直播间 链接 下单 拍下 小黄车 宝宝 姐妹 家人 显白 显瘦 百搭 尺码 "
    "正码 偏大 偏小 一码 快递 包邮 运费 客服 详情页 色号 面膜 精华 敏感肌 干皮 油皮 补水 保湿 成分 配料 "
    "弹幕 公屏 主播 粉丝 优惠券 满减 预售 现货"
)


@dataclass(frozen=True, slots=True)
class Cut:
    """The likeliest cut of a text into words: log probability and word ranges."""

    log_probability: float
    words: tuple[tuple[int, int], ...]


class PlainWords:
    """Frequencies of plain words and of the terms of the packs."""

    def __init__(self, frequencies: dict[str, int], terms: Iterable[str] = ()) -> None:
        self._frequencies = frequencies
        self._terms = frozenset(terms)
        self._total = math.log(sum(frequencies.values()) or 1)

    def frequency(self, word: str) -> int:
        """Occurrences of ``word`` in the dictionary's own corpus; 0 for a stranger."""
        return self._frequencies.get(word, 0)

    def _log(self, word: str) -> float | None:
        count = self._frequencies.get(word, 0)
        if word in self._terms:
            count = max(count, _TERM_FREQUENCY)
        if not count:
            return None if len(word) > 1 else -self._total
        return math.log(count) - self._total

    def cut(self, text: str, forced: tuple[int, int] | None = None) -> Cut:
        """The likeliest cut of ``text``; ``forced`` is a range that is one term of a pack."""
        size = len(text)
        best = [-math.inf] * (size + 1)
        back = [0] * (size + 1)
        best[0] = 0.0
        for start in range(size):
            if best[start] == -math.inf:
                continue
            for end, log in self._edges(text, start, forced):
                if best[start] + log > best[end]:
                    best[end], back[end] = best[start] + log, start
        words, end = [], size
        while end:
            words.append((back[end], end))
            end = back[end]
        return Cut(best[size], tuple(reversed(words)))

    def _edges(self, text: str, start: int, forced: tuple[int, int] | None) -> Iterable[tuple[int, float]]:
        if forced and start == forced[0]:
            yield forced[1], max(self._log(text[start : forced[1]]) or -99.0, math.log(_TERM_FREQUENCY) - self._total)
            return
        limit = forced[0] if forced and start < forced[0] else len(text)
        for end in range(start + 1, min(start + LONGEST_WORD, limit) + 1):
            log = self._log(text[start:end])
            if log is not None:
                yield end, log
        number = _MEASURE.match(text, start, limit) if text[start] in _NUMERALS else None
        if number and number.end() - start > 1:
            yield number.end(), _NUMBER_LOG


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
    found = dict.fromkeys(_MODERN.split(), 200)
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _, rest = line.partition(" ")
        if len(word) <= LONGEST_WORD:
            found[word] = max(found.get(word, 0), int(rest.partition(" ")[0]))
    return found
