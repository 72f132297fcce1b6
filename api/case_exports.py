"""What goes out of a case, and two exhibits that take long to make: the whole case, masked editions, negative results.

Each is an order that `api.export_desk` does when its turn comes; its state is asked for.
"""

from functools import partial
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.auth.access import Exhibiting
from api.case_access import another_shop, known_case, stream_for, taking_case
from api.case_room import CaseRoom
from api.context import Context
from api.errors import ERRORS
from api.exhibits import ExhibitRoom, Stretch, draft
from api.export_desk import ExportDesk, ExportOrder
from api.once import OnceRoute, once
from api.queries import own_shop
from api.trail import actor_of, note
from core.errors import BadInputError
from evidence.masks import Box, Range
from evidence.negative import THRESHOLD
from index.request import SearchRequest, parse_moment
from store.cases import ExhibitKind

router = APIRouter(prefix="/api/v1/cases/{number}", tags=["cases"], responses=ERRORS, route_class=OnceRoute)
CaseNumber = Annotated[str, Path(max_length=100, description="案号 / number of the case")]
ExportName = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="导出编号 / id of the export")]
_NEAR = 10


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Reason(_Strict):
    """Why the case goes out."""

    reason: str = Field(default="", max_length=400, description="事由，写入导出记录 / reason, kept in the package")


class MaskBox(_Strict):
    """A rectangle of the picture in pixels; without times it is hidden throughout."""

    x: int = Field(ge=0, le=16_384)
    y: int = Field(ge=0, le=16_384)
    width: int = Field(ge=1, le=16_384)
    height: int = Field(ge=1, le=16_384)
    start: float | None = Field(default=None, ge=0, le=1e9)
    end: float | None = Field(default=None, ge=0, le=1e9)

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.start is None) != (self.end is None):
            raise ValueError("start 与 end 须同时给出 / give start and end, or neither")
        return self

    def box(self) -> Box:
        """As the export takes it."""
        when = None if self.start is None or self.end is None else _range(self.start, self.end)
        return Box(self.x, self.y, self.width, self.height, when)


class MuteRange(_Strict):
    """A stretch without sound, in seconds of the stream."""

    start: float = Field(ge=0, le=1e9)
    end: float = Field(ge=0, le=1e9)


class NewMasked(_Strict):
    """A stretch as a package and as its masked edition; seconds in the stream."""

    stream: str = Field(min_length=1, max_length=200, description="直播流名称 / name of the stream")
    start: float = Field(ge=0, le=1e9, description="起点，秒 / start in seconds")
    end: float = Field(ge=0, le=1e9, description="终点，秒 / end in seconds")
    title: str = Field(default="", max_length=190, description="名称 / title")
    comment: str = Field(default="", max_length=4000, description="说明 / comment")
    reason: str = Field(default="", max_length=400, description="导出事由 / reason")
    mute: list[MuteRange] = Field(default=[], max_length=50, description="静音时段 / stretches to mute")
    boxes: list[MaskBox] = Field(default=[], max_length=20, description="遮住的矩形 / rectangles to hide")
    faces: bool = Field(default=False, description="自动遮脸（需 vision）/ hide faces that are found (vision)")


class NewNegative(_Strict):
    """A search that is to be shown to have found nothing."""

    query: str = Field(min_length=1, max_length=1000, description="查询 / query")
    stream: str = Field(default="", max_length=200, description="只查一场 / this stream only")
    shop: str = Field(default="", max_length=200, description="只查一家店 / this shop only")
    host: str = Field(default="", max_length=200, description="只查一位主播 / this host only")
    from_: str = Field(default="", alias="from", max_length=40, description="起，UTC 或秒 / from, UTC or seconds")
    to: str = Field(default="", max_length=40, description="止 / to")
    threshold: float = Field(default=THRESHOLD, ge=0.01, le=10, description="得分达到即算找到 / a score that counts")
    comment: str = Field(default="", max_length=4000, description="说明 / comment")
    reason: str = Field(default="", max_length=400, description="导出事由 / reason")


@router.get("/exports", summary="导出与进度 / Exports and how they fare")
def list_exports(request: Request, context: Context, visitor: Exhibiting, number: CaseNumber) -> dict[str, Any]:
    """``jobs``: orders since the service started; ``files``: the case as it was exported, the newest first."""
    known_case(context, visitor, number)
    return {"jobs": [job.as_json() for job in _desk(request).jobs(number)], "files": _room(request).exported(number)}


