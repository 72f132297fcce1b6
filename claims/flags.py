"""What rules and the judgement of voice made of an utterance, as numbers for the meaning model."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from claims.fold import QUESTION
from claims.polarity import doubtful, tone
from claims.terms import Hit
from core.records import Verdict

_LATIN = re.compile(r"(?<=[\u4e00-\u9fff])[a-z]{1,5}(?=[\u4e00-\u9fff，。？]|$)|^[a-z]{1,5}(?=[\u4e00-\u9fff])")
_MOST = 3
RULED, DOUBTED = slice(0, 2), -1
"""Where the flags tell that rules found something, by letter or by sound, and that something speaks against it."""


class Outcome(NamedTuple):
    """What a rule made of its words ``[start, end)``: verdict (none: not meant), method and score."""

    verdict: Verdict | None
    method: str
    score: float
    start: int
    end: int

    @property
    def alarms(self) -> bool:
        """Whether it would reach a person."""
        return self.verdict not in {None, Verdict.INFO}


def ruled(flags: Sequence[float]) -> bool:
    """Whether rules found something that would reach a person."""
    return any(flags[RULED])


def flags(text: str, outcomes: Sequence[Outcome]) -> tuple[float, ...]:
    """Flags of folded ``text`` with what the rules made of it."""
    kept = [outcome for outcome in outcomes if outcome.alarms]
    return (
        _any(not outcome.method.startswith("sound") for outcome in kept),
        _any(outcome.method.startswith("sound") for outcome in kept),
        min(len(kept), _MOST) / _MOST,
        max((outcome.score for outcome in kept), default=0.0),
        _any(outcome.verdict is None for outcome in outcomes),
        _any(outcome.verdict is Verdict.INFO for outcome in outcomes),
        _any(outcome.verdict is Verdict.REVIEW for outcome in outcomes),
        float(QUESTION in text),
        float(_LATIN.search(text) is not None),
        *map(float, tone(text)),
        float(doubtful(_beside(text, kept))),
    )


def _beside(text: str, kept: Sequence[Outcome]) -> str:
    """``text`` without the words found: the 不 of 稳赚不赔 is no sign of doubt, nor is the 无 of 七天无理由."""
    chars = list(text)
    for outcome in kept:
        chars[outcome.start : outcome.end] = " " * (outcome.end - outcome.start)
    return "".join(chars).replace("无理由", "")


def _any(found: Iterable[bool]) -> float:
    return 1.0 if any(found) else 0.0


def repaired(text: str, hits: Iterable[Hit]) -> str:
    """``text`` with every term that was heard by sound or letters written as it is meant; longest terms first."""
    chosen: list[Hit] = []
    disguised = [hit for hit in hits if hit.method != "exact" and not hit.lexicon.startswith("@")]
    for hit in sorted(disguised, key=lambda hit: (hit.end - hit.start, hit.score), reverse=True):
        if all(hit.end <= other.start or other.end <= hit.start for other in chosen):
            chosen.append(hit)
    for hit in sorted(chosen, key=lambda hit: hit.start, reverse=True):
        text = text[: hit.start] + hit.term + text[hit.end :]
    return text
