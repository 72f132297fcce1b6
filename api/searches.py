"""Saved searches: queries that are asked of everything new; what they find is told as ``search.matched``."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth.access import Searching
from api.context import Context
from api.errors import ERRORS
from api.queries import Limit, own_shop
from api.trail import note
from core.access import Visitor
from core.records import Category
from index.request import MAX_QUERY_CHARS, SearchRequest, asked_phrases
from index.saved import match_json, search_json, unknown_search
from store import saved_searches as saved
from store.engine import Database
from store.saved_searches import MatchLevel, SavedSearch
from store.utterances import get_utterances

router = APIRouter(prefix="/api/v1/searches", tags=["search"], responses=ERRORS)
SearchName = Annotated[
    str, Path(max_length=100, pattern="^[^/\\x00-\\x1f]+$", description="保存的名称 / name of the search")
]
AfterCursor = Annotated[int, Query(ge=0, description="上一页的 next / ``next`` of the page before")]


class SearchWanted(BaseModel):
    """A query to ask of everything new, and of which part of it."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(min_length=1, max_length=MAX_QUERY_CHARS, description="要查找的话 / what to search for")
    stream: str = Field(default="", max_length=200, description="只看一场 / one stream only")
    shop: str = Field(default="", max_length=200, description="只看一家店 / one shop only")
    host: str = Field(default="", max_length=200, description="只看一位主播 / one host only")
    product: str = Field(default="", max_length=200, description="当时在架的商品 / on the shelf meanwhile")
    category: Category | None = Field(default=None, description="有该类告警 / alerted for this class")
    level: MatchLevel = Field(
        default=MatchLevel.CLAIM,
        description="words 原话或同音，claim 同样宣称，wide 相近 / how sure a match has to be",
    )


@router.get("", summary="列出保存的检索 / List saved searches")
def list_saved(context: Context, visitor: Searching) -> dict[str, Any]:
    """Searches with how much each found; an account of one shop sees those about its shop."""
    with context.db.read() as connection:
        found = saved.list_searches(connection, visitor.shop)
        counts = saved.count_matches(connection)
    return {"searches": [search_json(search, counts.get(search.name, 0)) for search in found]}


@router.put(
    "/{name}",
    status_code=201,
    summary="保存检索 / Save a search",
    responses={200: {"description": "There was one of that name; it is changed."}},
)
def put_saved(
    http: Request, context: Context, visitor: Searching, response: Response, name: SearchName, *, wanted: SearchWanted
) -> dict[str, Any]:
    """201 with a new search, 200 with a changed one. It is asked of what is said from now on."""
    asked_phrases(SearchRequest(wanted.query))
    fields = wanted.model_dump() | {"shop": own_shop(visitor, wanted.shop), "level": wanted.level}
    fields["category"] = wanted.category.value if wanted.category else ""
    with context.db.write() as connection:
        known = saved.get_search(connection, name)
        if known is not None:
            _check_own(visitor, known)
        search = saved.save_search(connection, SavedSearch(name, created_by=visitor.name, **fields))
    response.status_code = 200 if known else 201
    note(http, "search.save", {"name": name, "query": search.query})
    return search_json(search, 0)


@router.delete("/{name}", status_code=204, summary="删除保存的检索 / Delete a saved search")
def delete_saved(http: Request, context: Context, visitor: Searching, name: SearchName) -> None:
    """Forget a search and what it found; events that were told stay told."""
    _known(context.db, visitor, name)
    with context.db.write() as connection:
        saved.delete_search(connection, name)
    note(http, "search.delete", {"name": name})


@router.get("/{name}/matches", summary="保存的检索找到了什么 / What a saved search found")
def list_found(
    context: Context, visitor: Searching, name: SearchName, *, after: AfterCursor = 0, limit: Limit = 100
) -> dict[str, Any]:
    """Matches in the order in which they were told; ``cursor`` is that of the event."""
    _known(context.db, visitor, name)
    with context.db.read() as connection:
        found = saved.list_matches(connection, name, after=after, limit=limit)
        said = get_utterances(connection, [match.utterance_id for match in found])
    rows = [match_json(match, said[match.utterance_id]) for match in found if match.utterance_id in said]
    return {"matches": rows, "next": found[-1].cursor if len(found) == limit else None}


def _known(db: Database, visitor: Visitor, name: str) -> SavedSearch:
    with db.read() as connection:
        search = saved.get_search(connection, name)
    if search is None:
        raise unknown_search(name)
    _check_own(visitor, search)
    return search


def _check_own(visitor: Visitor, search: SavedSearch) -> None:
    """Raises `NotFoundError` where the search is another shop's: for the visitor it is none."""
    if not visitor.sees(search.shop):
        raise unknown_search(search.name)
