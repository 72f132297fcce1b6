"""Vectors: one per utterance and embedding model, as little-endian float32, numbered in order of writing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, and_, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from core.clock import parse_iso
from core.records import Utterance
from store.saved_searches import forget_matches
from store.tables import alerts, index_removals, utterances, vectors
from store.utterances import get_utterances

Matrix = NDArray[np.float32]


def add_vectors(connection: Connection, model_sha256: str, ids: Sequence[int], matrix: Matrix) -> None:
    """Store one row of ``matrix`` (n, dim) for each utterance id; ids that are no longer stored are left out."""
    known = set(connection.execute(select(utterances.c.id).where(utterances.c.id.in_(map(int, ids)))).scalars())
    rows = [
        {"utterance_id": int(i), "model_sha256": model_sha256, "vector": np.asarray(v, dtype="<f4").tobytes()}
        for i, v in zip(ids, matrix, strict=True)
        if int(i) in known
    ]
    if rows:
        connection.execute(insert(vectors).on_conflict_do_nothing(), rows)


def vectors_after(
    connection: Connection, model_sha256: str, number: int, *, block: int = 10_000
) -> tuple[int, list[int], Matrix | None]:
    """The next block in order of writing: ``(last number, ids, matrix)``; no ids and ``None`` at the end.

    Numbers count up as vectors are written, whatever their utterance, and none is used twice, so that a reader
    that remembers the last one sees everything that other processes add.
    """
    query = (
        select(vectors.c.number, vectors.c.utterance_id, vectors.c.vector)
        .where(vectors.c.number > number, vectors.c.model_sha256 == model_sha256)
        .order_by(vectors.c.number)
        .limit(block)
    )
    found = connection.execute(query).all()
    if not found:  # those of other models are not looked at again
        last = connection.execute(select(func.max(vectors.c.number))).scalar_one()
        return max(number, last or 0), [], None
    matrix = np.frombuffer(b"".join(r.vector for r in found), dtype="<f4").reshape(len(found), -1)
    return int(found[-1].number), [int(r.utterance_id) for r in found], matrix


_NEWS = (
    "SELECT EXISTS (SELECT 1 FROM utterances WHERE id > ?) OR EXISTS (SELECT 1 FROM vectors WHERE number > ?)"
    " OR EXISTS (SELECT 1 FROM index_removals WHERE number > ?)"
)


def anything_new(connection: Connection, utterance_id: int, vector: int, removal: int) -> bool:
    """Whether there is an utterance, vector or removal after these numbers; asked before every search."""
    return bool(connection.exec_driver_sql(_NEWS, (utterance_id, vector, removal)).scalar_one())


def vectors_of(connection: Connection, model_sha256: str, ids: Sequence[int]) -> tuple[list[int], Matrix]:
    """Vectors of one model for those of ``ids`` (at most 500) that have one, exact as they were made."""
    query = select(vectors.c.utterance_id, vectors.c.vector).where(
        vectors.c.model_sha256 == model_sha256, vectors.c.utterance_id.in_(map(int, ids))
    )
    found = connection.execute(query).all()
    matrix = np.frombuffer(b"".join(r.vector for r in found), dtype="<f4").reshape(len(found), -1)
    return [int(r.utterance_id) for r in found], matrix


def pending_utterances(connection: Connection, model_sha256: str, *, limit: int, after_id: int = 0) -> list[Utterance]:
    """Utterances after ``after_id`` that have no vector of this model yet, oldest first."""
    joined = utterances.outerjoin(
        vectors, and_(vectors.c.utterance_id == utterances.c.id, vectors.c.model_sha256 == model_sha256)
    )
    query = (
        select(utterances.c.id)
        .select_from(joined)
        .where(vectors.c.utterance_id.is_(None), utterances.c.id > after_id)
        .order_by(utterances.c.id)
        .limit(limit)
    )
    ids = [int(i) for i in connection.execute(query).scalars()]
    found = get_utterances(connection, ids)
    return [found[i] for i in ids]


def lacks_vector(connection: Connection, model_sha256: str, utterance_id: int) -> bool:
    """Whether the utterance is there and its vector of this model is not."""
    joined = utterances.outerjoin(
        vectors, and_(vectors.c.utterance_id == utterances.c.id, vectors.c.model_sha256 == model_sha256)
    )
    query = select(utterances.c.id).select_from(joined)
    query = query.where(utterances.c.id == utterance_id, vectors.c.utterance_id.is_(None))
    return connection.execute(query).first() is not None


@dataclass(frozen=True, slots=True)
class Awaiting:
    """How many utterances stand after the last one that has a vector, and when the first of these began to be said."""

    utterances: int
    since: datetime | None


def awaiting_vectors(connection: Connection, model_sha256: str = "") -> Awaiting:
    """The queue of the embedder: it goes by id, so that a look at the end tells; of the newest model unless named."""
    newest = select(vectors.c.model_sha256).order_by(vectors.c.number.desc()).limit(1)
    model = model_sha256 or connection.execute(newest).scalar_one_or_none() or ""
    last = (
        select(vectors.c.utterance_id)
        .where(vectors.c.model_sha256 == model)
        .order_by(vectors.c.utterance_id.desc())
        .limit(1)
    )
    after = connection.execute(last).scalar_one_or_none() or 0
    count, since = connection.execute(
        select(func.count(), func.min(utterances.c.wall_start)).where(utterances.c.id > after)
    ).one()
    return Awaiting(int(count), parse_iso(since) if since else None)


def count_vectors(connection: Connection, model_sha256: str) -> int:
    """Vectors stored for one model."""
    query = select(func.count()).select_from(vectors).where(vectors.c.model_sha256 == model_sha256)
    return int(connection.execute(query).scalar_one())


def vector_models(connection: Connection) -> dict[str, int]:
    """Sha256 of each model that vectors are stored of, and how many."""
    query = select(vectors.c.model_sha256, func.count()).group_by(vectors.c.model_sha256)
    return {str(model): int(count) for model, count in connection.execute(query)}


def drop_vectors(connection: Connection, model_sha256: str) -> int:
    """Delete all vectors of one model; how many those were."""
    return connection.execute(delete(vectors).where(vectors.c.model_sha256 == model_sha256)).rowcount


def removals_after(connection: Connection, number: int) -> tuple[int, list[int]]:
    """Utterances deleted since removal ``number``, and the number of the last one."""
    query = select(index_removals).where(index_removals.c.number > number).order_by(index_removals.c.number)
    rows = connection.execute(query).all()
    return (int(rows[-1].number) if rows else number), [int(row.utterance_id) for row in rows]


def forget_utterances(connection: Connection, ids: Sequence[int]) -> None:
    """Delete utterances with all that search holds of them (a trigger takes vectors, readings and postings).

    Alerts that were raised by them stay, with the words they quote, and point at no utterance any more. What saved
    searches found in them goes, and what was told of it.
    """
    forget_matches(connection, ids)
    for first in range(0, len(ids), 500):
        block = [int(i) for i in ids[first : first + 500]]
        connection.execute(update(alerts).where(alerts.c.utterance_id.in_(block)).values(utterance_id=None))
        connection.execute(delete(utterances).where(utterances.c.id.in_(block)))


def drop_misshapen(connection: Connection, model_sha256: str, dim: int) -> int:
    """Delete vectors of one model that are not ``dim`` numbers long; how many those were."""
    wrong = and_(vectors.c.model_sha256 == model_sha256, func.length(vectors.c.vector) != 4 * dim)
    return connection.execute(delete(vectors).where(wrong)).rowcount


def count_misshapen(connection: Connection, model_sha256: str, dim: int) -> int:
    """Vectors of one model that are not ``dim`` numbers long."""
    wrong = and_(vectors.c.model_sha256 == model_sha256, func.length(vectors.c.vector) != 4 * dim)
    return int(connection.execute(select(func.count()).select_from(vectors).where(wrong)).scalar_one())
