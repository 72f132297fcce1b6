"""A synthetic archive for measuring search at scale: sentences put together from parts, their vectors perturbed.

A few thousand sentences are embedded; every utterance says one of them with another beginning and end, and carries
its vector turned by random noise, about as far as one way of saying it lies from the next. Vectors of real sentences
crowd together as those of random numbers do not, which is what makes neighbours hard to tell apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import yaml
from sqlalchemy import insert

from core.clock import iso, plus_ms
from core.records import Epoch, ModelIdentity, Stream
from core.shapes import Json
from index.grams import index_text
from index.hearing import load_reader
from models.embedding import Embedder, Matrix
from store.engine import Database
from store.recordings import put_epoch
from store.streams import open_stream
from store.tables import readings, utterances, vectors

EVERY_MS = 5_000
PER_STREAM = 2_880  # four hours
STREAMS_PER_SHOP = 5
NOISE = 0.6
BLOCK = 20_000
BEGIN = datetime(2025, 11, 12, tzinfo=UTC)
PARTS = Path(__file__).with_name("archive.yaml")


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    letters: str
    sounds: str
    concepts: tuple[str, ...]


def sentences(count: int) -> list[str]:
    """Different sentences, the same for the same ``count``."""
    parts = _parts()
    every = [
        way.format(g=good, c=claim) for good in parts["goods"] for claim in parts["claims"] for way in parts["ways"]
    ]
    chosen = np.random.default_rng(7).permutation(len(every))[:count]
    return [every[i] for i in chosen]


def fill(database: Database, embedder: Embedder, count: int, different: int) -> Iterator[int]:
    """Write ``count`` utterances of ``different`` sentences with all that search needs; yields how many stand."""
    said = sentences(different)
    base = embedder.embed(said, "passage")
    pieces = [_piece(text) for text in said]
    begins, ends = [_piece(text) for text in _parts()["before"]], [_piece(text) for text in _parts()["after"]]
    random = np.random.default_rng(11)
    for first in range(0, count, BLOCK):
        size = min(BLOCK, count - first)
        chosen = random.integers(0, len(said), size)
        parts = [
            (begins[int(a)], pieces[int(i)], ends[int(z)])
            for a, i, z in zip(
                random.integers(0, len(begins), size), chosen, random.integers(0, len(ends), size), strict=True
            )
        ]
        _write(database, embedder.identity, first, parts, perturbed(base[chosen], random))
        yield first + size


def perturbed(matrix: Matrix, random: np.random.Generator) -> Matrix:
    """The rows turned by noise whose length is `NOISE` of theirs away from what all rows have in common."""
    common = matrix.mean(axis=0)
    spread = np.linalg.norm(matrix - common, axis=1, keepdims=True)
    noise = random.normal(size=matrix.shape).astype(np.float32)
    noise *= NOISE * spread / np.linalg.norm(noise, axis=1, keepdims=True)
    turned = matrix + noise
    result: Matrix = turned / np.linalg.norm(turned, axis=1, keepdims=True)
    return result


def _parts() -> dict[str, list[str]]:
    parts: dict[str, list[str]] = yaml.safe_load(PARTS.read_text(encoding="utf-8"))
    return parts


def _piece(text: str) -> _Piece:
    letters, sounds = index_text(text)
    return _Piece(text, " ".join(letters), " ".join(sounds), load_reader().read(text).concepts)


def _write(
    database: Database, model: ModelIdentity, first: int, parts: Sequence[tuple[_Piece, ...]], matrix: Matrix
) -> None:
    heard_by = ModelIdentity("bench", "")
    with database.write() as connection:
        for number in range(first // PER_STREAM, (first + len(parts) - 1) // PER_STREAM + 1):
            began = plus_ms(BEGIN, number * PER_STREAM * EVERY_MS)
            open_stream(connection, Stream(_stream(number), "bench", shop=_shop(number), created_at=began))
            put_epoch(connection, Epoch(_stream(number), 0, 0, began, "bench"))
        rows: list[Json] = []
        grams, read = [], []
        for place, said in enumerate(parts, first + 1):
            rows.append(_row(place, "，".join(piece.text for piece in said), heard_by))
            letters, sounds = (" ".join(getattr(piece, way) for piece in said) for way in ("letters", "sounds"))
            grams.append((place, letters, sounds))
            names = dict.fromkeys(name for piece in said for name in piece.concepts)
            read.append(
                {
                    "utterance_id": place,
                    "version": load_reader().version,
                    "repaired": "",
                    "concepts": " ".join(names),
                }
            )
        connection.execute(insert(utterances), rows)
        connection.execute(insert(readings), read)
        connection.exec_driver_sql("INSERT INTO postings(rowid, letters, sounds) VALUES (?, ?, ?)", grams)
        stored = [
            {"utterance_id": place, "model_sha256": model.sha256, "vector": row.astype("<f4").tobytes()}
            for place, row in enumerate(matrix, first + 1)
        ]
        connection.execute(insert(vectors), stored)


def _row(place: int, text: str, model: ModelIdentity) -> Json:
    number, within = divmod(place - 1, PER_STREAM)
    wall = plus_ms(BEGIN, (place - 1) * EVERY_MS)
    return {
        "id": place,
        "stream": _stream(number),
        "epoch": 0,
        "start_ms": within * EVERY_MS,
        "end_ms": within * EVERY_MS + EVERY_MS,
        "text": text,
        "words": "[]",
        "model_name": model.name,
        "model_sha256": model.sha256,
        "wall_start": iso(wall),
        "flags": "",
    }


def _stream(number: int) -> str:
    return f"stream-{number:05d}"


def _shop(number: int) -> str:
    return f"shop-{number // STREAMS_PER_SHOP:04d}"
