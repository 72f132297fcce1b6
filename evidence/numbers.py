"""Numbers of persons in text: mainland mobile numbers, identity cards, bank cards, WeChat and QQ accounts.

Digits count however they are written: in full width, as Chinese numerals (幺三八…), in groups. An identity card has
to pass its check digit (GB 11643-1999, ISO 7064 MOD 11-2) and a bank card Luhn's, so that order numbers stay.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MASK = "█"
_NUMERALS = str.maketrans("〇零一二三四五六七八九幺两０１２３４５６７８９", "00123456789120123456789")
_RUN = re.compile(r"[0-9](?:[ \-·.,，、]{0,2}[0-9Xx])*")
_GROUP = re.compile(r"[0-9Xx]+")
_LONGEST = 19
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_CARD_LENGTHS = range(16, 20)
_ACCOUNT = re.compile(
    r"(?:微信|微讯|薇信|威信|we ?chat|weixin|(?<![a-z])v ?x(?![a-z])|[加+] ?v(?![a-z])|v信)(?:号|id)?[是为:：\s]{0,3}"
    r"(?P<wechat>[a-z][a-z0-9_\-]{5,19})"
    r"|(?P<wxid>(?<![a-z0-9])wxid_[a-z0-9]{6,})"
    r"|(?:qq|扣扣|企鹅)(?:号|群)?[是为:：\s]{0,3}(?P<qq>[1-9][0-9]{4,10})(?![0-9])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Private:
    """A number of a person in a text: code points ``start`` to ``end``, and what it is."""

    start: int
    end: int
    kind: str


def private_numbers(text: str) -> list[Private]:
    """All of them, in order, none overlapping another."""
    digits = text.translate(_NUMERALS)
    found = sorted([*_of_digits(digits), *_accounts(digits)], key=lambda p: (p.start, -p.end))
    apart: list[Private] = []
    for one in found:
        if not apart or one.start >= apart[-1].end:
            apart.append(one)
    return apart


def masked_text(text: str, found: Sequence[Private]) -> str:
    """The text with every character of the numbers replaced, and as long as before."""
    chars = list(text)
    for one in found:
        chars[one.start : one.end] = MASK * (one.end - one.start)
    return "".join(chars)


def _of_digits(text: str) -> Iterator[Private]:
    """Runs of digits in groups: a number begins and ends where a group does."""
    for run in _RUN.finditer(text):
        groups = [(run.start() + g.start(), run.start() + g.end()) for g in _GROUP.finditer(run.group())]
        first = 0
        while first < len(groups):
            taken = _number_at(text, groups[first:])
            if taken is not None:
                count, kind = taken
                yield Private(groups[first][0], groups[first + count - 1][1], kind)
            first += taken[0] if taken else 1


def _number_at(text: str, groups: Sequence[tuple[int, int]]) -> tuple[int, str] | None:
    """How many of the groups together are a number, and of what kind; the longest such number."""
    best, digits = None, ""
    for count, (start, end) in enumerate(groups, 1):
        digits += text[start:end].upper()
        if len(digits) > _LONGEST:
            break
        kind = _kind_of(digits)
        if kind:
            best = (count, kind)
    return best


def _kind_of(digits: str) -> str:
    if is_identity(digits):
        return "identity"
    if is_bank_card(digits):
        return "bank card"
    return "mobile" if is_mobile(digits) else ""


def is_mobile(digits: str) -> bool:
    """A mobile number of the Chinese mainland, with or without the country's code."""
    return re.fullmatch(r"(?:00)?(?:86)?1[3-9][0-9]{9}", digits) is not None


def is_identity(digits: str) -> bool:
    """A resident identity number: a date of birth inside, and the right check digit."""
    if not re.fullmatch(r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9][0-9]{3}[0-9X]", digits):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits[:17], strict=True))
    return _CHECKS[total % 11] == digits[17]


def is_bank_card(digits: str) -> bool:
    """A card number by its first digit and Luhn's check digit."""
    if not digits.isdecimal() or digits[0] not in "3456" or len(digits) not in _CARD_LENGTHS:
        return False
    doubled = [int(digit) * (1 + n % 2) for n, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _accounts(text: str) -> Iterator[Private]:
    for found in _ACCOUNT.finditer(text):
        name = next(name for name, value in found.groupdict().items() if value is not None)
        yield Private(*found.span(name), "qq" if name == "qq" else "wechat")
