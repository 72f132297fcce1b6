"""Candidates: where the patterns of the rules hold in folded text, before voice and exceptions are judged."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from claims.expressions import DURATION, MONEY, NUMBER, PERCENT
from claims.fold import CLAUSE, MARKS
from claims.numerals import value
from claims.rules import RegexPattern, Rule, SlotPattern, TermPattern
from claims.terms import Hit

TIGHT = 12
_QUANTITIES = {
    "@duration": re.compile(DURATION),
    "@percent": re.compile(PERCENT),
    "@money": re.compile(MONEY),
    "@number": re.compile(NUMBER),
}
_DAYS = {"分": 1 / 1440, "秒": 1 / 86_400, "小": 1 / 24, "钟": 1 / 24, "天": 1, "日": 1, "宿": 1, "晚": 1, "夜": 1,
         "周": 7, "星": 7, "礼": 7, "月": 30, "疗": 30, "年": 365}  # fmt: skip
_UNIT = re.compile(r"(?:个)?(?:半)?(分|秒|小|钟|天|日|宿|晚|夜|周|星|礼|月|疗|年)")
_MOST_HITS = 24
_MOST_CHAINS = 48
_NUMBER_HEAD = re.compile(NUMBER)
_METHODS = ("exact", "letters", "sound", "sound_edit")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Words of folded text that a rule points at. ``span`` is what is shown, ``start``/``end`` all that matched."""

    rule: Rule
    start: int
    end: int
    span: tuple[int, int]
    method: str
    canonical: str
    score: float


@dataclass(frozen=True, slots=True)
class Heard:
    """One piece of folded text with its term hits and quantities by lexicon."""

    text: str
    hits: Mapping[str, Sequence[Hit]]


def days(duration: str) -> float:
    """Length of a spoken duration in days; 0 where the number is not known.

    >>> days("七十二小时"), days("半个月"), days("三天")
    (3.0, 15.0, 3.0)
    """
    unit = _UNIT.search(duration)
    if unit is None:
        return 0.0
    number = value(duration[: unit.start()].rstrip("个多来数几"))
    return round((number or 0.0) * _DAYS[unit.group(1)], 4)


def gather(text: str, hits: Iterable[Hit]) -> Heard:
    """Hits by lexicon, with the quantities found in ``text``."""
    by_name: dict[str, list[Hit]] = {}
    for hit in hits:
        by_name.setdefault(hit.lexicon, []).append(hit)
    for name, pattern in _QUANTITIES.items():
        found = [Hit(name, m.group(), m.start(), m.end(), "exact", 1.0) for m in pattern.finditer(text)]
        if found:
            by_name[name] = found
    return Heard(text, by_name)


def candidates(rule: Rule, heard: Heard) -> Iterator[Candidate]:
    """All places where a pattern of ``rule`` holds."""
    for pattern in rule.patterns:
        if isinstance(pattern, TermPattern):
            yield from _terms(rule, pattern, heard)
        elif isinstance(pattern, RegexPattern):
            yield from _regex(rule, pattern, heard)
        else:
            yield from _slots(rule, pattern, heard)


def _terms(rule: Rule, pattern: TermPattern, heard: Heard) -> Iterator[Candidate]:
    for name in pattern.lexicons:
        for hit in heard.hits.get(name, ()):
            if pattern.methods and hit.method not in pattern.methods:
                continue
            if hit.weak and not _in_context(pattern, heard.text, hit):
                continue
            yield Candidate(rule, hit.start, hit.end, (hit.start, hit.end), hit.method, hit.term, hit.score)


def _in_context(pattern: TermPattern, text: str, hit: Hit) -> bool:
    if pattern.context is None:
        return False
    around = text[max(0, hit.start - 24) : hit.start] + CLAUSE + text[hit.end : hit.end + 24]
    return pattern.context.search(around) is not None


