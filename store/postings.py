"""Postings: SQLite full text over letter and sound 1+2-grams; rowid is the utterance's id."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnClause, Connection, Float, Integer, Label, literal_column, select, text
from sqlalchemy.exc import DatabaseError

from store.scope import Scope, scope_condition
from store.tables import utterances

_INSERT = text("INSERT OR REPLACE INTO postings(rowid, letters, sounds) VALUES (:id, :letters, :sounds)")


def add_postings(connection: Connection, utterance_id: int, letters: Sequence[str], sounds: Sequence[str]) -> None:
    """Store the grams of one utterance."""
    row = {"id": utterance_id, "letters": " ".join(letters), "sounds": " ".join(sounds)}
    connection.execute(_INSERT, row)


def match_postings(
    connection: Connection, column: str, grams: Sequence[str], limit: int, scope: Scope | None = None
) -> list[tuple[int, float]]:
    """``(utterance id, score)`` of the best matches of any of ``grams`` by BM25, higher is better.

    A gram with spaces is a run: its parts must stand next to each other in this order.
    """
    if not grams:
        return []
    if column not in ("letters", "sounds"):
        raise ValueError(f"no such column: {column}")
    terms = " OR ".join('"' + gram.replace('"', '""') + '"' for gram in dict.fromkeys(grams))
    rowid: ColumnClause[int] = literal_column("rowid", Integer)
    score: Label[float] = literal_column("bm25(postings)", Float).label("score")
    query = select(rowid.label("id"), score).select_from(text("postings")).where(text("postings MATCH :terms"))
    if scope is not None and not scope.everything:
        # The plus keeps SQLite from running the match anew for every id of the scope: seconds instead of ms.
        unindexed: ColumnClause[int] = literal_column("+rowid", Integer)
        query = query.where(unindexed.in_(select(utterances.c.id).where(scope_condition(scope))))
    rows = connection.execute(query.order_by(score).limit(limit), {"terms": f"{{{column}}} : ({terms})"})
    return [(int(row.id), -float(row.score)) for row in rows]


def ids_with_letter(connection: Connection, letter: str) -> list[int]:
    """Every utterance in whose letters ``letter`` stands, in order."""
    query = text("SELECT rowid FROM postings WHERE postings MATCH :term ORDER BY rowid")
    escaped = letter.replace('"', '""')
    return list(connection.execute(query, {"term": f'{{letters}} : "{escaped}"'}).scalars())


@dataclass(frozen=True, slots=True)
class PostingFaults:
    """Utterances without postings, postings without an utterance, and whether the full-text index is sound."""

    missing: int
    orphans: int
    sound: bool


def check_postings(connection: Connection) -> PostingFaults:
    """Compare the full-text index with the utterances; needs a connection that may write."""
    missing_sql = "SELECT count(*) FROM utterances WHERE id NOT IN (SELECT id FROM postings_docsize)"
    orphans_sql = "SELECT count(*) FROM postings_docsize WHERE id NOT IN (SELECT id FROM utterances)"
    missing, orphans = (int(connection.exec_driver_sql(query).scalar_one()) for query in (missing_sql, orphans_sql))
    try:
        connection.exec_driver_sql("INSERT INTO postings(postings) VALUES ('integrity-check')")
    except DatabaseError:
        return PostingFaults(missing, orphans, False)
    return PostingFaults(missing, orphans, True)


def drop_orphans(connection: Connection) -> None:
    """Delete postings whose utterance is gone."""
    connection.exec_driver_sql("DELETE FROM postings WHERE rowid NOT IN (SELECT id FROM utterances)")


def count_postings(connection: Connection) -> int:
    """Utterances that have postings."""
    return int(connection.exec_driver_sql("SELECT count(*) FROM postings_docsize").scalar_one())
