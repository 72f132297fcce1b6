"""What of the outbox may go: events old enough that every target that wants them has taken them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from core.clock import iso
from store.outbox import newest
from store.tables import dead_letters, outbox, outbox_pruned
from store.webhooks import Webhook, list_queues, list_webhooks


def prune(connection: Connection, before: datetime, most: int = 1000) -> int:
    """Delete at most ``most`` events told before that time, the oldest first; how many there were.

    Kept, however old: what some target has yet to take, dead letters, and the newest event, which says how far
    cursors have come. How far what is gone reaches is kept as well, see `store.outbox.pruned`.
    """
    old = select(outbox.c.cursor).where(outbox.c.at < iso(before), outbox.c.cursor < newest(connection))
    old = old.where(outbox.c.cursor.not_in(select(dead_letters.c.cursor)))
    gone = last = 0
    for stream, floor in _taken(connection, list_webhooks(connection)):
        mine = old.where(outbox.c.stream == stream).order_by(outbox.c.cursor).limit(most - gone)
        if floor is not None:
            mine = mine.where(outbox.c.cursor <= floor)
        doomed = delete(outbox).where(outbox.c.cursor.in_(mine.scalar_subquery())).returning(outbox.c.cursor)
        cursors = list(connection.execute(doomed).scalars())
        gone += len(cursors)
        last = max(last, *cursors, 0)
        if gone >= most:
            break
    if last:
        further = update(outbox_pruned).where(outbox_pruned.c.cursor < last)
        connection.execute(further.values(cursor=last))
    return gone


def _taken(connection: Connection, targets: Sequence[Webhook]) -> list[tuple[str, int | None]]:
    """Each stream in the outbox, those with the oldest events first, and the cursor up to which all targets have it.

    ``None`` where no target wants it.
    """
    moved = {(queue.webhook, queue.stream): queue.cursor for queue in list_queues(connection)}
    oldest = func.min(outbox.c.cursor)
    streams = connection.execute(select(outbox.c.stream).group_by(outbox.c.stream).order_by(oldest)).scalars()
    floors: list[tuple[str, int | None]] = []
    for stream in streams:
        wanting = [target for target in targets if target.wants(stream)]
        positions = [moved.get((target.name, stream), target.since_cursor) for target in wanting]
        floors.append((stream, min(positions, default=None)))
    return floors
