"""Rooms: what a moderator's wall shows of every stream, in one answer."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.auth.access import Viewing
from api.context import Context
from api.errors import ERRORS
from core.clock import seconds, utc_now
from core.shapes import stream_json
from store import backlog, outbox, timeline
from store.rooms import list_rooms

router = APIRouter(prefix="/api/v1/rooms", tags=["streams"], responses=ERRORS)
Hours = Annotated[
    float, Query(ge=0, le=8760, description="也含最近几小时内结束的 / also those that ended this recently")
]


@router.get("", summary="各直播间一览 / All rooms at one look")
def rooms(context: Context, visitor: Viewing, ended_within_hours: Hours = 2.0) -> dict[str, Any]:
    """Each room with its state, lag, product on the shelf and open alerts; ``cursor`` is where live events go on."""
    watched = {w["name"]: w for w in context.watches.states()} if context.watches is not None else {}
    since = utc_now() - timedelta(hours=ended_within_hours)
    with context.db.read() as connection:
        # Read first: what happens after it comes by the event stream, what happened before is in the rows below.
        cursor = outbox.newest(connection)
        behind = {b.stream: b.untranscribed_ms for b in backlog.streams_behind(connection)}
        found = list_rooms(connection, shop=visitor.shop, ended_after=since)
        shelf = {r.stream.name: timeline.product_at(connection, r.stream.name, r.recorded_to_ms) for r in found}
    listed = []
    for room in found:
        name = room.stream.name
        product = shelf[name]
        listed.append(
            stream_json(room.stream)
            | {
                "state": watched.get(name, {}).get("state", "ended" if room.stream.ended_at else "recording"),
                "recorded_to": seconds(room.recorded_to_ms),
                "untranscribed": seconds(behind.get(name, 0)),
                "product": product.name if product is not None else room.stream.product,
                "open_alerts": room.open_alerts,
                "open_high": room.open_high,
            }
        )
    return {"rooms": listed, "cursor": cursor}
