"""Judges what was heard and stores it: utterance, postings, alerts and cursor in one transaction."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from asr.punctuation import COMMA_MS
from asr.transcriber import Heard
from claims.checker import Checker
from claims.joined import BY_MEANING, Joined, Judged, join, judge, near
from core.alignment import span_ms, word_ranges
from core.clock import beijing_day, plus_ms
from core.records import (
    Alert,
    AlertStatus,
    Correction,
    Epoch,
    Finding,
    ModelIdentity,
    Product,
    Severity,
    Utterance,
    Verdict,
    Word,
)
from core.text import is_han
from index.ingest import add_to_index
from pipeline.correction import correction_in
from pipeline.doubt import sureness
from pipeline.events import EVENT_NAMES
from pipeline.lifecycle import (
    Change,
    Excuse,
    Final,
    LifecyclePolicy,
    State,
    Step,
    corrected,
    finalised,
    resumed,
    softened,
    suspected,
)
from store import alerts, outbox, recordings, timeline, utterances
from store.engine import Database

SUSPECT_SYLLABLES = 3
SUSPECT_BY_SOUND = 4
SUSPECT_SCORE = 0.6
SCRAP_CHARS = 4
"""An utterance no longer than this (嗯，对吧) parts no claim from what is said after it."""

Arrival = Callable[[int], float | None]
"""Stream time in ms to the monotonic second at which its audio had arrived; ``None`` where that is not known."""

Shelf = Callable[[int], Product]
"""Stream time in ms to what is on the shelf then."""


def shelf_of(db: Database, stream: str, product: str) -> Shelf:
    """What was posted to the timeline of ``stream``; ``product`` until something was."""

    def at(stream_ms: int) -> Product:
        with db.read() as connection:
            return timeline.product_at(connection, stream, stream_ms) or Product(product)

    return at


@dataclass(frozen=True, slots=True)
class Written:
    """What one decoded window became: utterances that were not stored before, and what became of alerts."""

    utterances: tuple[Utterance, ...] = ()
    changes: tuple[Change, ...] = ()


def utterance_of(heard: Heard, epoch: Epoch, model: ModelIdentity) -> Utterance:
    """A heard stretch, in ms of the epoch's audio, placed in stream time."""
    words = tuple(
        replace(w, start_ms=w.start_ms + epoch.offset_ms, end_ms=w.end_ms + epoch.offset_ms) for w in heard.words
    )
    return Utterance(
        stream=epoch.stream,
        epoch=epoch.number,
        start_ms=heard.start_ms + epoch.offset_ms,
        end_ms=heard.end_ms + epoch.offset_ms,
        text=heard.text,
        words=words,
        model=model,
        wall_start=plus_ms(epoch.wall_start, heard.start_ms),
        flags=heard.flags,
    )


def alert_id(utterance: Utterance, finding: Finding) -> str:
    """The same claim at the same place always gets the same id, so a re-run never doubles an alert."""
    start_ms, _ = span_ms(utterance, finding.start, finding.end)
    place = f"{utterance.stream}\0{utterance.epoch}\0{start_ms}\0{finding.rule_id}"
    return hashlib.sha256(place.encode()).hexdigest()[:24]


def character_probabilities(utterance: Utterance) -> tuple[float, ...] | None:
    """Probability of each character of the text by the word it belongs to; 1 where none is known."""
    if not utterance.words:
        return None
    known = [1.0] * len(utterance.text)
    for word, (start, end) in zip(utterance.words, word_ranges(utterance.text, utterance.words), strict=True):
        known[start:end] = [word.probability] * (end - start)
    return tuple(known)


def alert_of(utterance: Utterance, finding: Finding, product: str, arrival: Arrival | None) -> Alert:
    """A finding as a confirmed alert; its latency runs from the arrival of the last sample of the words.

    0 where the arrival is not known.
    """
    start_ms, end_ms = span_ms(utterance, finding.start, finding.end)
    arrived = None if arrival is None else arrival(end_ms)
    latency = 0 if arrived is None else max(1, round((time.monotonic() - arrived) * 1000))
    return Alert(
        id=alert_id(utterance, finding),
        status=AlertStatus.CONFIRMED,
        stream=utterance.stream,
        epoch=utterance.epoch,
        start_ms=start_ms,
        end_ms=end_ms,
        wall_time=plus_ms(utterance.wall_start, start_ms - utterance.start_ms),
        text=utterance.text,
        finding=finding,
        latency_ms=latency,
        utterance_id=utterance.id,
        product=product,
    )


