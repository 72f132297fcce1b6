"""Clips over HTTP: cut on request, played with ranges."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from api.auth.access import Exhibiting, Viewing
from api.context import ApiContext, Context
from api.errors import ERRORS
from api.once import OnceRoute, once
from api.queries import known_stream
from api.shelf import ClipShelf, KeptClip
from api.trail import note
from core.access import Visitor
from evidence.clip import Mode
from evidence.coverage import stretch_around

router = APIRouter(prefix="/api/v1", tags=["clips"], responses=ERRORS, route_class=OnceRoute)
ClipId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="片段编号 / id of the clip")]
Fit = Annotated[bool, Query(description="缩到中点所在的连续录像 / shorten to the unbroken recording around the middle")]
Moment = Annotated[float, Query(ge=0, le=1e9, description="秒 / seconds in the stream")]


class ClipRequest(BaseModel):
    """What to cut: seconds in the stream."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    stream: str = Field(min_length=1, max_length=200, description="直播流名称 / name of the stream")
    start: float = Field(ge=0, le=1e9, description="起点，秒 / start in seconds")
    end: float = Field(ge=0, le=1e9, description="终点，秒 / end in seconds")
    mode: Mode = Field(default="copy", description="copy 原样（从关键帧起）/ as recorded; exact 重新编码，0 毫秒偏差")
    fit: bool = Field(
        default=False, description="缩到中点所在的连续录像 / shorten to the unbroken recording around the middle"
    )


class ClipAnswer(BaseModel):
    """A clip: where it plays, what it holds, and its hash."""

    id: str
    url: str
    stream: str
    epoch: int
    mode: Mode
    start: float = Field(description="Stream time, in seconds, of the file's own time 0.")
    end: float
    requested_start: float
    requested_end: float
    lead_ms: int = Field(description="How many milliseconds the file starts before the moment asked for.")
    sha256: str
    size: int
    segments: list[int] = Field(description="Sequence numbers of the recorded segments it was made from.")


def _shelf(request: Request) -> ClipShelf:
    shelf: ClipShelf = request.app.state.shelf
    return shelf


def _found(request: Request, context: ApiContext, visitor: Visitor, key: str) -> KeptClip:
    kept = _shelf(request).find(key)
    known_stream(context.db, kept.about["stream"], visitor)
    return kept


def _answer(kept: KeptClip) -> ClipAnswer:
    return ClipAnswer(id=kept.id, url=f"/api/v1/clips/{kept.id}", **kept.about)


@router.post(
    "/clips", status_code=201, summary="截取片段 / Cut a clip", responses={200: {"model": ClipAnswer}, **ERRORS}
)
@once
def make_clip(
    request: Request, response: Response, context: Context, visitor: Exhibiting, wanted: ClipRequest
) -> ClipAnswer:
    """201 with a new clip, or 200 with the same clip made before."""
    known_stream(context.db, wanted.stream, visitor)
    start_ms, end_ms = round(wanted.start * 1000), round(wanted.end * 1000)
    if wanted.fit:
        part = stretch_around(context.db, wanted.stream, start_ms, end_ms)
        start_ms, end_ms = part.start_ms, part.end_ms
    kept = _shelf(request).make(wanted.stream, start_ms, end_ms, wanted.mode)
    note(request, "clip", {"stream": wanted.stream, "clip": kept.id, "sha256": kept.about["sha256"]})
    response.status_code = 201 if kept.new else 200
    response.headers["Location"] = f"/api/v1/clips/{kept.id}"
    return _answer(kept)


@router.get("/clips/{clip_id}", summary="播放片段 / Play a clip", response_class=FileResponse)
@router.head("/clips/{clip_id}", include_in_schema=False)
def play_clip(request: Request, context: Context, visitor: Viewing, clip_id: ClipId) -> FileResponse:
    """The media file; HTTP ranges are answered."""
    kept = _found(request, context, visitor, clip_id)
    name = f"clip-{clip_id[:8]}.mp4"
    return FileResponse(kept.path, media_type="video/mp4", filename=name, content_disposition_type="inline")


@router.get("/clips/{clip_id}/about", summary="片段说明 / What a clip holds")
def about_clip(request: Request, context: Context, visitor: Viewing, clip_id: ClipId) -> ClipAnswer:
    """Times, mode, hash and segments of a clip."""
    return _answer(_found(request, context, visitor, clip_id))


@router.get("/streams/{name}/media", summary="从某刻播放 / Play from a moment", status_code=303)
def play_stream(
    request: Request,
    context: Context,
    visitor: Viewing,
    name: Annotated[str, Path(max_length=200)],
    *,
    start: Moment,
    end: Moment,
    fit: Fit = False,
) -> RedirectResponse:
    """Leads to a copied clip of the range; the fragment ``#t=`` points at the moment asked for."""
    known_stream(context.db, name, visitor)
    start_ms, end_ms = round(start * 1000), round(end * 1000)
    if fit:
        part = stretch_around(context.db, name, start_ms, end_ms)
        start_ms, end_ms = part.start_ms, part.end_ms
    kept = _shelf(request).make(name, start_ms, end_ms, "copy")
    note(request, "play", {"stream": name, "clip": kept.id, "sha256": kept.about["sha256"]})
    return RedirectResponse(f"/api/v1/clips/{kept.id}#t={kept.about['lead_ms'] / 1000:.3f}", 303)
