"""A cross-encoder, where one is set, puts the first hits in order; it is shown the texts, and nothing else changes."""

from collections.abc import Sequence
from typing import Any

from core.records import ModelIdentity
from index.search import Searcher, SearchRequest

SAID = ["这支精华三天祛斑", "用三天色斑全消", "今天天气不错"]


class Prefers:
    """Scores one text with 1, all others with 0."""

    identity = ModelIdentity("prefers", "ef" * 32)

    def __init__(self, text: str) -> None:
        self.text = text
        self.seen: list[tuple[str, tuple[str, ...]]] = []

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        self.seen.append((query, tuple(texts)))
        return [float(text == self.text) for text in texts]

    def close(self) -> None:
        pass


def test_the_reranker_has_the_last_word(archive: Any) -> None:
    archive.say(SAID)
    plain = Searcher(archive.database, archive.embedder).search(SearchRequest("三天祛斑"))
    reranker = Prefers(SAID[1])
    ranked = Searcher(archive.database, archive.embedder, reranker=reranker).search(SearchRequest("三天祛斑"))
    assert plain.hits[0].utterance.text == SAID[0]
    assert ranked.hits[0].utterance.text == SAID[1]
    assert {hit.utterance.text for hit in ranked.hits} == {hit.utterance.text for hit in plain.hits}
    assert ranked.models == (archive.embedder.identity, reranker.identity)
    assert plain.models == ranked.models[:1]
    ((query, texts),) = reranker.seen
    assert query == "三天祛斑"
    assert set(texts) == set(SAID)


def test_more_hits_than_wanted_are_looked_at(archive: Any) -> None:
    archive.say(SAID)
    searcher = Searcher(archive.database, archive.embedder, reranker=Prefers(SAID[1]))
    (hit,) = searcher.search(SearchRequest("三天祛斑", limit=1)).hits
    assert hit.utterance.text == SAID[1]


def test_a_claim_over_two_utterances_is_shown_as_one_text(archive: Any) -> None:
    archive.say(["这支精华你坚持用三天", "脸上的斑全部消失不见", "今天天气不错"])
    reranker = Prefers("")
    Searcher(archive.database, archive.embedder, reranker=reranker).search(SearchRequest("三天祛斑"))
    assert "这支精华你坚持用三天，脸上的斑全部消失不见" in reranker.seen[0][1]
