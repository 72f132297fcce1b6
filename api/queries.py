"""Query parameters that several routes share."""

from typing import Annotated

from fastapi import Query

from core.access import Visitor
from core.errors import NotFoundError
from core.records import Stream
from store import streams
from store.engine import Database

_MAX_S = 1e9

Name = Annotated[str, Query(max_length=200, description="直播流名称 / name of a stream")]
Shop = Annotated[str, Query(max_length=200, description="店铺 / shop")]
After = Annotated[str, Query(max_length=200, description="上一页的 next / ``next`` of the page before")]
Limit = Annotated[int, Query(ge=1, le=500, description="每页条数 / entries in a page")]
FromSeconds = Annotated[
    float, Query(alias="from", ge=0, le=_MAX_S, description="起点，秒 / start, seconds in the stream")
]
ToSeconds = Annotated[
    float | None, Query(alias="to", ge=0, le=_MAX_S, description="终点，秒 / end, seconds in the stream")
]


def known_stream(db: Database, name: str, visitor: Visitor) -> Stream:
    """The stream of that name. Raises `NotFoundError`, also where it is another shop's: for the visitor it is none."""
    with db.read() as connection:
        stream = streams.get_stream(connection, name)
    if stream is None or not visitor.sees(stream.shop):
        raise NotFoundError("stream_unknown", f"没有名为“{name}”的直播流。", f"There is no stream named “{name}”.")
    return stream


def own_shop(visitor: Visitor, shop: str) -> str:
    """The shop to look in: the visitor's own where bound to one. Raises `NotFoundError` for another's."""
    if shop and not visitor.sees(shop):
        raise NotFoundError("shop_unknown", f"没有店铺“{shop}”。", f"There is no shop “{shop}”.")
    return visitor.shop or shop
