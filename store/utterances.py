"""Utterances: final text with words, unique by (stream, epoch, start)."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.dialects.sqlite import insert

from core.clock import iso, parse_iso
from core.records import ModelIdentity, Utterance
from store.codec import dump_words, load_words
from store.tables import utterances

# Asked with every search: plain SQL is not put together anew each time.
_BY_ID = (
    "SELECT id, stream, epoch, start_ms, end_ms, text, words, model_name, model_sha256, wall_start, flags"
    " FROM utterances WHERE id IN (SELECT value FROM json_each(?))"
)


def _record(row: RowMapping) -> Utterance:
    fields: dict[str, Any] = {k: v for k, v in row.items() if not k.startswith("model_")}
    fields["words"] = load_words(row["words"])
    fields["flags"] = tuple(filter(None, row["flags"].split(" ")))
    fields["wall_start"] = parse_iso(row["wall_start"])
    return Utterance(model=ModelIdentity(row["model_name"], row["model_sha256"]), **fields)


def add_utterance(connection: Connection, utterance: Utterance) -> int | None:
    """Insert and return the new id; ``None`` when this utterance is already stored."""
    row = {
        "stream": utterance.stream,
        "epoch": utterance.epoch,
        "start_ms": utterance.start_ms,
        "end_ms": utterance.end_ms,
        "text": utterance.text,
        "words": dump_words(utterance.words),
        "model_name": utterance.model.name,
        "model_sha256": utterance.model.sha256,
        "wall_start": iso(utterance.wall_start),
        "flags": " ".join(utterance.flags),
    }
    statement = insert(utterances).values(row).on_conflict_do_nothing().returning(utterances.c.id)
    return connection.execute(statement).scalar_one_or_none()


def get_utterances(connection: Connection, ids: Sequence[int]) -> dict[int, Utterance]:
    """Utterances by id; unknown ids are left out."""
    rows = connection.exec_driver_sql(_BY_ID, (json.dumps([int(i) for i in ids]),))
    return {row["id"]: _record(row) for row in rows.mappings().all()}


def list_utterances(
    connection: Connection, stream: str, *, start_ms: int = 0, end_ms: int | None = None, limit: int = 1000
) -> list[Utterance]:
    """Utterances of a stream that overlap ``[start_ms, end_ms)``, in order of time."""
    query = select(utterances).where(utterances.c.stream == stream, utterances.c.end_ms > start_ms)
    if end_ms is not None:
        query = query.where(utterances.c.start_ms < end_ms)
    query = query.order_by(utterances.c.start_ms, utterances.c.id).limit(limit)
    return [_record(row) for row in connection.execute(query).mappings()]


def previous_utterance(connection: Connection, utterance: Utterance) -> Utterance | None:
    """The utterance stored before ``utterance`` in its stream."""
    earlier = (utterances.c.stream == utterance.stream) & (utterances.c.id < utterance.id)
    query = select(utterances).where(earlier).order_by(utterances.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return _record(row) if row else None


def utterances_after(connection: Connection, after_id: int, limit: int) -> list[Utterance]:
    """Utterances in order of insertion, from the one after ``after_id``."""
    query = select(utterances).where(utterances.c.id > after_id).order_by(utterances.c.id).limit(limit)
    return [_record(row) for row in connection.execute(query).mappings()]
