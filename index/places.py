"""From words in a text to milliseconds in a stream."""

from collections.abc import Sequence

from core.records import Utterance
from core.text import clauses
from index.ranking import Evidence, Query

# What a letter between pieces of evidence costs, and what one more good piece is worth.
_STRAY = 0.02
_PIECE = 0.1
_GOOD = 0.6
LEAD_MS = 2_000


def word_spans(utterance: Utterance) -> list[tuple[int, int, int, int]]:
    """``(start, end, start_ms, end_ms)`` of each word: code points of the text, and its time.

    Words spell the text in order with punctuation left out; a word that is not found is skipped.
    """
    spans: list[tuple[int, int, int, int]] = []
    position = 0
    for word in utterance.words:
        spoken = word.text.strip()
        found = utterance.text.find(spoken, position) if spoken else -1
        if found >= 0:
            position = found + len(spoken)
            spans.append((found, position, word.start_ms, word.end_ms))
    return spans


def time_of(utterance: Utterance, start: int, end: int) -> tuple[int, int]:
    """Stream time in ms of code points ``[start, end)``: from the words that overlap them.

    Without word times the place in the text stands for the place in time.
    """
    inside = [span for span in word_spans(utterance) if span[0] < end and span[1] > start]
    if inside:
        return min(span[2] for span in inside), max(span[3] for span in inside)
    length = max(1, len(utterance.text))
    lasts = utterance.end_ms - utterance.start_ms
    return utterance.start_ms + lasts * start // length, utterance.start_ms + lasts * end // length


def words_meant(query: Query, evidence: Sequence[Evidence]) -> tuple[int, int] | None:
    """The run of the text that answers most of the query in few letters; ``None`` without evidence."""
    useful = sorted([e for e in evidence if not e.denied] or evidence, key=lambda e: e.end)
    chosen: tuple[float, int, int] | None = None
    for start in sorted({e.start for e in useful}):
        # The run grows to the right, from one piece to the next.
        best = [0.0] * len(query.weights)
        good: set[str] = set()
        inside = [e for e in useful if e.start >= start]
        for place, piece in enumerate(inside):
            for position in piece.covers:
                best[position] = max(best[position], piece.credit)
            if piece.credit > _GOOD:
                good.add(piece.words)
            if place + 1 < len(inside) and inside[place + 1].end == piece.end:
                continue
            covered = sum(w * c for w, c in zip(query.weights, best, strict=True))
            value = covered + _PIECE * len(good) - _STRAY * (piece.end - start)
            if chosen is None or value > chosen[0]:
                chosen = (value, start, piece.end)
    return chosen[1:] if chosen else None


def clause_texts(utterance: Utterance) -> list[tuple[int, int]]:
    """Clauses of an utterance; the whole when it has none."""
    return clauses(utterance.text) or [(0, len(utterance.text))]
