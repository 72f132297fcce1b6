"""What new rules change on text that has been judged before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.records import Finding, Verdict

ChangeKind = Literal["new", "gone", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One finding that appeared, disappeared, or is judged otherwise; ``before`` or ``after`` may be absent."""

    kind: ChangeKind
    before: Finding | None
    after: Finding | None


def changes(before: Sequence[Finding], after: Sequence[Finding]) -> list[Change]:
    """Pairs findings by rule and overlap; `info` findings count as none, as they never become alerts."""
    old = [finding for finding in before if finding.verdict is not Verdict.INFO]
    found: list[Change] = []
    for finding in (f for f in after if f.verdict is not Verdict.INFO):
        twin = next((o for o in old if o.rule_id == finding.rule_id and _overlap(o, finding)), None)
        twin = twin or next((o for o in old if o.category == finding.category and _overlap(o, finding)), None)
        if twin is None:
            found.append(Change("new", None, finding))
            continue
        old.remove(twin)
        if _judged(twin) != _judged(finding):
            found.append(Change("changed", twin, finding))
    return found + [Change("gone", finding, None) for finding in old]


def _overlap(one: Finding, other: Finding) -> bool:
    return one.start < other.end and other.start < one.end


def _judged(finding: Finding) -> tuple[str, str, str, int, int]:
    return finding.rule_id, finding.verdict.value, finding.severity.value, finding.start, finding.end
