"""What rules and the judgement of voice made of an utterance, as numbers for the meaning model."""

import re
from collections.abc import Iterable, Sequence

from claims.fold import QUESTION
from claims.polarity import tone
from claims.terms import Hit
from core.records import Verdict

_LATIN = re.compile(r"(?<=[\u4e00-\u9fff])[a-z]{1,5}(?=[\u4e00-\u9fff，。？]|$)|^[a-z]{1,5}(?=[\u4e00-\u9fff])")
_MOST = 3


def flags(text: str, outcomes: Sequence[tuple[Verdict | None, str, float]]) -> tuple[float, ...]:
    """Flags of folded ``text``; ``outcomes`` are verdict (none: not meant), method and score of each candidate."""
    kept = [(method, score) for verdict, method, score in outcomes if verdict not in {None, Verdict.INFO}]
    return (
        _any(not method.startswith("sound") for method, _ in kept),
        _any(method.startswith("sound") for method, _ in kept),
        min(len(kept), _MOST) / _MOST,
        max((score for _, score in kept), default=0.0),
        _any(verdict is None for verdict, _, _ in outcomes),
        _any(verdict is Verdict.INFO for verdict, _, _ in outcomes),
        _any(verdict is Verdict.REVIEW for verdict, _, _ in outcomes),
        float(QUESTION in text),
        float(_LATIN.search(text) is not None),
        *map(float, tone(text)),
    )


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
