"""How much is still to be done, for whoever watches the service: transcription and delivery."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from store import webhooks as hooks
from store.tables import epochs, segments, streams


@dataclass(frozen=True, slots=True)
class StreamBacklog:
    """A stream that has not ended: milliseconds recorded but not yet transcribed."""

    stream: str
    untranscribed_ms: int


@dataclass(frozen=True, slots=True)
class WebhookBacklog:
    """A target: events it has yet to take, and letters it never took."""

    webhook: str
    waiting: int
    dead: int


def streams_behind(connection: Connection) -> list[StreamBacklog]:
    """Open streams by name with what their newest epoch has recorded beyond its cursor."""
    others = epochs.alias()
    newest = select(func.max(others.c.number)).where(others.c.stream == streams.c.name).scalar_subquery()
    recorded = (
        select(func.max(segments.c.end_ms))
        .where(segments.c.stream == streams.c.name, segments.c.epoch == epochs.c.number)
        .scalar_subquery()
    )
    query = (
        select(streams.c.name, recorded - epochs.c.transcribed_ms)
        .select_from(streams)
        .join(epochs, (epochs.c.stream == streams.c.name) & (epochs.c.number == newest))
        .where(streams.c.ended_at.is_(None))
        .order_by(streams.c.name)
    )
    return [StreamBacklog(name, max(0, behind or 0)) for name, behind in connection.execute(query)]


def webhooks_behind(connection: Connection) -> list[WebhookBacklog]:
    """All targets by name."""
    return [
        WebhookBacklog(hook.name, hooks.waiting(connection, hook), hooks.count_dead(connection, hook.name))
        for hook in hooks.list_webhooks(connection)
    ]
