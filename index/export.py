"""Hits as CSV, for spreadsheets: the command line and the API write the same."""

import csv
import io
from collections.abc import Iterable

from core.clock import iso, seconds
from index.answer import Hit, SearchAnswer

COLUMNS = (
    "query",
    "rank",
    "score",
    "stream",
    "start",
    "end",
    "wall_time",
    "matched",
    "text",
    "denied",
    "ways",
    "phrase",
    "neighbour",
)
# Spreadsheets take what begins with one of these for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MARK = "\ufeff"


def hits_csv(answers: Iterable[SearchAnswer]) -> str:
    """A table of all hits with a byte-order mark, so that spreadsheets read it as UTF-8; lines end in CRLF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for answer in answers:
        for rank, hit in enumerate(answer.hits, 1):
            writer.writerow([harmless(cell) for cell in _row(answer.query, rank, hit)])
    return _MARK + text.getvalue()


def _row(query: str, rank: int, hit: Hit) -> list[object]:
    return [
        query,
        rank,
        round(hit.score, 4),
        hit.utterance.stream,
        seconds(hit.start_ms),
        seconds(hit.end_ms),
        iso(hit.wall_time),
        hit.matched,
        hit.utterance.text,
        int(hit.denied),
        " ".join(why.way for why in hit.why),
        hit.phrase,
        hit.neighbour.text if hit.neighbour else "",
    ]


def harmless(cell: object) -> object:
    """Text that a spreadsheet would take for a formula, marked as text."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" \u3000").startswith(_FORMULA) else cell
