"""The threshold of negative results: what answers a query must not pass for a search that found nothing."""

import pytest

from core.settings import Settings
from evidence.negative import THRESHOLD
from index.search import Searcher, SearchRequest
from livewitness.bench.search import OWN_QUERIES, corpus, read_queries
from models.embedding import load_embedder

pytestmark = pytest.mark.slow


def test_the_best_right_answer_to_each_of_our_own_queries_reaches_the_threshold() -> None:
    settings = Settings()
    queries = read_queries(OWN_QUERIES)
    embedder = load_embedder(settings.embedder, cache_dir=settings.cache_dir, device="cpu")
    try:
        with corpus(queries, embedder) as (database, _, _):
            searcher = Searcher(database, embedder)
            missed = []
            for query in queries:
                right = {candidate.text for candidate in query.candidates if candidate.relevant}
                hits = searcher.search(SearchRequest(query.query, limit=30)).hits
                best = max((hit.score for hit in hits if hit.utterance.text in right), default=0.0)
                if best < THRESHOLD:
                    missed.append((query.query, round(best, 2)))
    finally:
        embedder.close()
    assert missed == []
