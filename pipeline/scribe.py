"""Judges what was heard and stores it: utterance, postings, alerts and cursor in one transaction."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from asr.transcriber import Heard
from claims.checker import Checker
from core.alignment import span_ms, word_ranges
from core.clock import plus_ms
from core.records import Alert, AlertStatus, Epoch, Finding, ModelIdentity, Product, Utterance, Verdict
from index.ingest import add_to_index
from store import alerts, outbox, recordings, timeline, utterances
from store.engine import Database

Arrival = Callable[[int], float]
"""Stream time in ms to the monotonic second at which its audio had arrived."""

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
    """What one heard stretch became; ``utterance`` is None where it was stored before."""

    utterance: Utterance | None
    alerts: tuple[Alert, ...] = ()


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
    place = f"{utterance.stream}\0{utterance.epoch}\0{utterance.start_ms}\0{finding.start}\0{finding.rule_id}"
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
    """A finding as a confirmed alert; its latency runs from the arrival of the last sample of the words."""
    start_ms, end_ms = span_ms(utterance, finding.start, finding.end)
    latency = 0 if arrival is None else max(0, round((time.monotonic() - arrival(end_ms)) * 1000))
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


class Scribe:
    """Writes one epoch's speech. Not thread-safe: one scribe, one thread."""

    def __init__(self, db: Database, checker: Checker, model: ModelIdentity, shelf: Shelf) -> None:
        self._db = db
        self._checker = checker
        self._model = model
        self._shelf = shelf

    def write(self, heard: Heard, epoch: Epoch, cursor_ms: int, arrival: Arrival | None = None) -> Written:
        """Store ``heard`` and move the cursor to ``cursor_ms`` (stream time), all or nothing."""
        utterance = utterance_of(heard, epoch, self._model)
        product = self._shelf(utterance.start_ms)
        findings = self._checker.check(utterance.text, product.judged_as, character_probabilities(utterance))
        with self._db.write() as connection:
            stored = utterances.add_utterance(connection, utterance)
            recordings.advance_cursor(connection, epoch.stream, epoch.number, cursor_ms)
            if stored is None:
                return Written(None)
            utterance = replace(utterance, id=stored)
            add_to_index(connection, utterance)
            raised = tuple(
                alert_of(utterance, finding, product.name, arrival)
                for finding in findings
                if finding.verdict is not Verdict.INFO
            )
            for alert in raised:
                if alerts.add_alert(connection, alert):
                    outbox.append(connection, "alert", alert)
        return Written(utterance, raised)

    def advance(self, epoch: Epoch, cursor_ms: int) -> None:
        """Move the cursor over silence."""
        with self._db.write() as connection:
            recordings.advance_cursor(connection, epoch.stream, epoch.number, cursor_ms)
