"""Webhooks: targets, one queue a target and stream, and letters that could not be delivered."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from core.clock import iso, parse_iso, utc_now
from core.errors import BadInputError
from store.outbox import OutboxEvent, newest
from store.secrets import box_of
from store.tables import dead_letters, outbox, webhook_queues, webhooks


@dataclass(frozen=True, slots=True)
class Webhook:
    """A target. ``streams`` empty: all; events up to ``since_cursor`` are older than it and not sent.

    ``secret`` is empty where the stored one cannot be opened any more: nothing is sent then.
    """

    name: str
    url: str
    secret: str
    streams: tuple[str, ...] = ()
    origin: str = "api"
    since_cursor: int = 0

    def wants(self, stream: str) -> bool:
        """Whether events of ``stream`` go to this target."""
        return not self.streams or stream in self.streams


@dataclass(frozen=True, slots=True)
class WebhookQueue:
    """How far one stream is delivered to one target, and how its first waiting event fares."""

    webhook: str
    stream: str
    cursor: int
    attempts: int = 0
    failing_since: datetime | None = None
    next_at: datetime | None = None
    error: str = ""


class LetterState(StrEnum):
    """``resending``: a person asked for one more attempt."""

    DEAD = "dead"
    RESENDING = "resending"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a target did not take in time."""

    id: int
    webhook: str
    state: LetterState
    error: str
    dead_at: datetime
    event: OutboxEvent


def put_webhook(connection: Connection, webhook: Webhook) -> Webhook:
    """Insert a target, which gets events from now on, or change its address, secret and streams.

    A changed target is tried again at once, whatever pause the old one had earned; of streams that it did not want
    before it gets what is told from now on. The secret is stored sealed.
    Raises `BadInputError` when there is none, as when the one known before can no longer be opened.
    """
    if not webhook.secret:
        raise BadInputError(
            "webhook_secret",
            f"“{webhook.name}”没有签名密钥，请重新设置。",
            f"“{webhook.name}” has no secret; set one.",
        )
    again = update(webhook_queues).where(webhook_queues.c.webhook == webhook.name)
    connection.execute(again.values(next_at=None, attempts=0))
    _skip_past(connection, get_webhook(connection, webhook.name), webhook)
    row = {
        "name": webhook.name,
        "url": webhook.url,
        "secret": box_of(connection).seal(webhook.secret, webhook.name),
        "streams": json.dumps(webhook.streams, ensure_ascii=False),
        "origin": webhook.origin,
    }
    fresh = {"since_cursor": newest(connection), "created_at": iso(utc_now())}
    statement = insert(webhooks).values(row | fresh).on_conflict_do_update(index_elements=["name"], set_=row)
    connection.execute(statement)
    return get_webhook(connection, webhook.name) or webhook


def _skip_past(connection: Connection, before: Webhook | None, webhook: Webhook) -> None:
    """Queues of the streams that a target newly wants begin at the newest event."""
    if before is None:
        return
    last = newest(connection)
    for stream in connection.execute(select(outbox.c.stream).distinct()).scalars().all():
        if webhook.wants(stream) and not before.wants(stream):
            put_queue(connection, WebhookQueue(webhook.name, stream, last))


def remove_webhook(connection: Connection, name: str) -> bool:
    """Forget a target with its queues and dead letters; False when there was none."""
    connection.execute(delete(webhook_queues).where(webhook_queues.c.webhook == name))
    connection.execute(delete(dead_letters).where(dead_letters.c.webhook == name))
    return connection.execute(delete(webhooks).where(webhooks.c.name == name)).rowcount == 1


def _webhook(connection: Connection, row: RowMapping) -> Webhook:
    name, streams = row["name"], tuple(json.loads(row["streams"]))
    secret = box_of(connection).open(row["secret"], name)
    return Webhook(name, row["url"], secret, streams, row["origin"], row["since_cursor"])


def get_webhook(connection: Connection, name: str) -> Webhook | None:
    """The target of that name."""
    row = connection.execute(select(webhooks).where(webhooks.c.name == name)).mappings().one_or_none()
    return _webhook(connection, row) if row else None


def list_webhooks(connection: Connection) -> list[Webhook]:
    """All targets by name."""
    rows = connection.execute(select(webhooks).order_by(webhooks.c.name)).mappings()
    return [_webhook(connection, row) for row in rows]


def get_queue(connection: Connection, webhook: Webhook, stream: str) -> WebhookQueue:
    """The queue of ``stream`` to ``webhook``; a fresh one starts after the target's own first cursor."""
    table = webhook_queues
    query = select(table).where(table.c.webhook == webhook.name, table.c.stream == stream)
    row = connection.execute(query).mappings().one_or_none()
    return _queue(row) if row else WebhookQueue(webhook.name, stream, webhook.since_cursor)


