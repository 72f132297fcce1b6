"""Streams and what was said in them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from api.auth.access import Viewing
from api.context import Context
from api.errors import ERRORS
from api.queries import After, FromSeconds, Limit, Shop, ToSeconds, known_stream, own_shop
from api.trail import note_view
from core.clock import seconds
from core.shapes import epoch_json, gap_json, stream_json, utterance_json
from store import recordings, streams, utterances

router = APIRouter(prefix="/api/v1/streams", tags=["streams"], responses=ERRORS)
StreamName = Annotated[str, Path(max_length=200, description="直播流名称 / name of the stream")]


@router.get("", summary="列出直播流 / List streams")
def list_streams(
    context: Context, visitor: Viewing, shop: Shop = "", after: After = "", limit: Limit = 100
) -> dict[str, Any]:
    """Streams by name; ``next`` is the ``after`` of the next page, or null."""
    with context.db.read() as connection:
        found = streams.list_streams(connection, shop=own_shop(visitor, shop), after=after, limit=limit + 1)
    page = found[:limit]
    following = page[-1].name if len(found) > limit else None
    return {"streams": [stream_json(s) for s in page], "next": following}


@router.get("/{name}", summary="查看直播流 / One stream")
def get_stream(context: Context, visitor: Viewing, name: StreamName) -> dict[str, Any]:
    """A stream with its epochs, gaps, and how much of it is recorded and transcribed."""
    stream = known_stream(context.db, name, visitor)
    with context.db.read() as connection:
        last = recordings.last_segment(connection, name)
        epochs = recordings.list_epochs(connection, name)
        return {
            **stream_json(stream),
            "recorded_seconds": seconds(recordings.recorded_ms(connection, name)),
            "end": seconds(last.end_ms) if last else 0,
            "epochs": [
                {**epoch_json(e), "transcribed": seconds(recordings.transcribed_ms(connection, name, e.number))}
                for e in epochs
            ],
            "gaps": [gap_json(gap) for gap in recordings.list_gaps(connection, name)],
        }


@router.get("/{name}/utterances", summary="逐句文字 / What was said")
def list_utterances(
    request: Request,
    context: Context,
    visitor: Viewing,
    name: StreamName,
    *,
    from_: FromSeconds = 0,
    to: ToSeconds = None,
    limit: Limit = 200,
) -> dict[str, Any]:
    """Utterances that overlap the range, in order of time; ``next`` is the ``from`` of the next page, or null."""
    known_stream(context.db, name, visitor)
    note_view(request, "transcript.viewed", {"stream": name})
    end_ms = None if to is None else round(to * 1000)
    with context.db.read() as connection:
        found = utterances.list_utterances(
            connection, name, start_ms=round(from_ * 1000), end_ms=end_ms, limit=limit + 1
        )
    page = found[:limit]
    following = seconds(page[-1].end_ms) if len(found) > limit else None
    return {"utterances": [utterance_json(u) for u in page], "next": following}
