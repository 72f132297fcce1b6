"""Delivers outbox events to webhooks: at least once, in order of each stream, with retries, then dead letters.

All state is in the database; a restart goes on where it stood. A queue is one stream to one target: its first event
blocks only that queue. What is delivered but not yet noted when a process dies is delivered again; receivers tell
by ``LiveWitness-Event-Id``.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile

from core.clock import parse_iso
from pipeline.webhook_sender import Outcome, Post, Send, signature
from store import outbox
from store import webhooks as hooks
from store.engine import Database
from store.outbox import OutboxEvent
from store.webhooks import DeadLetter, Webhook, WebhookQueue

_BURY_BATCH = 500


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off: ``first_s`` doubled up to ``most_s``, each ± ``jitter`` of itself."""

    first_s: float = 1.0
    most_s: float = 900.0
    jitter: float = 0.3
    give_up_after: timedelta = timedelta(hours=24)

    def delay(self, attempts: int, rng: random.Random) -> timedelta:
        """How long to wait after the failed attempt number ``attempts`` (from 1)."""
        base = min(self.most_s, self.first_s * 2.0 ** min(attempts - 1, 30))
        return timedelta(seconds=base * (1 + self.jitter * (2 * rng.random() - 1)))


def request_for(webhook: Webhook, event: OutboxEvent, now: datetime) -> Post:
    """The signed request that carries ``event``; the same event always has the same id and body."""
    body = event.payload.encode()
    timestamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "LiveWitness",
        "LiveWitness-Event": event.event,
        "LiveWitness-Event-Id": event.event_id,
        "LiveWitness-Cursor": str(event.cursor),
        "LiveWitness-Timestamp": str(timestamp),
        "LiveWitness-Signature": signature(webhook.secret, timestamp, body),
        "Idempotency-Key": event.event_id,
    }
    if event.alert_id:
        headers["LiveWitness-Alert-Id"] = event.alert_id
    return Post(webhook.url, headers, body)


@dataclass(frozen=True, slots=True)
class Courier:
    """Makes single deliveries and notes their outcome. ``clock`` and ``rng`` are given so that tests can hold them."""

    db: Database
    send: Send
    clock: Callable[[], datetime]
    rng: random.Random
    policy: RetryPolicy = RetryPolicy()

    def deliver_next(self, webhook: Webhook, stream: str) -> datetime | None:
        """Try the first waiting event of a queue; when to come back, or None when nothing waits any more."""
        with self.db.read() as connection:
            queue = hooks.get_queue(connection, webhook, stream)
            waiting = outbox.after(connection, queue.cursor, 1, stream)
        if not waiting:
            return None
        now = self.clock()
        if queue.next_at is not None and queue.next_at > now:
            return queue.next_at
        outcome = self._sent(webhook, waiting[0])
        return self._note(webhook, queue, waiting[0], outcome)

    def resend(self, letter: DeadLetter) -> None:
        """One more attempt at a dead letter that a person asked for; nothing where its target is gone."""
        with self.db.read() as connection:
            webhook = hooks.get_webhook(connection, letter.webhook)
        if webhook is None:
            return
        outcome = self._sent(webhook, letter.event)
        with self.db.write() as connection:
            hooks.settle_letter(connection, letter, outcome.error)

    def _sent(self, webhook: Webhook, event: OutboxEvent) -> Outcome:
        if not webhook.secret:
            return Outcome("webhook_secret: its secret cannot be opened with the key that is there; set it again")
        return self.send(request_for(webhook, event, self.clock()))

    def _note(self, webhook: Webhook, queue: WebhookQueue, event: OutboxEvent, outcome: Outcome) -> datetime | None:
        now = self.clock()
        with self.db.write() as connection:
            if hooks.get_webhook(connection, webhook.name) is None:
                return None
            if outcome.taken:
                hooks.put_queue(connection, WebhookQueue(webhook.name, queue.stream, event.cursor))
                return now
            attempts = queue.attempts + 1
            failing = queue.failing_since or now
            next_at = now + self.policy.delay(attempts, self.rng)
            failed = replace(queue, attempts=attempts, failing_since=failing, next_at=next_at, error=outcome.error)
            hooks.put_queue(connection, failed)
            while True:
                waiting = outbox.after(connection, failed.cursor, _BURY_BATCH, queue.stream)
                # Only the first in a row: after a clock was set back an earlier event may be the younger one.
                late = list(takewhile(lambda e: self._late(e, failing, now), waiting))
                failed = hooks.bury(connection, failed, late, now)
                if len(late) < _BURY_BATCH:
                    return next_at

    def _late(self, event: OutboxEvent, failing: datetime, now: datetime) -> bool:
        return now - max(failing, parse_iso(event.at)) >= self.policy.give_up_after