def _regex(rule: Rule, pattern: RegexPattern, heard: Heard) -> Iterator[Candidate]:
    for match in pattern.regex.finditer(heard.text):
        start, end = match.span()
        if start == end:
            continue
        if pattern.ratio and not _ratio(match, pattern.ratio):
            continue
        named = match.groupdict().get("claim")
        span = match.span("claim") if named else _tightened(heard.text, start, end)
        yield Candidate(rule, start, end, span, "pattern", named or match.group(), 0.95)


def _tightened(text: str, start: int, end: int) -> tuple[int, int]:
    """A long match cut to its last clause, and that to its last `TIGHT` characters."""
    if end - start <= TIGHT:
        return start, end
    last = max(text.rfind(mark, start, end - 2) for mark in MARKS) + 1
    return max(start, last, end - TIGHT), end


def _ratio(match: re.Match[str], least: float) -> bool:
    """Whether ``high`` is at least ``least`` times ``low``."""
    high, low = amount(match["high"]), amount(match["low"])
    return low > 0 and high / low >= least


def amount(money: str) -> float:
    """The number in a sum of money (``三千九百九``, ``一百块``); 0 where there is none."""
    number = _NUMBER_HEAD.match(money)
    return value(number.group().rstrip("多来")) or 0.0 if number else 0.0


def _slots(rule: Rule, pattern: SlotPattern, heard: Heard) -> Iterator[Candidate]:
    options: list[list[Hit]] = []
    for slot in pattern.slots:
        hits = [hit for name in slot for hit in heard.hits.get(name, ())][:_MOST_HITS]
        if pattern.max_days and "@duration" in slot:
            hits = [hit for hit in hits if hit.lexicon != "@duration" or 0 < days(hit.term) <= pattern.max_days]
        if not hits:
            return
        options.append(hits)
    for chain in islice(_chains(pattern, options, heard.text), _MOST_CHAINS):
        if any(hit.weak for hit in chain) and not any(_firm(hit) for hit in chain):
            continue
        yield _slot_candidate(rule, pattern, chain, heard.text)


def _firm(hit: Hit) -> bool:
    """Whether a hit can stand surety for one heard by sound: a term of two characters or more, well read."""
    return not hit.weak and len(hit.term) >= 2 and not hit.lexicon.startswith("@")


def _chains(pattern: SlotPattern, options: list[list[Hit]], text: str) -> Iterator[tuple[Hit, ...]]:
    def grow(chain: tuple[Hit, ...]) -> Iterator[tuple[Hit, ...]]:
        if len(chain) == len(options):
            yield chain
            return
        for hit in options[len(chain)]:
            if _joins(pattern, chain, hit, text):
                yield from grow((*chain, hit))

    for first in options[0]:
        yield from grow((first,))


def _joins(pattern: SlotPattern, chain: tuple[Hit, ...], hit: Hit, text: str) -> bool:
    last = chain[-1]
    if pattern.ordered:
        if hit.start < last.end:
            return False
        left, right = last.end, hit.start
    else:
        if any(hit.start < other.end and other.start < hit.end for other in chain):
            return False
        nearest = min(chain, key=lambda other: max(hit.start - other.end, other.start - hit.end))
        left, right = (nearest.end, hit.start) if hit.start >= nearest.end else (hit.end, nearest.start)
    if right - left > pattern.window:
        return False
    between = text[left:right]
    return not any(mark in between for mark in (MARKS.replace(CLAUSE, "") if pattern.across else MARKS))


def _slot_candidate(rule: Rule, pattern: SlotPattern, chain: tuple[Hit, ...], text: str) -> Candidate:
    start, end = min(h.start for h in chain), max(h.end for h in chain)
    focus = chain[pattern.focus]
    span = (start, end) if end - start <= TIGHT else (focus.start, focus.end)
    if end - start > TIGHT:
        near = [h for h in chain if h is not focus and max(focus.end, h.end) - min(focus.start, h.start) <= TIGHT]
        span = (min([focus.start, *(h.start for h in near[:1])]), max([focus.end, *(h.end for h in near[:1])]))
    method = max((h.method for h in chain), key=_METHODS.index)
    canonical = "…".join(h.term for h in sorted(chain, key=lambda h: h.start))
    return Candidate(rule, start, end, span, method, canonical, min(h.score for h in chain))