def _queue(row: RowMapping) -> WebhookQueue:
    times = {k: parse_iso(row[k]) if row[k] else None for k in ("failing_since", "next_at")}
    return WebhookQueue(**dict(row) | times)


def list_queues(connection: Connection) -> list[WebhookQueue]:
    """All queues that were ever used."""
    return [_queue(row) for row in connection.execute(select(webhook_queues)).mappings()]


def put_queue(connection: Connection, queue: WebhookQueue) -> None:
    """Store where a queue stands."""
    row = {name: getattr(queue, name) for name in queue.__slots__}
    row |= {k: iso(row[k]) if row[k] else None for k in ("failing_since", "next_at")}
    keys = ["webhook", "stream"]
    connection.execute(insert(webhook_queues).values(row).on_conflict_do_update(index_elements=keys, set_=row))


def waiting(connection: Connection, webhook: Webhook) -> int:
    """How many events of its streams the target has yet to take."""
    moved = {q.stream: q.cursor for q in list_queues(connection) if q.webhook == webhook.name}
    counted = select(func.count()).select_from(outbox)
    total = 0
    for stream in connection.execute(select(outbox.c.stream).distinct()).scalars():
        if webhook.wants(stream):
            after = moved.get(stream, webhook.since_cursor)
            total += connection.execute(counted.where(outbox.c.stream == stream, outbox.c.cursor > after)).scalar_one()
    return total


def bury(connection: Connection, queue: WebhookQueue, events: Sequence[OutboxEvent], when: datetime) -> WebhookQueue:
    """Move the first ``events`` of a queue to the dead letters and return the queue as it stands then."""
    if not events:
        return queue
    rows = [
        {"webhook": queue.webhook, "cursor": e.cursor, "state": "dead", "error": queue.error, "dead_at": iso(when)}
        for e in events
    ]
    connection.execute(insert(dead_letters).on_conflict_do_nothing(), rows)
    moved = replace(queue, cursor=events[-1].cursor)
    put_queue(connection, moved)
    return moved


def list_dead(
    connection: Connection, *, webhook: str = "", state: str = "", after: int = 0, limit: int = 1000
) -> list[DeadLetter]:
    """Dead letters by id, from the one after ``after``; of one target or in one state if named."""
    event = [column.label(f"event_{column.name}") for column in outbox.c]
    query = select(dead_letters, *event).join(outbox, outbox.c.cursor == dead_letters.c.cursor)
    query = query.where(dead_letters.c.id > after).order_by(dead_letters.c.id).limit(limit)
    if webhook:
        query = query.where(dead_letters.c.webhook == webhook)
    if state:
        query = query.where(dead_letters.c.state == state)
    return [_letter(row) for row in connection.execute(query).mappings()]


def _letter(row: RowMapping) -> DeadLetter:
    event = OutboxEvent(**{column.name: row[f"event_{column.name}"] for column in outbox.c})
    state = LetterState(row["state"])
    return DeadLetter(row["id"], row["webhook"], state, row["error"], parse_iso(row["dead_at"]), event)


def resending(connection: Connection) -> set[str]:
    """Names of the targets with letters that a person wants sent again."""
    query = select(dead_letters.c.webhook).where(dead_letters.c.state == LetterState.RESENDING.value).distinct()
    return set(connection.execute(query).scalars())


def request_resend(connection: Connection, ids: Sequence[int] = (), webhook: str = "") -> int:
    """Ask for one more attempt at the dead letters named by id, or at all of a target; how many there were."""
    chosen = dead_letters.c.id.in_(ids) if ids else dead_letters.c.webhook == webhook
    dead = dead_letters.c.state == LetterState.DEAD.value
    return connection.execute(update(dead_letters).where(chosen, dead).values(state="resending")).rowcount


def settle_letter(connection: Connection, letter: DeadLetter, error: str) -> None:
    """A letter sent again was taken (``error`` empty) and is gone, or is dead once more."""
    mine = dead_letters.c.id == letter.id
    if error:
        connection.execute(update(dead_letters).where(mine).values(state="dead", error=error))
    else:
        connection.execute(delete(dead_letters).where(mine))


def count_dead(connection: Connection, webhook: str) -> int:
    """How many dead letters a target has."""
    query = select(func.count()).select_from(dead_letters).where(dead_letters.c.webhook == webhook)
    return int(connection.execute(query).scalar_one())
