"""Readings: how search understands an utterance, beside the text as heard."""

import json
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.sqlite import insert

from store.tables import readings, utterances


@dataclass(frozen=True, slots=True)
class Reading:
    """``repaired``: the text with mis-heard words put right, empty when it was heard right; ``concepts``: names."""

    repaired: str
    concepts: tuple[str, ...]


class Indexed(NamedTuple):
    """What is indexed of one utterance: its place, its grams as they stand in the postings, its concepts.

    ``text`` is filled only where ``concepts`` is None: no reading of the wanted version is stored.
    """

    id: int
    stream: str
    start_ms: int
    end_ms: int
    wall_start: str
    letters: str
    sounds: str
    concepts: tuple[str, ...] | None
    text: str


def put_reading(connection: Connection, utterance_id: int, version: str, reading: Reading) -> None:
    """Store or replace the reading of an utterance by one version of the tables."""
    row = {"version": version, "repaired": reading.repaired, "concepts": " ".join(reading.concepts)}
    statement = insert(readings).values(utterance_id=utterance_id, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["utterance_id"], set_=row))


def get_readings(connection: Connection, version: str, ids: list[int]) -> dict[int, Reading]:
    """Readings of that version by utterance id; those there are none of are left out."""
    query = select(readings).where(readings.c.version == version, readings.c.utterance_id.in_(ids))
    return {
        int(row.utterance_id): Reading(row.repaired, tuple(row.concepts.split())) for row in connection.execute(query)
    }


def stale_readings(connection: Connection, version: str, limit: int, after_id: int = 0) -> list[tuple[int, str]]:
    """``(id, text)`` of utterances whose reading is missing or of another version, in order of id."""
    joined = utterances.outerjoin(readings, readings.c.utterance_id == utterances.c.id)
    query = (
        select(utterances.c.id, utterances.c.text)
        .select_from(joined)
        .where(utterances.c.id > after_id, readings.c.version.is_distinct_from(version))
        .order_by(utterances.c.id)
        .limit(limit)
    )
    return [(int(row.id), str(row.text)) for row in connection.execute(query)]


# Asked several times with every search: plain SQL is not put together anew each time.
_TEXTS = (
    "SELECT u.id, u.text, r.repaired FROM utterances u"
    " LEFT JOIN readings r ON r.utterance_id = u.id AND r.version = ? WHERE u.id IN (SELECT value FROM json_each(?))"
)


def get_texts(connection: Connection, version: str, ids: list[int]) -> dict[int, tuple[str, str]]:
    """``(text, repaired text or "")`` by utterance id: what a search compares, without words and times."""
    rows = connection.exec_driver_sql(_TEXTS, (version, json.dumps(ids)))
    return {identifier: (said, repaired or "") for identifier, said, repaired in rows.all()}


_INDEXED = text(
    "SELECT u.id, u.stream, u.start_ms, u.end_ms, u.wall_start, p.letters, p.sounds, r.concepts,"
    " CASE WHEN r.version = :version THEN '' ELSE u.text END AS text"
    " FROM utterances u LEFT JOIN postings p ON p.rowid = u.id LEFT JOIN readings r ON r.utterance_id = u.id"
    " WHERE u.id > :after ORDER BY u.id LIMIT :block"
)


def indexed_after(connection: Connection, version: str, after_id: int, block: int = 10_000) -> list[Indexed]:
    """The next utterances in order of id with what is indexed of them; ``concepts`` is None without a reading."""
    rows = connection.execute(_INDEXED, {"after": after_id, "block": block, "version": version})
    return [
        Indexed(i, stream, start, end, wall, letters or "", sounds or "", None if said else _names(concepts), said)
        for i, stream, start, end, wall, letters, sounds, concepts, said in rows.all()
    ]


def _names(concepts: str | None) -> tuple[str, ...]:
    return tuple((concepts or "").split())


def count_readings(connection: Connection, version: str) -> int:
    """Utterances that have a reading of that version."""
    query = select(func.count()).select_from(readings).where(readings.c.version == version)
    return int(connection.execute(query).scalar_one())
