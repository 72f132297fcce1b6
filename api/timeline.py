"""The timeline of a stream: products on the shelf, prices, bullet comments and notes, posted with a time."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from api.auth.access import Reviewing, Viewing
from api.context import Context
from api.errors import ERRORS
from api.once import OnceRoute, once
from api.queries import FromSeconds, Limit, ToSeconds, known_stream
from api.trail import note, note_view
from core.clock import iso, utc_now
from core.records import TimelineEvent, TimelineKind
from core.shapes import timeline_json
from store import timeline

router = APIRouter(prefix="/api/v1/streams/{name}/timeline", tags=["timeline"], responses=ERRORS, route_class=OnceRoute)
StreamName = Annotated[str, Path(max_length=200, description="直播流名称 / name of the stream")]
AfterId = Annotated[int, Query(ge=0, description="上一页的 next / ``next`` of the page before")]


class TimelinePost(BaseModel):
    """Something that happened in a stream. Without ``at`` and ``wall_time``: now."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    kind: TimelineKind = Field(description="product 上架商品（text 为空即下架）/ price 价格 / comment 弹幕 / note 备注")
    text: str = Field(default="", max_length=2000, description="商品名、弹幕或备注 / product, comment or note")
    at: float | None = Field(default=None, ge=0, le=1e9, description="直播内秒数 / seconds in the stream")
    wall_time: AwareDatetime | None = Field(default=None, description="时刻，换算为直播内秒数 / moment on the clock")
    product_class: str = Field(default="", max_length=100, description="商品类别 / product class, for the rules")
    price: float | None = Field(default=None, ge=0, le=1e9, description="价格，元 / price in yuan")
    author: str = Field(default="", max_length=200, description="弹幕作者 / who wrote the comment")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.at is not None and self.wall_time is not None:
            raise ValueError("at 与 wall_time 只能给一个 / give at or wall_time, not both")
        if (self.kind is TimelineKind.PRICE) == (self.price is None):
            raise ValueError("price 只用于且必须用于 kind=price / price goes with kind=price, always")
        if self.kind in {TimelineKind.COMMENT, TimelineKind.NOTE} and not self.text.strip():
            raise ValueError("text 不能为空 / text must not be empty")
        return self


@router.post("", status_code=201, summary="记入时间线 / Post to the timeline")
@once
def post(
    request: Request, context: Context, visitor: Reviewing, name: StreamName, posted: TimelinePost
) -> dict[str, Any]:
    """Store the event; alerts raised from now on carry the product that is on the shelf at their moment."""
    known_stream(context.db, name, visitor)
    with context.db.write() as connection:
        if posted.at is not None:
            at_ms = round(posted.at * 1000)
        else:
            at_ms = timeline.stream_ms_at(connection, name, iso(posted.wall_time or utc_now()))
        event = _event(name, posted, at_ms, posted.wall_time or utc_now())
        key = timeline.add_event(connection, event)
    note(request, "timeline.posted", {"stream": name, "event": key, "kind": event.kind.value})
    return timeline_json(event) | {"id": key}


def _event(name: str, posted: TimelinePost, at_ms: int, moment: datetime) -> TimelineEvent:
    return TimelineEvent(
        stream=name,
        at_ms=at_ms,
        kind=posted.kind,
        text=posted.text.strip(),
        wall_time=moment,
        product_class=posted.product_class.strip(),
        price_fen=None if posted.price is None else round(posted.price * 100),
        author=posted.author,
    )


@router.get("", summary="查看时间线 / The timeline of a stream")
def list_events(
    request: Request,
    context: Context,
    visitor: Viewing,
    name: StreamName,
    *,
    kind: TimelineKind | None = None,
    from_: FromSeconds = 0,
    to: ToSeconds = None,
    after: AfterId = 0,
    limit: Limit = 100,
) -> dict[str, Any]:
    """What was posted, in order of stream time; ``next`` is the ``after`` of the next page, or null."""
    known_stream(context.db, name, visitor)
    note_view(request, "timeline.viewed", {"stream": name})
    end_ms = None if to is None else round(to * 1000)
    with context.db.read() as connection:
        found = timeline.list_events(
            connection, name, start_ms=round(from_ * 1000), end_ms=end_ms, kind=kind, after=after, limit=limit + 1
        )
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return {"events": [timeline_json(event) for event in page], "next": following}
