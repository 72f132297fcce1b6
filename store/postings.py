"""Postings: SQLite full text over letter and sound 1+2-grams; rowid is the utterance's id."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

_INSERT = text("INSERT OR REPLACE INTO postings(rowid, letters, sounds) VALUES (:id, :letters, :sounds)")
_MATCH = text(
    "SELECT rowid, bm25(postings) AS score FROM postings WHERE postings MATCH :query ORDER BY score LIMIT :limit"
)


def add_postings(connection: Connection, utterance_id: int, letters: Sequence[str], sounds: Sequence[str]) -> None:
    """Store the grams of one utterance."""
    row = {"id": utterance_id, "letters": " ".join(letters), "sounds": " ".join(sounds)}
    connection.execute(_INSERT, row)


def match_postings(connection: Connection, column: str, grams: Sequence[str], limit: int) -> list[tuple[int, float]]:
    """``(utterance id, score)`` of the best matches of any of ``grams`` by BM25, higher is better."""
    if not grams:
        return []
    if column not in ("letters", "sounds"):
        raise ValueError(f"no such column: {column}")
    terms = " OR ".join('"' + gram.replace('"', '""') + '"' for gram in dict.fromkeys(grams))
    rows = connection.execute(_MATCH, {"query": f"{{{column}}} : ({terms})", "limit": limit})
    return [(int(row.rowid), -float(row.score)) for row in rows]
