"""Neighbouring utterances judged as one: claims that lie across the boundary, and what the next sentence excuses.

Recognition cuts where a host breathes, not where a claim ends: "三天" … "斑就没了" is one claim in two utterances,
and "有人说三天祛斑" … "这种话别信" is none. So an utterance is judged behind the one before it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.records import Finding, Verdict

NEAR_MS = 3_000
"""A longer silence than this parts two utterances."""
BEHIND_CHARS = 120
"""So much of what was said before is judged along."""
BY_MEANING = "meaning"
_COMMA = "，"
_ENDS = "。.．"

Check = Callable[[str, Sequence[float] | None], Sequence[Finding]]
"""A text with its word probabilities (one a code point, or none) to its findings."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Two utterances as one text; the later one begins at ``offset``, ``cut`` code points of the earlier are left out.

    ``probabilities`` (one a code point) are there only where both utterances have them.
    """

    text: str
    offset: int
    cut: int = 0
    probabilities: tuple[float, ...] | None = None

    @property
    def later(self) -> str:
        """The later utterance."""
        return self.text[self.offset :]


@dataclass(frozen=True, slots=True)
class Across:
    """A claim that only both utterances together make: where its words begin in the earlier and end in the later one.

    ``later_end`` is 0 where the words that are shown all lie in the earlier one (a price, with the new price after it).
    """

    finding: Finding
    earlier_start: int
    later_end: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What the later utterance adds.

    ``own`` are findings in its own code points. ``across`` need both, in code points of the joined text. ``excused``
    are findings already made on the earlier utterance that nothing in the joined text stands for any more.
    """

    own: tuple[Finding, ...]
    across: tuple[Across, ...] = ()
    excused: tuple[Finding, ...] = ()


def near(earlier_end_ms: int, later_start_ms: int) -> bool:
    """Whether so short a silence lies between two utterances of one stream that a claim may run on."""
    return -NEAR_MS < later_start_ms - earlier_end_ms < NEAR_MS


def join(
    earlier: str,
    later: str,
    probabilities: tuple[Sequence[float] | None, Sequence[float] | None] = (None, None),
    *,
    breath: bool = True,
) -> Joined:
    """``later`` behind the end of ``earlier``, with a comma for the ``breath`` between them.

    A full stop of the earlier one goes: recognition sets it at the end of every window.

    >>> join("用了三天。", "斑就没了")
    Joined(text='用了三天，斑就没了', offset=5, cut=0, probabilities=None)
    """
    cut = max(0, len(earlier) - BEHIND_CHARS)
    before = earlier[cut:].rstrip(_ENDS)
    mark = _COMMA if breath and before else ""
    known = None
    if probabilities[0] is not None and probabilities[1] is not None:
        known = (*probabilities[0][cut : cut + len(before)], *(1.0 for _ in mark), *probabilities[1])
    return Joined(before + mark + later, len(before) + len(mark), cut, known)


def judge(check: Check, joined: Joined, made: Sequence[Finding] = ()) -> Judged:
    """The later utterance judged behind the earlier one, on which the findings ``made`` were made before.

    A claim that either utterance holds by itself is never told again as one that lies across.
    """
    found = check(joined.text, joined.probabilities)
    at, told = joined.offset, [(f.start - joined.cut, f.end - joined.cut) for f in made if _alarm(f)]
    own = [_moved(finding, -at) for finding in found if finding.start >= at]
    crossing = [f for f in found if f.start < at and (f.end > at or f.method != BY_MEANING) and _alarm(f)]
    alone: Sequence[Finding] = ()
    if any(finding.end > at for finding in crossing):
        alone = check(joined.later, joined.probabilities[at:] if joined.probabilities else None)
    across = []
    for finding in crossing:
        here = [f for f in alone if _alarm(f) and f.start < finding.end - at]
        own += [f for f in here if f not in own]
        if not here and not _covered(finding, told):
            across.append(Across(finding, finding.start + joined.cut, max(0, finding.end - at)))
    return Judged(tuple(sorted(own, key=_place)), tuple(across), _excused(joined, found, made))


def _excused(joined: Joined, found: Sequence[Finding], made: Sequence[Finding]) -> tuple[Finding, ...]:
    standing = [(f.start + joined.cut, f.end + joined.cut) for f in found if _alarm(f)]
    return tuple(f for f in made if _alarm(f) and f.start >= joined.cut and not _covered(f, standing))


def _covered(finding: Finding, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(start < finding.end and finding.start < end for start, end in ranges)


def _alarm(finding: Finding) -> bool:
    return finding.verdict is not Verdict.INFO


def _moved(finding: Finding, by: int) -> Finding:
    return replace(finding, start=finding.start + by, end=finding.end + by)


def _place(finding: Finding) -> tuple[int, int]:
    return finding.start, finding.end