@dataclass(frozen=True, slots=True)
class _Claims:
    """What an utterance holds: findings with the text that each stands in, and what it excuses before it."""

    utterance: Utterance
    product: str
    found: tuple[tuple[Utterance, Finding], ...]
    excuses: tuple[Excuse, ...]


class Scribe:
    """Writes one stream's speech. Not thread-safe: one scribe, one thread at a time."""

    def __init__(
        self, db: Database, checker: Checker, model: ModelIdentity, shelf: Shelf, policy: LifecyclePolicy | None = None
    ) -> None:
        self._db = db
        self._checker = checker
        self._model = model
        self._shelf = shelf
        self._policy = policy or LifecyclePolicy()
        self._state: State | None = None
        self._previous: Utterance | None = None
        self._made: tuple[Finding, ...] = ()

    def write(self, heard: Sequence[Heard], epoch: Epoch, cursor_ms: int, arrival: Arrival | None = None) -> Written:
        """Store a window's utterances and what they make of alerts, and move the cursor to ``cursor_ms``.

        All or nothing. Suspicions that lie before ``cursor_ms`` and are not in the text are withdrawn.
        """
        known, previous = self._known(epoch, cursor_ms), self._previous
        judged = [self._judge(utterance_of(stretch, epoch, self._model)) for stretch in heard]
        stored: list[Utterance] = []
        changes: tuple[Change, ...] = ()
        with self._db.write() as connection:
            found: list[Alert] = []
            excuses: list[Excuse] = []
            for claims in judged:
                number = utterances.add_utterance(connection, claims.utterance)
                if number is None:
                    continue
                stored.append(replace(claims.utterance, id=number))
                add_to_index(connection, stored[-1])
                found += [alert_of(replace(said, id=number), f, claims.product, arrival) for said, f in claims.found]
                excuses += claims.excuses
            recordings.advance_cursor(connection, epoch.stream, epoch.number, cursor_ms)
            state, changes = finalised(known, found, _final(previous, stored, cursor_ms), self._policy)
            state, more = softened(state, excuses)
            changes += more
            for utterance in stored:
                state, more = self._corrections(state, utterance)
                changes += more
            _store(connection, changes)
        self._state = state
        return Written(tuple(stored), changes)

    def suspect(self, heard: Sequence[Heard], epoch: Epoch, arrival: Arrival | None = None) -> tuple[Change, ...]:
        """Judge the text of a window that is still open; raise what stands out clearly enough as ``suspected``."""
        if not heard:
            return ()
        known = self._known(epoch, epoch.offset_ms + heard[0].start_ms)
        previous, made = self._previous, self._made
        found: list[Alert] = []
        sure: dict[str, float] = {}
        for stretch in heard:
            claims = self._judge(utterance_of(stretch, epoch, self._model))
            for said, finding in claims.found:
                if stands_out(finding):
                    found.append(as_suspicion(alert_of(said, finding, claims.product, arrival)))
                    sure[found[-1].id] = sureness(words_of(said, finding))
        self._previous, self._made = previous, made
        state, changes = suspected(known, found, self._policy, sure)
        if changes:
            with self._db.write() as connection:
                _store(connection, changes)
        self._state = state
        return changes

    def advance(self, epoch: Epoch, cursor_ms: int) -> None:
        """Move the cursor over silence."""
        with self._db.write() as connection:
            recordings.advance_cursor(connection, epoch.stream, epoch.number, cursor_ms)

    def forget(self) -> None:
        """Go by what is stored from now on: what was in hand when something failed may be stored or not."""
        self._state, self._previous, self._made = None, None, ()

    def _known(self, epoch: Epoch, from_ms: int) -> State:
        """Alerts that may still change at ``from_ms``; after a restart, from what is stored and was said before."""
        if self._state is None:
            since = max(0, from_ms - self._policy.correction_ms)
            with self._db.read() as connection:
                known = alerts.recent_alerts(connection, epoch.stream, since)
                said = utterances.list_utterances(connection, epoch.stream, start_ms=since, end_ms=from_ms)
            claims = [
                alert_of(place, finding, judged.product, None)
                for judged in map(self._judge, said)
                for place, finding in judged.found
            ]
            self._state = resumed(known, claims, self._policy)
        return self._state

    def _judge(self, utterance: Utterance) -> _Claims:
        """The claims of an utterance under the product on the shelf.

        A window may end inside a sentence, so what was said just before is judged along.
        """
        product, earlier = self._shelf(utterance.start_ms), self._previous
        joined, offset = with_previous(earlier, utterance)
        judged = self._judged(joined, offset, product, beijing_day(utterance.wall_start))
        found = [(utterance, finding) for finding in judged.own if finding.verdict is not Verdict.INFO]
        found += [(joined, across.finding) for across in judged.across]
        found = [(said, finding) for said, finding in found if is_told(finding, self._policy)]
        excuses = tuple(_excuse(earlier, finding, utterance) for finding in judged.excused) if earlier else ()
        if offset and len(utterance.text) <= SCRAP_CHARS:
            later = tuple(replace(f, start=f.start + offset, end=f.end + offset) for f in judged.made)
            self._previous, self._made = joined, (*self._made, *later)
        else:
            self._previous, self._made = utterance, judged.made
        return _Claims(utterance, product.name, tuple(found), excuses)

    def _judged(self, joined: Utterance, offset: int, product: Product, day: date) -> Judged:
        """Findings of ``joined`` by the rules of ``day``, told apart by the utterance that begins at ``offset``."""

        def check(text: str, probabilities: Sequence[float] | None) -> tuple[Finding, ...]:
            return self._checker.check(text, product.judged_as, probabilities, day)

        text = Joined(joined.text, offset, probabilities=character_probabilities(joined))
        return judge(check, text, self._made if offset else ())

    def _corrections(self, state: State, utterance: Utterance) -> Step:
        place = correction_in(utterance.text)
        if place is None:
            return state, ()
        start_ms, end_ms = span_ms(utterance, *place)
        return corrected(state, Correction(utterance.text, start_ms, end_ms), self._policy)