@router.post("/exports", status_code=202, summary="导出整卷 / Export the whole case")
@once
def export(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, wanted: Reason
) -> dict[str, Any]:
    """All exhibits in their order with comments and history, as one signed package."""
    case = known_case(context, visitor, number)
    room, actor = _room(request), actor_of(request)
    order = ExportOrder(number, "case", case.title or number, visitor.name or "local")
    return _desk(request).submit(order, partial(room.whole, case, actor, wanted.reason)).as_json()


@router.get("/exports/{name}/file", summary="下载整卷 / The exported case")
def export_file(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, name: ExportName
) -> FileResponse:
    """Always as a download."""
    known_case(context, visitor, number)
    path = _room(request).export_path(number, name)
    note(request, "case.downloaded", {"case": number, "export": name})
    return FileResponse(path, media_type="application/octet-stream", filename=f"case-{name}.zip")


@router.post("/exports/{name}/verification", summary="核验整卷 / Verify the exported case")
def verify_export(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, name: ExportName
) -> dict[str, Any]:
    """The outer seal and every package inside, against this installation's own keys."""
    known_case(context, visitor, number)
    exhibits: ExhibitRoom = request.app.state.exhibits
    verdict = exhibits.verify_file(_room(request).export_path(number, name))
    note(request, "case.verified", {"case": number, "export": name, "holds": verdict.holds})
    failures = [{"file": f.file, "zh": f.zh, "en": f.en} for f in verdict.failures]
    return {"holds": verdict.holds, "unchecked": verdict.unchecked, "failures": failures, "facts": verdict.facts}


@router.post("/masked", status_code=202, summary="证据包与遮蔽版 / A package and its masked edition")
@once
def add_masked(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, wanted: NewMasked
) -> dict[str, Any]:
    """Both become exhibits: the full one stays here, the masked one goes to others."""
    stream_for(context, visitor, taking_case(context, visitor, number), wanted.stream)
    span = _range(wanted.start, wanted.end)
    if span.end_ms - span.start_ms > context.limits.clip_seconds * 1000:
        raise BadInputError("clip_too_long", "片段太长，请分段导出。", "The stretch is too long; export it in parts.")
    title = wanted.title or f"{wanted.stream} {wanted.start:.1f}–{wanted.end:.1f} s"
    made = draft(number, ExhibitKind.PACKAGE, title, wanted.comment, visitor.name or "local")
    room, actor = _room(request), actor_of(request)
    mute = tuple(_range(one.start, one.end) for one in wanted.mute)
    boxes = tuple(one.box() for one in wanted.boxes)
    stretch = Stretch(wanted.stream, span.start_ms, span.end_ms, wanted.reason)
    order = ExportOrder(number, "masked", title, visitor.name or "local")
    run = partial(room.masked, made, stretch, actor, mute, boxes, wanted.faces)
    return _desk(request).submit(order, run).as_json()


@router.post("/negatives", status_code=202, summary="检索未果 / A negative result")
@once
def add_negative(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, wanted: NewNegative
) -> dict[str, Any]:
    """Searched now; an exhibit where nothing reaches the threshold, else the order fails and names what was found."""
    case = taking_case(context, visitor, number)
    shop = own_shop(visitor, wanted.shop)
    if case.shop and shop not in ("", case.shop):
        raise another_shop(case)
    # A search within the case's shop that is told to look at a stream of none would look at nothing.
    if wanted.stream and case.shop not in ("", stream_for(context, visitor, case, wanted.stream).shop):
        raise another_shop(case)
    asked = SearchRequest(
        query=wanted.query,
        stream=wanted.stream,
        # A shop's case holds the logs of that shop's streams only: its own people may download them.
        shop=case.shop or shop,
        from_=parse_moment(wanted.from_) if wanted.from_ else None,
        to=parse_moment(wanted.to) if wanted.to else None,
        limit=_NEAR,
        host=wanted.host,
    )
    title = f"检索未果：{wanted.query}"[:200]
    made = draft(number, ExhibitKind.NEGATIVE, title, wanted.comment, visitor.name or "local")
    room, actor = _room(request), actor_of(request)
    note(request, "search", {"query": wanted.query, "stream": wanted.stream, "shop": wanted.shop, "case": number})
    order = ExportOrder(number, "negative", title, visitor.name or "local")
    run = partial(room.negative, made, asked, actor, wanted.threshold, wanted.reason)
    return _desk(request).submit(order, run).as_json()


def _range(start: float, end: float) -> Range:
    return Range(round(start * 1000), round(end * 1000))


def _desk(request: Request) -> ExportDesk:
    desk: ExportDesk = request.app.state.export_desk
    return desk


def _room(request: Request) -> CaseRoom:
    room: CaseRoom = request.app.state.case_room
    return room
