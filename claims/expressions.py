"""Regular expressions of rule packs: term groups filled in, and no pattern that can run away.

``{name}`` in an expression stands for any term of the lexicon of that name; ``{@duration}``,
``{@percent}``, ``{@money}`` and ``{@number}`` for quantities. Expressions run on folded text, where
numerals are Chinese and clause marks are ``，``, ``。`` and ``？``; ``.`` stops at none of them, so gaps are
written ``{_}`` (up to 6 characters of one clause), ``{__}`` (up to 14) or ``{~}`` (up to 20, clause marks included).
"""

import re
from collections.abc import Mapping

import regex

_N = "[零一二三四五六七八九十百千万亿两半几俩仨数]"
NUMBER = rf"{_N}{{1,12}}(?:多|来)?(?:点{_N}{{1,4}})?"
_TIME_UNIT = (
    "(?:分钟|分(?!之|百|数|享|期|类|析|别|明)|秒钟|秒|小时|钟头|天|日|宿|晚上|晚|夜|周|星期|礼拜|月|疗程|年)"
    "(?![零一二三四五六七八九]?折)"
)
DURATION = rf"{_N}{{1,12}}(?:点{_N})?(?:多|来)?个?(?:半)?{_TIME_UNIT}"
PERCENT = rf"(?:百分之(?:{_N}{{1,8}}(?:点{_N}{{1,4}})?)|{_N}{{1,3}}成)"
MONEY = rf"{_N}{{1,12}}(?:点{_N}{{1,4}})?(?:多|来)?(?:块|元|米(?![长宽高粒饭面线])|大洋|w|刀|k)?"
_GAPS = {"_": "[^，。？]{0,6}", "__": "[^，。？]{0,14}", "~": "[^。？]{0,20}"}
_MACROS = {"@duration": DURATION, "@percent": PERCENT, "@money": MONEY, "@number": NUMBER}
_SLOT = re.compile(r"\{(@?[a-z_~][a-z0-9_~]*)\}")
_NESTED = re.compile(r"\((?:[^()\\]|\\.)*(?:[*+]|\{\d+,\})(?:[^()\\]|\\.)*\)(?:[*+]|\{\d*,\d*\})")
_UNBOUNDED_ANY = re.compile(r"(?:(?<!\\)\.|\[\^[^\]]*\])[*+]|(?:\)|\]|\.)\{\d+,\}")
# Alternatives repeated ten times and more: `regex`, which probes, gives them up at once; `re`, which matches, does not.
_MANY = re.compile(r"\((?:\?(?:[:=!]|<[=!]))?(?:[^()\\]|\\.)*[|?*](?:[^()\\]|\\.)*\)\{\d*,?\d{2,}\}")
_PROBE_SECONDS = 0.25
MAX_LENGTH = 6_000


class UnsafeExpressionError(ValueError):
    """The expression is malformed, names an unknown group, or can run away. ``str()`` says which."""


def expand(source: str, lexicons: Mapping[str, tuple[str, ...]]) -> str:
    """``source`` with groups and quantities filled in; UnsafeExpressionError for an unknown group."""

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in _GAPS:
            return _GAPS[name]
        if name in _MACROS:
            return f"(?:{_MACROS[name]})"
        if name not in lexicons:
            raise UnsafeExpressionError(f"unknown term group {{{name}}}")
        terms = sorted(lexicons[name], key=len, reverse=True)
        return "(?:" + "|".join(map(re.escape, terms)) + ")"

    return _SLOT.sub(fill, source)


def compile_expression(source: str, lexicons: Mapping[str, tuple[str, ...]], *, probe: bool = True) -> re.Pattern[str]:
    """A compiled expression, probed for runaway unless it is a bundled one; UnsafeExpressionError when refused."""
    if _NESTED.search(source) or _UNBOUNDED_ANY.search(source) or _MANY.search(source):
        raise UnsafeExpressionError("nested or unbounded repetition")
    full = expand(source, lexicons)
    if len(full) > MAX_LENGTH * 4 or len(source) > MAX_LENGTH:
        raise UnsafeExpressionError("the expression is too long")
    try:
        compiled = re.compile(full)
    except (re.error, RecursionError, OverflowError) as error:
        raise UnsafeExpressionError(f"malformed expression ({error})") from error
    if compiled.search("") is not None:
        raise UnsafeExpressionError("the expression matches empty text")
    if probe:
        _probe(full, source)
    return compiled


def _probe(full: str, source: str) -> None:
    """Run the expression on text made to provoke it, against the clock (`re` has no clock, `regex` has)."""
    try:
        probe = regex.compile(full)
    except regex.error as error:
        raise UnsafeExpressionError(f"malformed expression ({error})") from error
    letters = [char for char in dict.fromkeys(source) if char.isalnum()][:6] or ["a"]
    for text in ("".join(letters) * 80, letters[0] * 400, letters[-1] * 400):
        try:
            probe.search(text + "。", timeout=_PROBE_SECONDS)
        except TimeoutError:
            raise UnsafeExpressionError("the expression runs away on ordinary text") from None
