"""Saved searches: queries that are asked of everything new, and what they found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from core.clock import iso, parse_iso, utc_now
from store.scope import Scope, scope_condition
from store.tables import dead_letters, outbox, saved_searches, search_matches, utterances

_SQL_VARIABLES = 500


class MatchLevel(StrEnum):
    """How sure a match has to be: the very words or their sound, a claim that comes to the same, anything near."""

    WORDS = "words"
    CLAIM = "claim"
    WIDE = "wide"


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A query with the part of the archive it is about. ``done_to``: the last utterance that was looked at."""

    name: str
    query: str
    stream: str = ""
    shop: str = ""
    host: str = ""
    product: str = ""
    category: str = ""
    level: MatchLevel = MatchLevel.CLAIM
    created_by: str = ""
    created_at: datetime | None = None
    done_to: int = 0

    @property
    def scope(self) -> Scope:
        """The part of the archive."""
        return Scope(self.stream, self.shop, host=self.host, product=self.product, category=self.category)


@dataclass(frozen=True, slots=True)
class SearchMatch:
    """An utterance that a saved search found, where in its stream, and the outbox event that told of it."""

    search: str
    utterance_id: int
    start_ms: int
    end_ms: int
    score: float
    cursor: int


def save_search(connection: Connection, search: SavedSearch) -> SavedSearch:
    """Insert a search, or change the one of that name; it is asked of what is said from now on."""
    newest = connection.execute(select(func.max(utterances.c.id))).scalar_one() or 0
    search = replace(search, created_at=search.created_at or utc_now(), done_to=int(newest))
    row = _row(search)
    statement = insert(saved_searches).values(row).on_conflict_do_update(index_elements=["name"], set_=row)
    connection.execute(statement)
    return search


def get_search(connection: Connection, name: str) -> SavedSearch | None:
    """The search of that name."""
    query = select(saved_searches).where(saved_searches.c.name == name)
    row = connection.execute(query).mappings().one_or_none()
    return _record(row) if row else None


def list_searches(connection: Connection, shop: str = "") -> list[SavedSearch]:
    """Searches in order of name; those about one shop only."""
    query = select(saved_searches).order_by(saved_searches.c.name)
    if shop:
        query = query.where(saved_searches.c.shop == shop)
    return [_record(row) for row in connection.execute(query).mappings()]


def delete_search(connection: Connection, name: str) -> bool:
    """Forget a search and what it found; False when there is none. Events that were told stay told."""
    return connection.execute(delete(saved_searches).where(saved_searches.c.name == name)).rowcount == 1


def mark_done(connection: Connection, name: str, utterance_id: int) -> None:
    """Say that a search has looked at all utterances up to this one."""
    mine = (saved_searches.c.name == name) & (saved_searches.c.done_to < utterance_id)
    connection.execute(update(saved_searches).where(mine).values(done_to=utterance_id))


def add_match(connection: Connection, match: SearchMatch) -> None:
    """Store a match; one utterance is found once by one search."""
    row = {name: getattr(match, name) for name in SearchMatch.__slots__}
    connection.execute(insert(search_matches).values(row))


def list_matches(connection: Connection, search: str, *, after: int = 0, limit: int = 100) -> list[SearchMatch]:
    """Matches of a search in the order in which they were told, from the one after cursor ``after``."""
    table = search_matches
    query = select(table).where(table.c.search == search, table.c.cursor > after).order_by(table.c.cursor).limit(limit)
    return [SearchMatch(**row) for row in connection.execute(query).mappings()]


def count_matches(connection: Connection) -> dict[str, int]:
    """How much each search found; those that found nothing are left out."""
    query = select(search_matches.c.search, func.count()).group_by(search_matches.c.search)
    return {str(name): int(count) for name, count in connection.execute(query)}


def forget_matches(connection: Connection, ids: Sequence[int]) -> None:
    """Take away what was told of these utterances, which are about to be deleted; the matches go with them."""
    for first in range(0, len(ids), _SQL_VARIABLES):
        block = ids[first : first + _SQL_VARIABLES]
        told = select(search_matches.c.cursor).where(search_matches.c.utterance_id.in_(block))
        cursors = list(connection.execute(told).scalars())
        connection.execute(delete(dead_letters).where(dead_letters.c.cursor.in_(cursors)))
        connection.execute(delete(outbox).where(outbox.c.cursor.in_(cursors)))


def inside(connection: Connection, scope: Scope, ids: Sequence[int]) -> set[int]:
    """Those of a batch of utterances that are in ``scope``."""
    query = select(utterances.c.id).where(utterances.c.id.in_(ids), scope_condition(scope))
    return set(connection.execute(query).scalars())


def _row(search: SavedSearch) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(search, name) for name in SavedSearch.__slots__}
    return row | {"level": search.level.value, "created_at": iso(search.created_at or utc_now())}


def _record(row: RowMapping) -> SavedSearch:
    fields = dict(row)
    fields["level"] = MatchLevel(fields["level"])
    fields["created_at"] = parse_iso(fields["created_at"])
    return SavedSearch(**fields)
