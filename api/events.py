"""Server-sent events: every alert and warning from any cursor on, then live.

The id of an event is its outbox cursor. A browser that reconnects sends it as ``Last-Event-ID`` and goes on there;
nothing is lost and nothing comes twice.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from api.auth.access import Viewing, identify
from api.context import ApiContext, Context
from api.errors import ERRORS, ErrorBody
from api.queries import Limit, Name
from api.tail import OutboxTail
from core.access import DeniedError, Permission, SignInError, Visitor
from core.errors import BadInputError
from store import outbox
from store.engine import Database
from store.outbox import OutboxEvent

router = APIRouter(prefix="/api/v1/events", tags=["events"], responses=ERRORS)
_BATCH = 200
_RETRY_MS = 1000
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
AfterCursor = Annotated[
    int | None, Query(ge=0, description="从此编号之后补发，0 为全部 / replay from after this id; 0: everything")
]
Cursor = Annotated[int, Query(ge=0, le=2**53, description="此编号之后；0 为保留的全部 / after this id; 0: all kept")]
LastEventId = Annotated[
    str, Header(max_length=40, description="断线重连时浏览器自动带上，优先于 after / sent on reconnecting; wins")
]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which events are told: of one stream, of one shop, or all where both are empty; with those of searches or not."""

    stream: str
    shop: str
    searches: bool


@dataclass(frozen=True, slots=True)
class _Listener:
    """Who listens, and by which request."""

    request: Request
    visitor: Visitor

    @property
    def who(self) -> str:
        """The same for all windows of one person; empty for the user of this machine."""
        return f"{self.visitor.by}:{self.visitor.name}" if self.visitor.name else ""

    def still_may(self) -> bool:
        """Whether session or key still stand for the same person with the same rights."""
        try:
            return identify(self.request) == self.visitor
        except (SignInError, DeniedError):
            return False


def tail_of(context: ApiContext) -> OutboxTail:
    """The one tail of an application."""
    limits = context.limits
    return OutboxTail(context.db, poll_s=limits.events_poll_s, most=limits.event_clients, stopping=context.stopping)


@router.get(
    "",
    summary="实时事件流 / Live events",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Server-sent events."},
        429: {"model": ErrorBody, "description": "Too many listen at once."},
    },
)
async def events(
    request: Request,
    context: Context,
    visitor: Viewing,
    *,
    stream: Name = "",
    after: AfterCursor = None,
    last_event_id: LastEventId = "",
) -> StreamingResponse:
    """Events as ``text/event-stream``: ``id`` is the cursor, ``event`` the kind, ``data`` one JSON object.

    Without ``Last-Event-ID`` and ``after`` it begins with what comes next. ``event: reset`` comes first where something
    may be missing after the cursor, see ``/api/v1/events/list``: load afresh what you keep.
    """
    tail: OutboxTail = request.app.state.tail
    newest, pruned = await tail.read("ends", partial(_ends, context.db))
    cursor = _start(last_event_id, after, newest)
    listener = _Listener(request, visitor)
    tail.check_room(listener.who)
    wanted = _Wanted(stream, visitor.shop, visitor.may(Permission.SEARCH))
    follow = _follow(context, tail, listener, wanted, (cursor, newest, pruned))
    return StreamingResponse(follow, media_type="text/event-stream", headers=_HEADERS)


@router.get("/list", summary="已发生的事件 / Events so far")
def list_events(
    context: Context, visitor: Viewing, *, stream: Name = "", after: Cursor = 0, limit: Limit = 100
) -> dict[str, Any]:
    """For programs that ask now and then: events after a cursor, each with its own, oldest first.

    ``next`` is the ``after`` of the next page and of the next time, also when there is nothing new. ``reset`` says,
    where it is not null, that something may be missing before what follows: ``pruned`` (older than what is kept) or
    ``other_database``. Load afresh what you keep, then go on.
    """
    with context.db.read() as connection:
        newest, pruned = outbox.newest(connection), outbox.pruned(connection)
        reason = _missing(after, newest, pruned)
        begin = _beginning(reason, pruned) if reason else after
        searches = visitor.may(Permission.SEARCH)
        found = outbox.after(connection, begin, limit, stream, visitor.shop, searches=searches)
    # Others' events are passed over: the next time begins behind them.
    following = found[-1].cursor if len(found) == limit else max(begin, newest)
    events = [{"cursor": event.cursor, **json.loads(event.payload)} for event in found]
    return {"events": events, "next": following, "reset": reason or None}


def _ends(db: Database) -> tuple[int, int]:
    """The newest cursor, and how far what was pruned reaches."""
    with db.read() as connection:
        return outbox.newest(connection), outbox.pruned(connection)


def _missing(cursor: int, newest: int, pruned: int) -> str:
    """Why whoever saw everything up to ``cursor`` may lack something; empty where nothing is lacking."""
    if cursor > newest:
        return "other_database"
    return "pruned" if cursor < pruned else ""


def _beginning(reason: str, pruned: int) -> int:
    """Where to go on after that: with everything that is kept."""
    return pruned if reason == "pruned" else 0


def _start(last_event_id: str, after: int | None, newest: int) -> int:
    if last_event_id:
        if not (last_event_id.isascii() and last_event_id.isdecimal()):
            raise BadInputError(
                "event_cursor", "Last-Event-ID 不是事件编号。", "Last-Event-ID is not the id of an event."
            )
        return int(last_event_id)
    return newest if after is None else after


async def _follow(
    context: ApiContext, tail: OutboxTail, listener: _Listener, wanted: _Wanted, ends: tuple[int, int, int]
) -> AsyncIterator[str]:
    """From the cursor on; ``ends`` are that, the newest, and how far what was pruned reaches.

    It ends where the session does, or the key: whoever was shut out hears nothing more.
    """
    cursor, newest, pruned = ends
    clock = asyncio.get_running_loop().time
    checked = clock()
    async with tail.listening(listener.who):
        yield f"retry: {_RETRY_MS}\n\n"
        reason = _missing(cursor, newest, pruned)
        if reason:
            cursor = _beginning(reason, pruned)
            yield f"id: {cursor}\nevent: reset\ndata: {json.dumps({'event': 'reset', 'reason': reason})}\n\n"
        while not tail.closed:
            if clock() - checked >= context.limits.heartbeat_s:
                checked = clock()
                if not await tail.read(("visitor", id(listener)), listener.still_may):
                    return
            batch = await tail.read((cursor, newest, wanted), partial(_read, context.db, cursor, wanted))
            for event in batch:
                yield _message(event)
                cursor = event.cursor
            if len(batch) == _BATCH:
                continue
            # Others' events were passed over; the next look begins behind them.
            seen = max(cursor, newest)
            if not await tail.wait(seen, context.limits.heartbeat_s) and not tail.closed:
                yield ": still here\n\n"
            newest = max(newest, tail.newest)


def _read(db: Database, cursor: int, wanted: _Wanted) -> list[OutboxEvent]:
    with db.read() as connection:
        return outbox.after(connection, cursor, _BATCH, wanted.stream, wanted.shop, searches=wanted.searches)


def _message(event: OutboxEvent) -> str:
    return f"id: {event.cursor}\nevent: {event.event}\ndata: {event.payload}\n\n"
