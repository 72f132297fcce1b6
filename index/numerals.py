"""Numbers as they are said and as they are written: 一千九百九十九 and 1999 are the same."""

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")}
_DIGITS |= {"〇": 0, "两": 2} | {c: i for i, c in enumerate("零壹贰叁肆伍陆柒捌玖")}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIAD = 10_000
_SPOKEN_DIGITS = "零一二三四五六七八九"
_SPOKEN_UNITS = ("", "十", "百", "千")
_LONGEST_SPOKEN = 8

NUMERAL_CHARS = frozenset(_DIGITS) | frozenset(_UNITS) | frozenset("万亿")


def numeral_value(run: str) -> str:
    """Digits of a run of Chinese numerals: with units by value, without them digit by digit.

    >>> numeral_value("一千九百九十九"), numeral_value("二零二六"), numeral_value("九十")
    ('1999', '2026', '90')
    """
    if not any(c in _UNITS or c in "万亿" for c in run):
        return "".join(str(_DIGITS[c]) for c in run)
    total = section = digit = 0
    for char in run:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _UNITS:
            section += (digit or 1) * _UNITS[char]
            digit = 0
        elif char == "万":
            total += (section + digit or 1) * _MYRIAD
            section = digit = 0
        else:
            total = (total + section + digit or 1) * _MYRIAD * _MYRIAD
            section = digit = 0
    return str(total + section + digit)


def spoken(digits: str) -> str:
    """How a run of digits is read out, as Chinese characters.

    >>> spoken("1999"), spoken("90"), spoken("007"), spoken("10")
    ('一千九百九十九', '九十', '零零七', '十')
    """
    if len(digits) > _LONGEST_SPOKEN or digits.startswith("0"):
        return "".join(_SPOKEN_DIGITS[int(d)] for d in digits)
    if len(digits) > 4:
        rest = digits[-4:]
        tail = "" if int(rest) == 0 else ("零" if rest.startswith("0") else "") + spoken(rest.lstrip("0"))
        return spoken(digits[:-4]) + "万" + tail
    read = "".join(
        _SPOKEN_DIGITS[int(d)] + (_SPOKEN_UNITS[len(digits) - 1 - i] if d != "0" else "") for i, d in enumerate(digits)
    )
    while "零零" in read:
        read = read.replace("零零", "零")
    read = read.rstrip("零")
    return read[1:] if read.startswith("一十") else read
