"""Cases: disputes with their exhibits in an order, until somebody decides them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from core.clock import iso, parse_iso
from store.tables import cases, exhibits


class CaseState(StrEnum):
    """Whether a case still takes exhibits."""

    OPEN = "open"
    CLOSED = "closed"


class ExhibitKind(StrEnum):
    """A package cut here, a search without result, a file that somebody handed in, or a note."""

    PACKAGE = "package"
    NEGATIVE = "negative"
    RECEIVED = "received"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Case:
    """A dispute. ``id`` is the number people know it by; ``shop`` says whose it is, empty for the platform."""

    id: str
    title: str
    shop: str
    state: CaseState
    outcome: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One piece of a case. ``file`` is a name in the case's folder, empty for a note; times in stream milliseconds."""

    id: str
    case_id: str
    position: int
    kind: ExhibitKind
    title: str
    comment: str
    added_by: str
    added_at: datetime
    stream: str = ""
    start_ms: int = 0
    end_ms: int = 0
    file: str = ""
    sha256: str = ""
    size: int = 0
    about: Mapping[str, Any] | None = None


def open_exhibits(connection: Connection) -> list[Exhibit]:
    """Exhibits of open cases that show a stretch of a stream."""
    mine = exhibits.join(cases, cases.c.id == exhibits.c.case_id)
    shown = (
        (cases.c.state == CaseState.OPEN.value) & (exhibits.c.stream != "") & (exhibits.c.end_ms > exhibits.c.start_ms)
    )
    rows = connection.execute(select(exhibits).select_from(mine).where(shown).order_by(exhibits.c.id)).mappings()
    return [_exhibit(row) for row in rows]


def add_case(connection: Connection, case: Case) -> None:
    """Insert a case. Raises ``IntegrityError`` where the number is taken."""
    row = {name: getattr(case, name) for name in case.__slots__}
    connection.execute(insert(cases).values(row | {"created_at": iso(case.created_at), "state": case.state.value}))


def get_case(connection: Connection, case_id: str) -> Case | None:
    """The case with that number."""
    row = connection.execute(select(cases).where(cases.c.id == case_id)).mappings().first()
    return None if row is None else _case(row)


def list_cases(connection: Connection, *, shop: str = "", after: str = "", limit: int = 100) -> list[Case]:
    """Cases, the newest first, from the one after the case ``after``; of one shop if named."""
    query = select(cases).order_by(cases.c.created_at.desc(), cases.c.id.desc()).limit(limit)
    if shop:
        query = query.where(cases.c.shop == shop)
    if after:
        mark = select(cases.c.created_at).where(cases.c.id == after).scalar_subquery()
        earlier = (cases.c.created_at < mark) | ((cases.c.created_at == mark) & (cases.c.id < after))
        query = query.where(earlier)
    return [_case(row) for row in connection.execute(query).mappings()]


def decide_case(connection: Connection, case_id: str, state: CaseState, outcome: str) -> None:
    """Close a case with its outcome, or open it again."""
    connection.execute(update(cases).where(cases.c.id == case_id).values(state=state.value, outcome=outcome))


def next_position(connection: Connection, case_id: str) -> int:
    """Where the next exhibit stands, from 1."""
    query = select(func.max(exhibits.c.position)).where(exhibits.c.case_id == case_id)
    return int(connection.execute(query).scalar() or 0) + 1


def add_exhibit(connection: Connection, exhibit: Exhibit) -> None:
    """Insert an exhibit."""
    row = {name: getattr(exhibit, name) for name in exhibit.__slots__}
    about = json.dumps(exhibit.about or {}, ensure_ascii=False)
    row |= {"kind": exhibit.kind.value, "added_at": iso(exhibit.added_at), "about": about}
    connection.execute(insert(exhibits).values(row))


def list_exhibits(connection: Connection, case_id: str) -> list[Exhibit]:
    """The exhibits of a case in their order."""
    query = select(exhibits).where(exhibits.c.case_id == case_id).order_by(exhibits.c.position)
    return [_exhibit(row) for row in connection.execute(query).mappings()]


def get_exhibit(connection: Connection, case_id: str, exhibit_id: str) -> Exhibit | None:
    """One exhibit of a case."""
    query = select(exhibits).where(exhibits.c.case_id == case_id, exhibits.c.id == exhibit_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _exhibit(row)


def comment_exhibit(connection: Connection, exhibit_id: str, title: str, comment: str) -> None:
    """Change title and comment; the file stays what it is."""
    connection.execute(update(exhibits).where(exhibits.c.id == exhibit_id).values(title=title, comment=comment))


def order_exhibits(connection: Connection, case_id: str, order: Sequence[str]) -> None:
    """Put the exhibits of a case in this order; ``order`` holds each id once."""
    for position, exhibit_id in enumerate(order, start=1):
        own = (exhibits.c.case_id == case_id) & (exhibits.c.id == exhibit_id)
        connection.execute(update(exhibits).where(own).values(position=position))


def remove_exhibit(connection: Connection, exhibit_id: str) -> None:
    """Take an exhibit out of its case."""
    connection.execute(delete(exhibits).where(exhibits.c.id == exhibit_id))


def _case(row: Mapping[Any, Any]) -> Case:
    made = {"state": CaseState(row["state"]), "created_at": parse_iso(row["created_at"])}
    return Case(**{name: row[name] for name in Case.__slots__} | made)


def _exhibit(row: Mapping[Any, Any]) -> Exhibit:
    made = {
        "kind": ExhibitKind(row["kind"]),
        "added_at": parse_iso(row["added_at"]),
        "about": json.loads(row["about"]),
    }
    return Exhibit(**{name: row[name] for name in Exhibit.__slots__} | made)
