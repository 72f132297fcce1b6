"""Search: where something was said, and how much was looked at."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.types import Scope

from api.auth.access import Searching
from api.auth.throttle import Throttle, origin
from api.context import ApiContext, Context
from api.errors import CSV, ERRORS, BusyError, ErrorBody
from api.places import Places
from api.queries import Name, Shop, own_shop
from api.trail import note
from core.errors import UsageError
from core.records import Category
from index.answer import answer_json
from index.export import hits_csv
from index.request import MAX_WITHIN_MINUTES, SearchRequest, parse_moment

_BUSY: dict[int | str, dict[str, Any]] = {
    429: {"model": ErrorBody, "description": "Too many searches of one visitor, or at once; see Retry-After."}
}
router = APIRouter(prefix="/api/v1/search", tags=["search"], responses={**ERRORS, **_BUSY})
Words = Annotated[
    str,
    Query(
        max_length=1000,
        description='要检索的话；多个说法用 | 隔开，"原话"，-排除 / phrases parted by |, "exact words", -without',
    ),
]
Time = Annotated[
    str, Query(max_length=40, description="2026-11-11T20:31（UTC），或直播内秒数 / UTC, or seconds in the stream")
]
Moment = Annotated[
    str, Query(max_length=40, description="某时刻前后，如下单时间 2026-11-11T20:31 / around a moment, as of an order")
]
Within = Annotated[float, Query(gt=0, le=MAX_WITHIN_MINUTES, description="前后几分钟 / minutes on both sides")]
Hits = Annotated[int, Query(ge=1, le=100, description="最多几条 / hits at most")]
Filter = Annotated[str, Query(max_length=200)]


class Door:
    """Turns searches away before anything is done for them, where they come in floods: each costs next to nothing."""

    def __init__(self, context: ApiContext) -> None:
        limits = context.limits
        self.places = Places(limits.searches_at_once, limits.searches_waiting, _busy)
        # Wider than what one visitor may: several work behind one address.
        self._addresses = Throttle(limits.searches_per_s * 3, limits.searches_burst * 3)

    def refusal(self, scope: Scope) -> BusyError | None:
        """Why a request is turned away; none for one that is no search, and for most searches."""
        if scope["path"] != router.prefix:
            return None
        if self.places.full:
            return _busy()
        wait = self._addresses.wait_s(origin(scope["client"][0]) if scope.get("client") else "")
        return _busy(wait) if wait else None


def _busy(retry_after_s: float = 1.0) -> BusyError:
    return BusyError("search_busy", "同时检索的请求太多。", "Too many searches at once.", retry_after_s=retry_after_s)


class Form(StrEnum):
    """How hits are given."""

    JSON = "json"
    CSV = "csv"


@router.get("", summary="检索说过的话 / Search what was said", response_model=None, responses=CSV)
def search(
    http: Request,
    context: Context,
    visitor: Searching,
    q: Words,
    *,
    stream: Name = "",
    shop: Shop = "",
    host: Annotated[Filter, Query(description="主播 / host")] = "",
    product: Annotated[Filter, Query(description="当时在架的商品 / on the shelf meanwhile")] = "",
    category: Annotated[Category | None, Query(description="有该类告警 / alerted for this class")] = None,
    alerted: Annotated[bool | None, Query(description="有无告警 / with or without an alert")] = None,
    near: Moment = "",
    within: Within = 30.0,
    from_: Annotated[Time, Query(alias="from")] = "",
    to: Time = "",
    limit: Hits = 10,
    form: Annotated[Form, Query(alias="format", description="json 或 csv / json or csv")] = Form.JSON,
) -> dict[str, Any] | Response:
    """The best hits, each with its place, its words and why it is one, and how much was searched."""
    searches: Throttle = http.app.state.searches
    searches.check(visitor.name or (origin(http.client.host) if http.client else ""))
    request = SearchRequest(
        query=q,
        stream=stream,
        shop=own_shop(visitor, shop),
        from_=parse_moment(from_) if from_ else None,
        to=parse_moment(to) if to else None,
        limit=limit,
        host=host,
        product=product,
        category=category.value if category else "",
        alerted=alerted,
        near=_moment(near) if near else None,
        within_minutes=within,
    )
    door: Door = http.app.state.search_door
    with door.places.taken():
        answer = context.searcher.search(request)
    note(http, "search", {"query": q, "stream": stream, "shop": shop, "hits": len(answer.hits)})
    if form is Form.CSV:
        named = {"Content-Disposition": 'attachment; filename="hits.csv"'}
        return Response(hits_csv([answer]), media_type="text/csv; charset=utf-8", headers=named)
    return answer_json(answer)


def _moment(text: str) -> datetime:
    moment = parse_moment(text)
    if isinstance(moment, datetime):
        return moment
    raise UsageError("search_near_time", "near 要写日期和时间。", "near takes a date and a time.")
