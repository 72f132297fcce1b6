"""Vectors: one per utterance and embedding model, as little-endian float32."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Integer, Label, and_, func, literal_column, select
from sqlalchemy.dialects.sqlite import insert

from core.records import Utterance
from store.tables import utterances, vectors
from store.utterances import get_utterances

Matrix = NDArray[np.float32]


def add_vectors(connection: Connection, model_sha256: str, ids: Sequence[int], matrix: Matrix) -> None:
    """Store one row of ``matrix`` (n, dim) for each utterance id."""
    rows = [
        {"utterance_id": int(i), "model_sha256": model_sha256, "vector": np.asarray(v, dtype="<f4").tobytes()}
        for i, v in zip(ids, matrix, strict=True)
    ]
    if rows:
        connection.execute(insert(vectors).on_conflict_do_nothing(), rows)


def iterate_vectors(
    connection: Connection, model_sha256: str, *, after_id: int = 0, block: int = 10_000
) -> Iterator[tuple[list[int], Matrix]]:
    """Blocks of (ids, matrix) of one model in order of id."""
    while True:
        query = (
            select(vectors.c.utterance_id, vectors.c.vector)
            .where(vectors.c.model_sha256 == model_sha256, vectors.c.utterance_id > after_id)
            .order_by(vectors.c.utterance_id)
            .limit(block)
        )
        rows = connection.execute(query).all()
        if not rows:
            return
        ids = [int(row.utterance_id) for row in rows]
        yield ids, np.stack([np.frombuffer(row.vector, dtype="<f4") for row in rows])
        after_id = ids[-1]


def vectors_after(
    connection: Connection, model_sha256: str, row: int, *, block: int = 10_000
) -> tuple[int, list[int], Matrix | None]:
    """The next block in order of writing: ``(last row, ids, matrix)``; no ids and ``None`` at the end.

    Rows count up as vectors are written, whatever their utterance, so that a reader that remembers the
    last row sees everything that other processes add.
    """
    number: Label[int] = literal_column("vectors.rowid", Integer).label("number")
    query = (
        select(number, vectors.c.utterance_id, vectors.c.vector)
        .where(number > row, vectors.c.model_sha256 == model_sha256)
        .order_by(number)
        .limit(block)
    )
    found = connection.execute(query).all()
    if not found:
        return row, [], None
    matrix = np.stack([np.frombuffer(r.vector, dtype="<f4") for r in found])
    return int(found[-1].number), [int(r.utterance_id) for r in found], matrix


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


def count_vectors(connection: Connection, model_sha256: str) -> int:
    """Vectors stored for one model."""
    query = select(func.count()).select_from(vectors).where(vectors.c.model_sha256 == model_sha256)
    return int(connection.execute(query).scalar_one())
