"""A synthetic archive for measuring search at scale: sentences put together from parts, their vectors perturbed.

Some ten thousand different sentences are embedded, common words in many of them and rare ones in few; every utterance
says one of them with another beginning and end, and carries its vector turned by random noise, about as far as one way
of saying it lies from the next. Vectors of real sentences crowd together as those of random numbers do not, which is
what makes neighbours hard to tell apart. Writing goes on where an earlier run was interrupted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
import yaml
from sqlalchemy import Connection, insert

from core.clock import iso, plus_ms
from core.records import Epoch, ModelIdentity, Stream, Word
from core.shapes import Json
from index.grams import index_text
from index.hearing import load_reader
from models.embedding import Embedder, Matrix
from store.codec import dump_words
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
BASE = "sentences.npy"
_EMBEDDED_AT_ONCE = 500
_CHAR_MS = 150
# Shares of what is said: small talk, an effect after a time at a place, else a claim of the list.
_TALK, _EFFECT = 0.4, 0.3


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    letters: str
    sounds: str
    concepts: tuple[str, ...]


def sentences(count: int) -> list[str]:
    """Different sentences, the same for the same ``count``."""
    random = np.random.default_rng(7)
    found: dict[str, None] = {}
    while len(found) < count:
        found.setdefault(_sentence(random))
    return list(found)


def questions(count: int, seed: int) -> list[str]:
    """Different things that somebody might look for, some of which were said."""
    random = np.random.default_rng(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        parts = ("times", "parts", "effects") if random.random() < 0.5 else ("goods", "claims")
        found.setdefault("".join(_drawn(part, random) for part in parts[int(random.integers(0, 2)) :]))
    return list(found)


def _sentence(random: np.random.Generator) -> str:
    kind = random.random()
    good = _drawn("goods", random)
    if kind < _TALK:
        said = _drawn("talk", random).replace("{g}", good)
    else:
        claim = "".join(_drawn(part, random) for part in ("times", "parts", "effects"))
        if kind >= _TALK + _EFFECT:
            claim = _drawn("claims", random)
        said = _drawn("ways", random).format(g=good, c=claim)
    while "{n}" in said:
        said = said.replace("{n}", str(int(random.integers(2, 400))), 1)
    return said


def _drawn(part: str, random: np.random.Generator) -> str:
    """One of the entries of a part, the first ones more often."""
    entries = _parts()[part]
    return entries[int(len(entries) * random.random() ** 1.5)]


def fill(database: Database, embedder: Embedder, count: int, different: int) -> Iterator[tuple[str, int, int]]:
    """Write utterances until there are ``count``, with all that search needs.

    Yields the step (sentences, archive), how much of it is done, out of how much.
    """
    said = sentences(different)
    base = np.zeros((0, embedder.dim), dtype=np.float32)
    for base in _embedded(database.path.with_name(f"{different}-{BASE}"), embedder, said):
        yield "sentences", len(base), different
    pieces = [_piece(text) for text in said]
    begins, ends = ([_piece(text) for text in _parts()[part]] for part in ("before", "after"))
    for first in range(_written(database), count, BLOCK):
        size = min(BLOCK, count - first)
        random = np.random.default_rng([11, first])
        chosen = random.integers(0, len(said), size)
        around = random.integers(0, (len(begins), len(ends)), (size, 2))
        parts = [(begins[a], pieces[i], ends[z]) for i, (a, z) in zip(chosen.tolist(), around.tolist(), strict=True)]
        _write(database, embedder.identity, first, parts, perturbed(base[chosen], random))
        yield "archive", first + size, count


def _embedded(path: Path, embedder: Embedder, said: Sequence[str]) -> Iterator[Matrix]:
    """The vectors of the sentences, more at each step; kept beside the database for the next run."""
    base: Matrix = np.load(path) if path.is_file() else np.zeros((0, embedder.dim), dtype=np.float32)
    yield base
    for first in range(len(base), len(said), _EMBEDDED_AT_ONCE):
        base = np.concatenate([base, embedder.embed(said[first : first + _EMBEDDED_AT_ONCE], "passage")])
        np.save(path, base)
        yield base


def perturbed(matrix: Matrix, random: np.random.Generator) -> Matrix:
    """The rows turned by noise whose length is `NOISE` of theirs away from what all rows have in common."""
    common = matrix.mean(axis=0)
    spread = np.linalg.norm(matrix - common, axis=1, keepdims=True)
    noise = random.normal(size=matrix.shape).astype(np.float32)
    noise *= NOISE * spread / np.linalg.norm(noise, axis=1, keepdims=True)
    turned = matrix + noise
    result: Matrix = turned / np.linalg.norm(turned, axis=1, keepdims=True)
    return result


@lru_cache(maxsize=1)
def _parts() -> dict[str, list[str]]:
    parts: dict[str, list[str]] = yaml.safe_load(PARTS.read_text(encoding="utf-8"))
    return parts


def _piece(text: str) -> _Piece:
    letters, sounds = index_text(text)
    return _Piece(text, " ".join(letters), " ".join(sounds), load_reader().read(text).concepts)


def _written(database: Database) -> int:
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT coalesce(max(id), 0) FROM utterances").scalar_one())


def _write(
    database: Database, model: ModelIdentity, first: int, parts: Sequence[tuple[_Piece, ...]], matrix: Matrix
) -> None:
    heard_by, version = ModelIdentity("bench", ""), load_reader().version
    with database.write() as connection:
        _open_streams(connection, first, len(parts))
        rows: list[Json] = []
        grams, read, stored = [], [], []
        for place, (said, vector) in enumerate(zip(parts, matrix, strict=True), first + 1):
            rows.append(_row(place, "，".join(piece.text for piece in said), heard_by))
            letters, sounds = (" ".join(getattr(piece, way) for piece in said) for way in ("letters", "sounds"))
            grams.append((place, letters, sounds))
            names = " ".join(dict.fromkeys(name for piece in said for name in piece.concepts))
            read.append({"utterance_id": place, "version": version, "repaired": "", "concepts": names})
            body = vector.astype("<f4").tobytes()
            stored.append({"utterance_id": place, "model_sha256": model.sha256, "vector": body})
        connection.execute(insert(utterances), rows)
        connection.execute(insert(readings), read)
        connection.exec_driver_sql("INSERT INTO postings(rowid, letters, sounds) VALUES (?, ?, ?)", grams)
        connection.execute(insert(vectors), stored)


def _open_streams(connection: Connection, first: int, count: int) -> None:
    for number in range(first // PER_STREAM, (first + count - 1) // PER_STREAM + 1):
        began = plus_ms(BEGIN, number * PER_STREAM * EVERY_MS)
        open_stream(connection, Stream(_stream(number), "bench", shop=_shop(number), created_at=began))
        put_epoch(connection, Epoch(_stream(number), 0, 0, began, "bench"))


def _row(place: int, text: str, model: ModelIdentity) -> Json:
    number, within = divmod(place - 1, PER_STREAM)
    start, wall = within * EVERY_MS, plus_ms(BEGIN, (place - 1) * EVERY_MS)
    words = [Word(c, start + i * _CHAR_MS, start + (i + 1) * _CHAR_MS, 0.9) for i, c in enumerate(text) if c.isalnum()]
    return {
        "id": place,
        "stream": _stream(number),
        "epoch": 0,
        "start_ms": start,
        "end_ms": start + EVERY_MS,
        "text": text,
        "words": dump_words(tuple(words)),
        "model_name": model.name,
        "model_sha256": model.sha256,
        "wall_start": iso(wall),
        "flags": "",
    }


def middle(count: int) -> tuple[str, str]:
    """A stream and a shop in the middle of an archive of ``count`` utterances."""
    number = count // PER_STREAM // 2
    return _stream(number), _shop(number)


def _stream(number: int) -> str:
    return f"stream-{number:05d}"


def _shop(number: int) -> str:
    return f"shop-{number // STREAMS_PER_SHOP:04d}"
