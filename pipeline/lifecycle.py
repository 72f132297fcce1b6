"""What becomes of a claim: suspected, then confirmed or withdrawn; repeated; taken back by the host.

Pure: a state and what was found go in, the next state and the changes to tell come out. The provisional pass
and the windows of the final pass overlap, so the same words are met several times; they are one claim.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.clock import ms_between
from core.pinyin import merged_syllables
from core.records import Alert, AlertStatus, Correction, Severity, Verdict, Word
from pipeline.doubt import NEAR_MS, in_doubt, said_between

ChangeKind = Literal["raised", "confirmed", "withdrawn", "repeated", "corrected", "softened"]

MISHEARD = "misheard"
LAWFUL_IN_CONTEXT = "lawful_in_context"
HEARD_OTHERWISE = "heard_otherwise"
"""Confirmed for a person to listen: the final pass wrote other words there, but is less sure of them."""
_LOWER = {Severity.HIGH: Severity.MEDIUM, Severity.MEDIUM: Severity.LOW}


@dataclass(frozen=True, slots=True)
class LifecyclePolicy:
    """Times in ms. ``near_ms``: word times of two decodes of the same words differ by less.

    The same claim again within ``repeat_ms`` counts as a repeat. A correction is of claims that ended less than
    ``correction_ms`` before it. What only the meaning of a sentence tells is an alert from ``implied_score`` on.
    """

    near_ms: int = 700
    repeat_ms: int = 8_000
    correction_ms: int = 60_000
    implied_score: float = 0.0


@dataclass(frozen=True, slots=True)
class Tracked:
    """An alert that may still change; ``last_ms`` is the end of its latest repeat.

    ``sure``: how probable its words were to the pass that heard them first; 0 after a restart.
    """

    alert: Alert
    last_ms: int
    sure: float = 0.0


@dataclass(frozen=True, slots=True)
class Final:
    """Final text up to ``until_ms``: as one text, and its words in stream time."""

    until_ms: int
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Excuse:
    """What was said after a claim, and what of the claim no longer stands with it: a rule, and the claim's time."""

    rule_id: str
    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to an alert, and the alert as it is now."""

    kind: ChangeKind
    alert: Alert


State = tuple[Tracked, ...]
"""Alerts in the order in which they were first met."""

Step = tuple[State, tuple[Change, ...]]


def suspected(
    state: State, found: Sequence[Alert], policy: LifecyclePolicy, sure: Mapping[str, float] | None = None
) -> Step:
    """A provisional decode found these: raise those that are not known at that place and no mere repeat.

    ``sure``: by alert id, how probable its words are.
    """
    changes: list[Change] = []
    for alert in found:
        if any(_same_place(t, alert, policy) or _repeats(t, alert, policy) for t in state):
            continue
        state = (*state, Tracked(alert, alert.end_ms, (sure or {}).get(alert.id, 0.0)))
        changes.append(Change("raised", alert))
    return state, tuple(changes)


def finalised(state: State, found: Sequence[Alert], final: Final, policy: LifecyclePolicy) -> Step:
    """Final text is known, and these claims are in it; suspicions without one are withdrawn, or kept as doubtful."""
    changes: list[Change] = []
    for claim in found:
        state, change = _found(state, claim, policy)
        changes += change
    kept: list[Tracked] = []
    for tracked in state:
        alert = tracked.alert
        if alert.status is AlertStatus.SUSPECTED and alert.end_ms <= final.until_ms:
            changes.append(_ended(tracked, final))
            alert = changes[-1].alert
        kept.append(replace(tracked, alert=alert))
    return _forget(kept, final.until_ms, policy), tuple(changes)


def softened(state: State, excuses: Sequence[Excuse]) -> Step:
    """The next utterance makes these claims lawful in context: each becomes a low alert to be reviewed, once."""
    changes: list[Change] = []
    after: list[Tracked] = []
    for tracked in state:
        alert = tracked.alert
        excuse = next((e for e in excuses if _excuses(e, alert)), None)
        if excuse is not None:
            finding = replace(alert.finding, severity=Severity.LOW, verdict=Verdict.REVIEW)
            alert = replace(alert, finding=finding, reason=LAWFUL_IN_CONTEXT, against=excuse.text)
            changes.append(Change("softened", alert))
        after.append(replace(tracked, alert=alert))
    return tuple(after), tuple(changes)


def corrected(state: State, correction: Correction, policy: LifecyclePolicy) -> Step:
    """The host takes back what was said last: the latest claim, those near it, and claims named in the correction."""
    before = [t for t in state if _correctable(t, correction, policy)]
    latest = max((t.last_ms for t in before), default=0)
    near = [t for t in before if t.last_ms >= latest - policy.repeat_ms or _sounds_in(t.alert, correction.text)]
    meant = [t for t in near if t.alert.correction is None]
    after = tuple(replace(t, alert=_taken_back(t.alert, correction)) if t in meant else t for t in state)
    changed = tuple(Change("corrected", t.alert) for t, before in zip(after, state, strict=True) if t is not before)
    return after, changed


def _taken_back(alert: Alert, correction: Correction) -> Alert:
    finding = alert.finding
    milder = replace(finding, severity=_LOWER.get(finding.severity, finding.severity))
    return replace(alert, finding=milder, correction=correction)


def resumed(alerts: Iterable[Alert], said: Iterable[Alert], policy: LifecyclePolicy) -> State:
    """The state of a stream whose watcher was interrupted, from what is stored.

    ``said``: the claims of the text stored since, in order: an alert lasts until its latest repeat.
    """
    state = tuple(Tracked(alert, alert.end_ms) for alert in alerts)
    for claim in said:
        state = tuple(
            replace(t, last_ms=max(t.last_ms, claim.end_ms)) if _repeats(t, claim, policy) else t for t in state
        )
    return state


def _found(state: State, alert: Alert, policy: LifecyclePolicy) -> tuple[State, list[Change]]:
    """One claim of the final text: it confirms a suspicion, is known, is a repeat, or is new."""
    at = next((i for i, t in enumerate(state) if _same_place(t, alert, policy)), None)
    if at is not None:
        known = state[at].alert
        if known.status is AlertStatus.CONFIRMED:
            return state, []
        confirmed = replace(alert, id=known.id)
        return _put(state, at, Tracked(confirmed, alert.end_ms)), [Change("confirmed", confirmed)]
    at = next((i for i, t in enumerate(state) if _repeats(t, alert, policy)), None)
    if at is not None:
        again = replace(state[at].alert, count=state[at].alert.count + 1)
        return _put(state, at, Tracked(again, alert.end_ms)), [Change("repeated", again)]
    return (*state, Tracked(alert, alert.end_ms)), [Change("raised", alert)]


def _put(state: State, at: int, tracked: Tracked) -> State:
    return (*state[:at], tracked, *state[at + 1 :])


def _same_place(tracked: Tracked, alert: Alert, policy: LifecyclePolicy) -> bool:
    """Whether both are the same words, heard twice: times that meet, and rule or most of the time in common.

    A source that is opened anew may give again what it gave before: then stream times differ, wall times hardly.
    """
    known = tracked.alert
    if known.epoch != alert.epoch:
        apart_ms = abs(ms_between(known.wall_time, alert.wall_time))
        return apart_ms <= policy.repeat_ms and _same_claim(known, alert)
    meet = min(known.end_ms, alert.end_ms) - max(known.start_ms, alert.start_ms)
    if 2 * meet > min(known.end_ms - known.start_ms, alert.end_ms - alert.start_ms):
        return True
    if meet > 0 and known.finding.rule_id == alert.finding.rule_id:
        return True
    return meet > -policy.near_ms and _same_claim(known, alert)


def _repeats(tracked: Tracked, alert: Alert, policy: LifecyclePolicy) -> bool:
    """Whether ``alert`` says again, a few seconds later, what is known already.

    What was excused, taken back or is in doubt does not cover for the same claim made again.
    """
    known = tracked.alert
    plain = known.status is AlertStatus.CONFIRMED and not known.reason and known.correction is None
    if not plain or not _same_claim(known, alert):
        return False
    return tracked.last_ms - policy.near_ms <= alert.start_ms <= tracked.last_ms + policy.repeat_ms


def _same_claim(one: Alert, other: Alert) -> bool:
    a, b = one.finding, other.finding
    alike = a.canonical == b.canonical or merged_syllables(a.matched) == merged_syllables(b.matched)
    return a.category is b.category and alike


def _ended(tracked: Tracked, final: Final) -> Change:
    """What becomes of a suspicion that the final text does not hold."""
    alert, matched = tracked.alert, tracked.alert.finding.matched
    if in_doubt(matched, tracked.sure, alert.start_ms, alert.end_ms, final.words):
        around = said_between(final.words, alert.start_ms - NEAR_MS, alert.end_ms + NEAR_MS)
        finding = replace(alert.finding, verdict=Verdict.REVIEW)
        heard = "".join(word.text for word in around)
        doubtful = replace(alert, status=AlertStatus.CONFIRMED, finding=finding, reason=HEARD_OTHERWISE, against=heard)
        return Change("confirmed", doubtful)
    reason = LAWFUL_IN_CONTEXT if _sounds_in(alert, final.text) else MISHEARD
    return Change("withdrawn", replace(alert, status=AlertStatus.WITHDRAWN, reason=reason))


def _excuses(excuse: Excuse, alert: Alert) -> bool:
    same = alert.finding.rule_id == excuse.rule_id and alert.status is AlertStatus.CONFIRMED
    meet = min(alert.end_ms, excuse.end_ms) - max(alert.start_ms, excuse.start_ms)
    return same and meet > 0 and alert.reason != LAWFUL_IN_CONTEXT


def _sounds_in(alert: Alert, text: str) -> bool:
    sounds = " ".join(filter(None, merged_syllables(text)))
    return " ".join(filter(None, merged_syllables(alert.finding.matched))) in sounds


def _correctable(tracked: Tracked, correction: Correction, policy: LifecyclePolicy) -> bool:
    alert = tracked.alert
    if alert.status is AlertStatus.WITHDRAWN:
        return False
    return alert.start_ms < correction.start_ms <= tracked.last_ms + policy.correction_ms


def _forget(state: Sequence[Tracked], until_ms: int, policy: LifecyclePolicy) -> State:
    longest = max(policy.repeat_ms, policy.correction_ms)
    return tuple(t for t in state if t.alert.status is AlertStatus.SUSPECTED or t.last_ms + longest >= until_ms)
