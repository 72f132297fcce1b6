"""Hears when a host takes something back: 口误, 更正一下, 刚才说错了.

The phrases are compared by sound where that is safe, because recognition writes 口物 for 口误.
"""

import regex

from core.pinyin import merged_syllables
from core.text import clauses

_PHRASES = ["口误", "说错了", "讲错了", "说错话", "更正一下", "纠正一下", "收回刚才", "刚才说的不对", "刚才讲的不对"]
_BY_SOUND = tuple(" ".join(merged_syllables(phrase)) for phrase in _PHRASES)
_BY_LETTER = regex.compile(
    r"(?:我|这里|现在)(?:要)?(?:更正|纠正)|(?:刚才|刚刚|前面)(?:说|讲)(?:的)?(?:不对|有误|不准确|错)"
)
# Somebody else is wrong, or nobody is.
_NOT_OWN = regex.compile(
    r"(?:没|没有|不是|不会|别|如果|要是|怕|你|你们|他|她|他们|别人|人家|有人|谁)[^，。]{0,3}"
    r"(?:口误|[说讲]错|更正|纠正)"
)


def correction_in(text: str) -> tuple[int, int] | None:
    """Code points of the clause in which the speaker corrects himself; ``None`` when he does not.

    >>> correction_in("不好意思，刚才说错了，不是全网最低价。")
    (5, 10)
    >>> correction_in("我可没有说错。") is None
    True
    """
    for start, end in clauses(text):
        clause = text[start:end]
        if _NOT_OWN.search(clause):
            continue
        sounds = " " + " ".join(filter(None, merged_syllables(clause))) + " "
        if _BY_LETTER.search(clause) or any(f" {phrase} " in sounds for phrase in _BY_SOUND):
            return start, end
    return None
