"""Speech as rules read it: one spelling of numerals, no fillers, no stretched words, with a map back.

Made from `core.text.normalise`: Arabic numerals become Chinese, fillers and spaces go, characters
that were split in two (示去 for 祛) are joined, regional words become standard ones (`claims.dialect`), symbols
between characters disappear, clause marks become ``，`` and sentence marks ``。``.
"""

import re
from dataclasses import dataclass

from claims.dialect import PATTERN, SIGNS, STANDARD
from claims.numerals import ARABIC, spoken
from core.text import is_han, normalise

CLAUSE, SENTENCE, QUESTION = "，", "。", "？"
MARKS = CLAUSE + SENTENCE + QUESTION
_CLAUSE_MARKS = frozenset(",、:：,，")
_SENTENCE_MARKS = frozenset("。!?！？；;…\n")
_FILLERS = re.compile(
    r"就是说+|怎么说呢?|那个啥|那啥|(?:那个|这个){2,}|那个(?=[，,、])|那个(?=就是)|[呃嗯噢喔欸诶哎唉嘿嘞啵哟呦吼嗷]+|啊(?![胶姨])"
    r"|哈(?![密弗尔佛])|(?<=[\u4e00-\u9fff])(?:儿)(?![童子女歌科媳孙时])"
)
_SPLIT = {
    "示去": "祛", "礻去": "祛", "王文王": "斑", "文王斑": "斑", "月半子": "胖子", "弓虽": "强", "彳艮": "很",
    "讠正": "证",
    "月旨": "脂", "扌戈": "找", "禾兑": "税", "贝长": "账", "车专": "转", "氵台": "治", "疒节": "疖", "钅戋": "钱",
    "金戋": "钱", "木几": "机", "禾急": "稳", "疒正": "症", "疒羔": "癌", "目垂": "睡", "氵咸": "减", "冫咸": "减",
    "肉巴": "肥", "月巴": "肥", "病俞": "愈", "亻呆": "保", "亻氐": "低", "氐价": "低价", "艹效": "效", "艹药": "药",
    "日取": "最", "女子看": "好看", "彳数": "微", "亻言": "信", "王求": "球", "米唐": "糖", "木又": "权",
}  # fmt: skip
_LETTER_SYMBOLS = {
    "❤": "心",
    "♥": "心",
    "💗": "心",
    "➕": "加",
    "💰": "钱",
    "+": "加",
    "㊗": "祝",
    "🉑": "可",
    "🈚": "无",
}
_DOUBLED = frozenset("最太真超绝特")
_SPLIT_PATTERN = re.compile("|".join(sorted(map(re.escape, _SPLIT), key=len, reverse=True)))


@dataclass(frozen=True, slots=True)
class Folded:
    """``text[i]`` stems from the code points ``[starts[i], ends[i])`` of ``original``."""

    original: str
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The original's code points behind ``text[start:end]``; needs ``start < end``."""
        return self.starts[start], max(self.ends[start:end])


@dataclass(slots=True)
class _Tape:
    """Characters with the range of the original each came from."""

    text: str
    starts: list[int]
    ends: list[int]

    def replaced(self, pattern: re.Pattern[str], new: dict[str, str] | None, spell: bool = False) -> "_Tape":
        """Each match replaced by ``new[match]``, spelt as a number, or dropped; one character keeps the whole range."""
        out, starts, ends, at = [], [], [], 0
        for match in pattern.finditer(self.text):
            start, end = match.span()
            out.append(self.text[at:start])
            starts += self.starts[at:start]
            ends += self.ends[at:start]
            text = spoken(match.group()) if spell else (new or {}).get(match.group(), "")
            out.append(text)
            starts += [self.starts[start]] * len(text)
            ends += [self.ends[end - 1]] * len(text)
            at = end
        out.append(self.text[at:])
        return _Tape("".join(out), starts + self.starts[at:], ends + self.ends[at:])


def fold(text: str) -> Folded:
    """Fold ``text``; never fails, at most `core.text.MAX_TEXT_CHARS` code points are read."""
    normal = normalise(text)
    tape = _Tape(normal.text, list(normal.starts), [start + 1 for start in normal.starts])
    tape = _numbers(_joined(tape))
    if not SIGNS.isdisjoint(tape.text):
        tape = tape.replaced(PATTERN, STANDARD)
    tape = tape.replaced(_SPLIT_PATTERN, _SPLIT)
    tape = tape.replaced(_FILLERS, None)
    return _unstretched(text, tape)


def fold_term(term: str) -> str:
    """A term of a pack in the spelling of `fold`, clause marks left out."""
    return "".join(char for char in fold(term).text if char not in MARKS)


def _numbers(tape: _Tape) -> _Tape:
    if not any(char.isdigit() for char in tape.text):
        return tape
    return tape.replaced(ARABIC, None, spell=True)


def _mark(char: str) -> str:
    """The clause, sentence or question mark that ``char`` stands for, or nothing."""
    if char in "?？":
        return QUESTION
    if char in _SENTENCE_MARKS:
        return SENTENCE
    return CLAUSE if char in _CLAUSE_MARKS else ""


def _kept(text: str, index: int) -> str:
    """What stays of one character: a clause mark, a letter, a digit, a mapped symbol, or nothing."""
    char = text[index]
    after_digit = index > 0 and text[index - 1].isdigit()
    before_digit = text[index + 1 : index + 2].isdigit()
    if mark := _mark(char):
        return "" if char == "," and after_digit and before_digit else mark
    if char in _LETTER_SYMBOLS:
        return _LETTER_SYMBOLS[char]
    if char in ".%" and after_digit:
        return char if char == "%" or before_digit else ""
    if is_han(char):
        return char
    return char if char.isalnum() else ""


def _joined(tape: _Tape) -> _Tape:
    kept = [(symbol, i) for i in range(len(tape.text)) if (symbol := _kept(tape.text, i))]
    return _Tape("".join(s for s, _ in kept), [tape.starts[i] for _, i in kept], [tape.ends[i] for _, i in kept])


def _unstretched(original: str, tape: _Tape) -> Folded:
    """Runs of three and more of one character become one, of two for words like 最 and 太."""
    text, starts, ends = [], [], []
    index = 0
    while index < len(tape.text):
        char = tape.text[index]
        stop = index + 1
        while stop < len(tape.text) and tape.text[stop] == char:
            stop += 1
        keep = (
            1
            if (stop - index >= 3 and is_han(char) and char not in "一二三四五六七八九零") or char in _DOUBLED
            else stop - index
        )
        if char in MARKS:
            keep = 1
        for offset in range(keep):
            text.append(char)
            starts.append(tape.starts[index + offset])
            ends.append(tape.ends[stop - 1] if offset == keep - 1 else tape.ends[index + offset])
        index = stop
    return Folded(original, "".join(text), tuple(starts), tuple(ends))