def _excuse(earlier: Utterance, finding: Finding, later: Utterance) -> Excuse:
    """What ``later`` takes from a finding on ``earlier``."""
    return Excuse(finding.rule_id, *span_ms(earlier, finding.start, finding.end), later.text)


def _final(previous: Utterance | None, stored: Sequence[Utterance], until_ms: int) -> Final:
    """The final text around a window."""
    known = [*([previous] if previous else []), *stored]
    return Final(until_ms, "".join(u.text for u in known), tuple(word for u in known for word in u.words))


def words_of(utterance: Utterance, finding: Finding) -> tuple[Word, ...]:
    """The words that a finding points at; none where the utterance has no word times."""
    ranges = word_ranges(utterance.text, utterance.words)
    meant = zip(utterance.words, ranges, strict=True)
    return tuple(word for word, (start, end) in meant if start < finding.end and end > finding.start)


def with_previous(previous: Utterance | None, utterance: Utterance) -> tuple[Utterance, int]:
    """The utterance behind the one before it, and where it begins; alone where a pause parts them."""
    if previous is None or previous.epoch != utterance.epoch or previous.stream != utterance.stream:
        return utterance, 0
    if not near(previous.end_ms, utterance.start_ms):
        return utterance, 0
    both = join(previous.text, utterance.text, breath=utterance.start_ms - previous.end_ms >= COMMA_MS)
    if both.cut:
        return utterance, 0
    joined = replace(
        utterance,
        text=both.text,
        words=previous.words + utterance.words if previous.words and utterance.words else (),
        start_ms=previous.start_ms,
        wall_start=previous.wall_start,
    )
    return joined, both.offset


def is_told(finding: Finding, policy: LifecyclePolicy) -> bool:
    """Whether a finding becomes an alert: nearly all that is said is lawful, so a guess must be very likely."""
    return finding.method != BY_MEANING or finding.score >= policy.implied_score


def stands_out(finding: Finding) -> bool:
    """Whether a claim in provisional text is worth a suspicion: long, clear, and grave enough.

    Provisional text is wrong more often, and short words that sound alike are what it gets wrong.
    """
    syllables = sum(map(is_han, finding.matched)) + sum(map(str.isdigit, finding.matched))
    least = SUSPECT_BY_SOUND if finding.method.startswith("sound") else SUSPECT_SYLLABLES
    grave = finding.severity in {Severity.HIGH, Severity.MEDIUM}
    return grave and syllables >= least and finding.score >= SUSPECT_SCORE


def as_suspicion(alert: Alert) -> Alert:
    """An alert as the provisional pass raises it: at most of medium severity until final text confirms it."""
    finding = replace(alert.finding, method="provisional", severity=Severity.MEDIUM)
    return replace(alert, status=AlertStatus.SUSPECTED, finding=finding)


def _store(connection: Connection, changes: Sequence[Change]) -> None:
    for change in changes:
        if not alerts.add_alert(connection, change.alert):
            alerts.update_alert(connection, change.alert)
        outbox.append(connection, EVENT_NAMES[change.kind], change.alert)
