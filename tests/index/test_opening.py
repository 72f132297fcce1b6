"""A searcher that opens beside the service: too early a search is told so, and answered later."""

import threading
from typing import Any

import pytest

from core.errors import StorageError
from index.cache import IndexCache
from index.opening import LoadingError, OpeningSearcher
from index.search import SearchRequest


def test_it_answers_once_it_is_open(archive: Any) -> None:
    archive.say(["这支精华三天祛斑"])
    searcher = OpeningSearcher(archive.database, archive.embedder, patience_s=30)
    assert [hit.utterance.text for hit in searcher.search(SearchRequest("三天祛斑")).hits] == ["这支精华三天祛斑"]
    assert searcher.percent == 100


def test_before_it_says_how_far_it_is(archive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.say(["这支精华三天祛斑", "今天天气不错"])
    go_on, read = threading.Event(), IndexCache.refresh

    def slowly(*arguments: Any, **more: Any) -> int:
        found = read(*arguments, **more)
        go_on.wait(30)
        return found

    monkeypatch.setattr(IndexCache, "refresh", slowly)
    searcher = OpeningSearcher(archive.database, archive.embedder, patience_s=0.2)
    with pytest.raises(LoadingError) as early:
        searcher.search(SearchRequest("三天祛斑"))
    assert early.value.http_status == 503
    assert "index is loading (99 %)" in early.value.sentence.en
    go_on.set()
    assert searcher.wait(30)
    assert searcher.search(SearchRequest("三天祛斑")).hits


def test_what_keeps_it_from_opening_is_said_to_whoever_searches(archive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> int:
        raise StorageError("store_damaged", "坏了。", "It is damaged.")

    monkeypatch.setattr(IndexCache, "refresh", broken)
    searcher = OpeningSearcher(archive.database, archive.embedder, patience_s=30)
    with pytest.raises(StorageError, match="damaged"):
        searcher.search(SearchRequest("三天祛斑"))


@pytest.mark.parametrize("most", [1, 2, 100])
def test_reading_a_part_at_a_time_comes_to_the_same(archive: Any, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.say(["这支精华三天祛斑", "今天天气不错", "包邮到家"])
    monkeypatch.setattr("index.search.READ_AT_ONCE", most)
    monkeypatch.setattr("index.cache.indexed_after.__defaults__", (1,))
    monkeypatch.setattr("index.cache.vectors_after.__kwdefaults__", {"block": 1})
    searcher = OpeningSearcher(archive.database, archive.embedder, patience_s=30)
    answer = searcher.search(SearchRequest("三天祛斑"))
    assert (answer.searched.utterances, answer.searched.not_indexed) == (3, 0)
