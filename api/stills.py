"""Pictures out of a recording: the frame that was on screen at a moment. Nothing of them is kept."""

import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath

from api.auth.access import Viewing
from api.context import Context
from api.errors import ERRORS, BusyError
from api.places import Places
from api.queries import known_stream
from api.trail import note_view
from evidence.still import write_still

router = APIRouter(prefix="/api/v1/streams/{name}/still", tags=["clips"], responses=ERRORS)
StreamName = Annotated[str, InPath(max_length=200, description="直播流名称 / name of the stream")]
Moment = Annotated[float, Query(ge=0, le=1e9, description="秒 / seconds in the stream")]
_AT_ONCE, _WAITING = 8, 16


def places() -> Places:
    """How many pictures one application takes out at a time; those that wait hold up no other request."""
    return Places(_AT_ONCE, _WAITING, _busy)


def _busy() -> BusyError:
    return BusyError("still_busy", "取图的请求太多，请稍后再试。", "Too many pictures are asked for; try again soon.")


@router.get("", summary="某一刻的画面 / The picture at a moment", response_class=Response)
def still(request: Request, context: Context, visitor: Viewing, name: StreamName, at: Moment) -> Response:
    """A JPEG; ``X-Still-Time`` is the frame's own time in seconds of the stream."""
    known_stream(context.db, name, visitor)
    note_view(request, "pictures.viewed", {"stream": name})
    taken: Places = request.app.state.stills
    with taken.taken(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "still.jpg"
        shown_ms = write_still(context.db, context.data_dir, name, round(at * 1000), path)
        headers = {"X-Still-Time": f"{shown_ms / 1000:.3f}", "Cache-Control": "private, max-age=600"}
        return Response(path.read_bytes(), media_type="image/jpeg", headers=headers)
