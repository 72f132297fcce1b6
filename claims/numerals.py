"""Numerals in one spelling, the Chinese one: ``3天`` becomes ``三天``, so that rules are written once."""

import re

DIGITS = "零一二三四五六七八九"
_VALUES = {char: value for value, char in enumerate(DIGITS)} | {"两": 2, "俩": 2, "仨": 3, "〇": 0, "半": 0.5}
_POWERS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}
_LONGEST_NUMBER = 8
ARABIC = re.compile(r"\d+(?:\.\d+)?%?")


def _below_ten_thousand(number: int) -> str:
    parts: list[str] = []
    zero = False
    for unit, power in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = number // power % 10
        if digit:
            parts.append(("零" if zero and parts else "") + DIGITS[digit] + unit)
            zero = False
        else:
            zero = True
    return "".join(parts)


def chinese(number: int) -> str:
    """A number from 0 to 99,999,999 as it is spoken.

    >>> chinese(72), chinese(10), chinese(1999), chinese(20500)
    ('七十二', '十', '一千九百九十九', '二万零五百')
    """
    if number == 0:
        return "零"
    high, low = divmod(number, 10_000)
    text = _below_ten_thousand(low)
    if high:
        gap = "零" if 0 < low < 1000 else ""
        text = _below_ten_thousand(high) + "万" + gap + text
    return text[1:] if text.startswith("一十") else text


def spoken(arabic: str) -> str:
    """An Arabic numeral (``3``, ``2.5``, ``95%``, ``13800001111``) as Chinese; long digit strings digit by digit."""
    percent = arabic.endswith("%")
    whole, _, fraction = arabic.rstrip("%").partition(".")
    digits = "".join(str(int(digit)) for digit in whole)
    text = chinese(int(digits)) if len(digits) <= _LONGEST_NUMBER else "".join(DIGITS[int(digit)] for digit in digits)
    if fraction:
        text += "点" + "".join(DIGITS[int(digit)] for digit in fraction)
    return ("百分之" + ("百" if text == "一百" else text)) if percent else text


def value(text: str) -> float | None:
    """The number a Chinese numeral says (``七十二``, ``一万五``, ``两点五``, ``半``), or nothing for other text.

    >>> value("七十二"), value("一万五"), value("俩"), value("快")
    (72.0, 15000.0, 2.0, None)
    """
    whole, point, fraction = text.partition("点")
    if not whole or any(char not in _VALUES and char not in _POWERS for char in whole):
        return None
    spelt = len(whole) > 2 and all(char in DIGITS for char in whole)
    total = float("".join(str(DIGITS.index(char)) for char in whole)) if spelt else _whole(whole)
    if point:
        if not fraction or any(char not in _VALUES for char in fraction):
            return None
        total += float("0." + "".join(str(int(_VALUES[char])) for char in fraction))
    return total


def _whole(text: str) -> float:
    total = section = digit = 0.0
    last_power = 0
    for char in text:
        if char in _POWERS:
            power = _POWERS[char]
            if power >= 10_000:
                total = (total + section + digit or 1.0) * power
                section = 0.0
            else:
                section += (digit or 1.0) * power
            digit, last_power = 0.0, power
        elif char == "零":
            digit, last_power = 0.0, 0
        else:
            digit = digit * 10 + _VALUES[char] if digit and last_power == 0 else float(_VALUES[char])
    return total + section + digit * (last_power / 10 if last_power >= 100 else 1)
