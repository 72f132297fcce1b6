"""Search: where something was said, and how much was looked at."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from api.auth.access import Searching
from api.context import Context
from api.errors import ERRORS
from api.queries import Name, Shop, own_shop
from api.trail import note
from index.answer import answer_json
from index.request import SearchRequest, parse_moment

router = APIRouter(prefix="/api/v1/search", tags=["search"], responses=ERRORS)
Words = Annotated[str, Query(max_length=1000, description="要查找的话 / what to search for")]
Time = Annotated[
    str, Query(max_length=40, description="2026-11-11T20:31（UTC），或直播内秒数 / UTC, or seconds in the stream")
]
Hits = Annotated[int, Query(ge=1, le=100, description="最多几条 / hits at most")]


@router.get("", summary="搜索说过的话 / Search what was said")
def search(
    http: Request,
    context: Context,
    visitor: Searching,
    q: Words,
    *,
    stream: Name = "",
    shop: Shop = "",
    from_: Annotated[Time, Query(alias="from")] = "",
    to: Time = "",
    limit: Hits = 10,
) -> dict[str, Any]:
    """The best hits, each with its place, its words and why it is one, and how much was searched."""
    request = SearchRequest(
        query=q,
        stream=stream,
        shop=own_shop(visitor, shop),
        from_=parse_moment(from_) if from_ else None,
        to=parse_moment(to) if to else None,
        limit=limit,
    )
    answer = context.searcher.search(request)
    note(http, "search", {"query": q, "stream": stream, "shop": shop, "hits": len(answer.hits)})
    return answer_json(answer)
