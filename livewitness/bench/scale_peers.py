"""What people would use instead, over the same archive: SQLite's FTS5, sqlite-vec, LanceDB.

FTS5 reads the postings that stand in the archive anyway. The others get the same vectors into files of their own beside
it, kept with the archive; they run where they are installed.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from index.grams import index_text
from models.embedding import Matrix
from store.engine import Database
from store.postings import match_postings
from store.vectors import vectors_after

NEIGHBOURS = 10
_RRF_K = 60
Search = Callable[[str, Matrix], object]
Told = Callable[[str], None]


def peers(database: Database, model: str, tell: Told) -> dict[str, Search]:
    """Searches by query and its vector, by name of the engine; ``tell`` hears what is missing."""

    def letters(query: str, _vector: Matrix) -> list[int]:
        with database.read() as connection:
            return [i for i, _ in match_postings(connection, "letters", index_text(query)[0], 4 * NEIGHBOURS)]

    found: dict[str, Search] = {"SQLite FTS5, letters": letters}
    if _installed("sqlite_vec", "sqlite-vec", tell) and _installed("apsw", "apsw", tell):
        nearest = _sqlite_vec(database, model)
        found["sqlite-vec, vectors"] = nearest
        found["FTS5 + sqlite-vec by equal ranks"] = lambda query, vector: fused(
            letters(query, vector), nearest(query, vector)
        )
    if _installed("lancedb", "lancedb", tell):
        found["LanceDB, vectors, flat"] = _lance(database, model)
    return found


def fused(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Reciprocal-rank fusion with equal weights (Cormack, Clarke and Büttcher, 2009)."""
    scores: dict[int, float] = {}
    for found in (one, other):
        for rank, identifier in enumerate(found, start=1):
            scores[identifier] = scores.get(identifier, 0.0) + 1 / (_RRF_K + rank)
    return sorted(scores, key=lambda identifier: (-scores[identifier], identifier))[:NEIGHBOURS]


def _installed(module: str, package: str, tell: Told) -> bool:
    if importlib.util.find_spec(module) is not None:
        return True
    tell(f"{package} is not installed: pip install {package}")
    return False


def blocks(database: Database, model: str) -> Iterator[tuple[list[int], Matrix]]:
    """Ids and vectors of a model in order of writing, in blocks."""
    number = 0
    with database.read() as connection:
        while True:
            number, ids, matrix = vectors_after(connection, model, number)
            if matrix is None:
                return
            yield ids, matrix


def _sqlite_vec(database: Database, model: str) -> Callable[[str, Matrix], list[int]]:
    """Through apsw: not every Python lets SQLite load extensions."""
    path = database.path.with_name("sqlite-vec.db")
    made = path.exists()
    connection: Any = importlib.import_module("apsw").Connection(str(path))
    connection.enable_load_extension(True)
    connection.load_extension(importlib.import_module("sqlite_vec").loadable_path())
    for ids, matrix in () if made else blocks(database, model):
        connection.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS said USING vec0"
            f"(id integer primary key, vector float[{matrix.shape[1]}] distance_metric=cosine)"
        )
        with connection:
            rows = [(i, row.tobytes()) for i, row in zip(ids, matrix, strict=True)]
            connection.executemany("INSERT INTO said(id, vector) VALUES (?, ?)", rows)

    def nearest(_query: str, vector: Matrix) -> list[int]:
        asked = (vector.astype("<f4").tobytes(), 4 * NEIGHBOURS)
        return [int(row[0]) for row in connection.execute("SELECT id FROM said WHERE vector MATCH ? AND k = ?", asked)]

    return nearest


def _lance(database: Database, model: str) -> Search:
    """All vectors in a LanceDB table without an approximate index."""
    lancedb, pyarrow = importlib.import_module("lancedb"), importlib.import_module("pyarrow")
    folder = database.path.with_name("lance")
    made = Path(folder).exists()
    home = lancedb.connect(str(folder))
    table: Any = home.open_table("vectors") if made else None
    for ids, matrix in () if made else blocks(database, model):
        flat = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(matrix.ravel()), matrix.shape[1])
        block = pyarrow.table({"id": ids, "vector": flat})
        if table is None:
            table = home.create_table("vectors", block)
        else:
            table.add(block)
    return lambda _query, vector: table.search(vector).distance_type("cosine").limit(NEIGHBOURS).to_list()
