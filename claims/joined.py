"""Neighbouring utterances judged as one: claims that lie across the boundary, and what the next sentence excuses.

Recognition cuts where a host breathes, not where a claim ends: "三天" … "斑就没了" is one claim in two utterances,
and "有人说三天祛斑" … "这种话别信" is none. So an utterance is judged behind the one before it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from claims.fold import fold
from claims.takeback import takes_back
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
    """A claim whose words stand in both utterances: where they begin in the earlier and end in the later one.

    ``later_end`` is 0 where the words that are shown all lie in the earlier one (a price, with the new price after it).
    """

    finding: Finding
    earlier_start: int
    later_end: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What the later utterance adds.

    ``own`` are findings in its own code points. ``across`` lie in both, in code points of the joined text. ``excused``
    are findings already made on the earlier utterance that nothing in the joined text stands for any more.
    """

    own: tuple[Finding, ...]
    across: tuple[Across, ...] = ()
    excused: tuple[Finding, ...] = ()

    @property
    def made(self) -> tuple[Finding, ...]:
        """What was told of the later utterance, in its code points: ``made`` for the one after it."""
        reached = (replace(a.finding, start=0, end=a.later_end) for a in self.across if a.later_end)
        return (*self.own, *reached)


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

    A claim that was told of the earlier utterance is not told again as one that lies across.
    """
    found = check(joined.text, joined.probabilities)
    at = joined.offset
    own = [_moved(finding, -at) for finding in found if finding.start >= at]
    told = [(f.start - joined.cut, f.end - joined.cut) for f in made if _alarm(f)]
    across = [f for f in found if f.start < at < f.end and _alarm(f)]
    again = [finding for finding in across if _covered(finding, told)]
    for finding in _alone(check, joined, slice(at, None)) if again else ():
        if any(finding.start < other.end - at for other in again):
            own.append(finding)
    across = [f for f in (*across, *_completed(check, joined, found)) if not _covered(f, told)]
    placed = tuple(Across(f, f.start + joined.cut, max(0, f.end - at)) for f in across)
    return Judged(tuple(sorted(own, key=_place)), placed, _excused(joined, found, made))


def _completed(check: Check, joined: Joined, found: Sequence[Finding]) -> list[Finding]:
    """Rules' findings on words of the earlier utterance that make no claim without the later one.

    What the earlier one says by itself was judged in its own place, perhaps behind an excuse.
    """
    within = [f for f in found if f.end <= joined.offset and f.method != BY_MEANING and _alarm(f)]
    if not within:
        return []
    alone = [(f.start, f.end) for f in _alone(check, joined, slice(joined.offset))]
    return [finding for finding in within if not _covered(finding, alone)]


def _alone(check: Check, joined: Joined, part: slice) -> list[Finding]:
    known = joined.probabilities[part] if joined.probabilities else None
    return [finding for finding in check(joined.text[part], known) if _alarm(finding)]


def _excused(joined: Joined, found: Sequence[Finding], made: Sequence[Finding]) -> tuple[Finding, ...]:
    later = fold(joined.later).text
    doubted = [f for f in made if _alarm(f) and f.start >= joined.cut and takes_back(later, fold(f.matched).text)]
    if not doubted:
        return ()
    standing = [(f.start + joined.cut, f.end + joined.cut) for f in found if _alarm(f)]
    return tuple(f for f in doubted if not _covered(f, standing))


def _covered(finding: Finding, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(start < finding.end and finding.start < end for start, end in ranges)


def _alarm(finding: Finding) -> bool:
    return finding.verdict is not Verdict.INFO


def _moved(finding: Finding, by: int) -> Finding:
    return replace(finding, start=finding.start + by, end=finding.end + by)


def _place(finding: Finding) -> tuple[int, int]:
    return finding.start, finding.end
