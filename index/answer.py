"""What a search gives back, and its JSON."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.clock import iso, plus_ms, seconds
from core.records import ModelIdentity, Utterance
from index.places import LEAD_MS
from store.scope import Extent


@dataclass(frozen=True, slots=True)
class Why:
    """One reason for a hit: the way (exact, letters, sound, concept, meaning), the words, a score of 0 to 1."""

    way: str
    words: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """An utterance that answers, and the words in it that do, in stream time and wall time.

    ``neighbour`` holds the rest of the words when they are spread over two utterances; ``phrase`` is the one of the
    query's phrases that is answered.
    """

    utterance: Utterance
    score: float
    start_ms: int
    end_ms: int
    matched: str
    why: tuple[Why, ...]
    denied: bool = False
    neighbour: Utterance | None = None
    phrase: str = ""

    @property
    def wall_time(self) -> datetime:
        """Wall time of the first word meant."""
        return plus_ms(self.utterance.wall_start, self.start_ms - self.utterance.start_ms)


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """Hits, best first, and how much was looked through. ``query`` is what was searched for after capping.

    ``models``: the embedder, and the cross-encoder where one put the first hits in order.
    """

    query: str
    hits: tuple[Hit, ...]
    searched: Extent
    capped: bool = False
    models: tuple[ModelIdentity, ...] = ()


def hit_json(hit: Hit, rank: int) -> dict[str, Any]:
    """One hit; ``start``/``end`` are seconds in the stream, ``clip`` a range worth cutting."""
    return {
        "rank": rank,
        "score": round(hit.score, 4),
        "stream": hit.utterance.stream,
        "start": seconds(hit.start_ms),
        "end": seconds(hit.end_ms),
        "wall_time": iso(hit.wall_time),
        "text": hit.utterance.text,
        "matched": hit.matched,
        "denied": hit.denied,
        "phrase": hit.phrase,
        "neighbour": hit.neighbour.text if hit.neighbour else None,
        "why": [{"way": w.way, "words": list(w.words), "score": round(w.score, 3)} for w in hit.why],
        "clip": {
            "stream": hit.utterance.stream,
            "start": seconds(max(0, hit.start_ms - LEAD_MS)),
            "end": seconds(hit.end_ms + LEAD_MS),
        },
    }


def answer_json(answer: SearchAnswer) -> dict[str, Any]:
    """The whole answer, as `livewitness search --json` and the API print it."""
    return {
        "query": answer.query,
        "hits": [hit_json(hit, rank) for rank, hit in enumerate(answer.hits, start=1)],
        "searched": {
            "streams": answer.searched.streams,
            "seconds": seconds(answer.searched.recorded_ms),
            "gaps": answer.searched.gaps,
            "gap_seconds": seconds(answer.searched.gap_ms),
            "utterances": answer.searched.utterances,
            "not_indexed": answer.searched.not_indexed,
            "not_transcribed_seconds": seconds(answer.searched.untranscribed_ms),
        },
        "capped": answer.capped,
    }
