"""The answer of a search in the form that a negative result keeps: what was looked for, by what, and what came near."""

import hashlib
from pathlib import Path

import index.concepts
from core.errors import UsageError
from core.records import ModelIdentity
from evidence.negative import THRESHOLD, NearHit, Searched
from index.answer import Hit, SearchAnswer
from index.request import SearchRequest, scope_of

_MEANS = ("exact", "letters", "sound", "concept", "meaning")
_RERANKED = "cross-encoder"


def searched_of(
    request: SearchRequest, answer: SearchAnswer, embedder: ModelIdentity, threshold: float = THRESHOLD
) -> Searched:
    """What was searched. Raises `UsageError` where the query was cut short: then it is not what was asked for."""
    if answer.capped:
        raise UsageError("negative_capped", "查询太长。", "The query is too long.")
    concepts = Path(index.concepts.__file__).with_suffix(".yaml")
    table = ModelIdentity("concepts", hashlib.sha256(concepts.read_bytes()).hexdigest())
    models = tuple(dict.fromkeys((embedder, *answer.models, table)))
    means = (*_MEANS, _RERANKED) if len(answer.models) > 1 else _MEANS
    hits = tuple(map(_near, answer.hits))
    return Searched(answer.query, scope_of(request), answer.searched, hits, models, means, threshold)


def _near(hit: Hit) -> NearHit:
    ways = tuple(why.way for why in hit.why)
    return NearHit(hit.utterance.stream, hit.start_ms, hit.end_ms, hit.score, hit.utterance.text, hit.matched, ways)
