"""Saved searches: what is newly indexed is compared with them, and a match is told exactly once."""

import json
from typing import Any

import pytest

from core.records import ModelIdentity
from index.indexer import VectorIndexer
from index.ranking import Match
from index.saved import EVENT, SavedSearches, answers, tell_matches
from index.search import Searcher, SearchRequest
from models.embedding import Embedder, EmbeddingKind, Matrix
from store import outbox
from store.saved_searches import (
    MatchLevel,
    SavedSearch,
    count_matches,
    delete_search,
    get_search,
    list_matches,
    list_searches,
    save_search,
)
from store.vectors import forget_utterances, pending_utterances


def keep(archive: Any, query: str = "三天祛斑", name: str = "斑", **fields: Any) -> None:
    with archive.database.write() as connection:
        save_search(connection, SavedSearch(name, query, **fields))


def told(archive: Any) -> list[dict[str, Any]]:
    with archive.database.read() as connection:
        return [json.loads(e.payload) for e in outbox.after(connection, 0, 100) if e.event == EVENT]


def texts(archive: Any) -> list[str]:
    return [event["text"] for event in told(archive)]


def test_what_is_said_after_saving_is_told_and_nothing_before(archive: Any) -> None:
    archive.say(["这支精华三天祛斑"], stream="before")
    keep(archive)
    archive.say(["今天天气不错", "坚持用，三天祛斑看得见", "三天去班不是梦"], stream="after")
    assert texts(archive) == ["坚持用，三天祛斑看得见", "三天去班不是梦"]


def test_the_event_says_which_search_where_and_why(archive: Any) -> None:
    keep(archive)
    (identifier,) = archive.say(["坚持用，三天祛斑看得见"])
    (event,) = told(archive)
    assert (event["event"], event["search"], event["query"]) == (EVENT, "斑", "三天祛斑")
    assert (event["stream"], event["utterance_id"], event["matched"]) == ("s", identifier, "三天祛斑")
    assert (event["start"], event["end"]) == (0.6, 1.4)
    assert {"letters", "sound"} <= {why["way"] for why in event["why"]}
    with archive.database.read() as connection:
        (match,) = list_matches(connection, "斑")
        (last,) = [e for e in outbox.after(connection, 0, 10) if e.event == EVENT]
    assert (match.utterance_id, match.cursor, match.start_ms) == (identifier, last.cursor, 600)


def test_a_match_is_told_to_those_who_may_see_the_search(archive: Any) -> None:
    keep(archive, name="platform's")
    keep(archive, name="the shop's", shop="花店")
    archive.say(["坚持用，三天祛斑看得见"], shop="花店")

    def heard(**reader: Any) -> set[str]:
        with archive.database.read() as connection:
            events = outbox.after(connection, 0, 100, **reader)
        return {json.loads(e.payload)["search"] for e in events if e.event == EVENT}

    assert heard() == {"platform's", "the shop's"}
    assert heard(shop="花店") == {"the shop's"}
    assert heard(shop="花店", searches=False) == heard(searches=False) == heard(shop="茶店") == set()


def test_a_denial_or_a_warning_is_no_match(archive: Any) -> None:
    keep(archive, level=MatchLevel.WIDE)
    archive.say(["我可不敢说三天祛斑", "三天祛斑都是骗人的，别信"])
    assert texts(archive) == []


def test_levels_say_how_sure_a_match_has_to_be(archive: Any) -> None:
    keep(archive, name="字", level=MatchLevel.WORDS)
    keep(archive, name="意", level=MatchLevel.WIDE)
    archive.say(["三天祛斑", "用三天色斑全消", "这条裤子弹力大"])
    found = [(event["search"], event["text"]) for event in told(archive)]
    assert sorted(found) == [("字", "三天祛斑"), ("意", "三天祛斑"), ("意", "用三天色斑全消")]


def test_only_the_part_that_was_asked_about(archive: Any) -> None:
    keep(archive, shop="花店")
    archive.say(["三天祛斑"], stream="one", shop="花店")
    archive.say(["三天祛斑"], stream="two", shop="茶店")
    assert [event["stream"] for event in told(archive)] == ["one"]


def test_several_phrases_exact_words_and_exclusions_hold_here_too(archive: Any) -> None:
    keep(archive, '三天祛斑 -面膜 | "假一赔十"')
    archive.say(["三天祛斑的面膜", "三天祛斑的精华", "假一赔十", "假衣陪时"])
    assert texts(archive) == ["三天祛斑的精华", "假一赔十"]


def test_a_claim_over_two_utterances_is_found_with_the_second(archive: Any) -> None:
    keep(archive, level=MatchLevel.WIDE)
    archive.say(["这支精华你坚持用三天", "脸上的斑全部消失不见"])
    (event,) = told(archive)
    assert event["text"] == "脸上的斑全部消失不见"
    assert event["neighbour"] == "这支精华你坚持用三天"


def test_the_same_vectors_again_tell_nothing_again(archive: Any) -> None:
    keep(archive)
    archive.say(["三天祛斑"])
    other = Renamed(archive.embedder)
    assert VectorIndexer(archive.database, other).flush(60)
    assert len(told(archive)) == 1


class Renamed:
    """The same vectors under the name of another model: everything is due once more, as after a change of models."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.identity = ModelIdentity("other", "cd" * 32)
        self.dim = inner.dim

    def embed(self, texts: Any, kind: EmbeddingKind = "passage") -> Matrix:
        return self._inner.embed(texts, kind)

    def close(self) -> None:
        pass


def test_two_processes_that_embed_the_same_batch_tell_once(archive: Any) -> None:
    keep(archive)
    archive.say(["三天祛斑"], vectors=False)
    database, saved = archive.database, SavedSearches(archive.embedder)
    with database.read() as connection:
        due = pending_utterances(connection, "x" * 64, limit=10)
    matrix = archive.embedder.embed([u.text for u in due])
    first, second = (saved.found_in(database, due, [""], matrix) for _ in range(2))
    assert first
    assert second
    for found in (first, second):
        with database.write() as connection:
            tell_matches(connection, found, due[-1].id)
    assert len(told(archive)) == 1


def test_nothing_is_half_told_when_the_writing_fails(archive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(archive)
    archive.say(["三天祛斑"], vectors=False)
    indexer = VectorIndexer(archive.database, archive.embedder)
    with monkeypatch.context() as patch:
        patch.setattr("index.saved.add_match", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        with pytest.raises(RuntimeError):
            indexer.index_batch()
    assert told(archive) == []
    assert indexer.index_batch() == 1
    assert len(told(archive)) == 1


def test_what_is_deleted_takes_its_matches_and_their_events_along(archive: Any) -> None:
    keep(archive)
    ids = archive.say(["三天祛斑", "三天去班"])
    with archive.database.write() as connection:
        forget_utterances(connection, ids[:1])
    assert texts(archive) == ["三天去班"]
    with archive.database.read() as connection:
        assert count_matches(connection) == {"斑": 1}


def test_a_deleted_search_finds_nothing_more(archive: Any) -> None:
    keep(archive)
    archive.say(["三天祛斑"], stream="one")
    with archive.database.write() as connection:
        assert delete_search(connection, "斑")
        assert not delete_search(connection, "斑")
    archive.say(["三天祛斑"], stream="two")
    assert len(told(archive)) == 1
    with archive.database.read() as connection:
        assert get_search(connection, "斑") is None
        assert list_searches(connection) == []


def test_a_changed_search_begins_with_what_comes_then(archive: Any) -> None:
    keep(archive, "三天祛斑")
    archive.say(["假一赔十"], stream="one", vectors=False)
    keep(archive, "假一赔十")
    archive.say(["假一赔十"], stream="two")
    assert [event["stream"] for event in told(archive)] == ["two"]


def test_a_match_is_also_the_first_hit_of_the_search_itself(archive: Any) -> None:
    keep(archive)
    archive.say(["今天天气不错", "三天去班不是梦"])
    hit = Searcher(archive.database, archive.embedder).search(SearchRequest("三天祛斑")).hits[0]
    (event,) = told(archive)
    assert (event["text"], event["matched"]) == (hit.utterance.text, hit.matched)


def test_levels_of_certainty_are_in_order() -> None:
    spoken = Match(1.0, 0.0, 0.9)
    meant = Match(0.6, 0.0, 0.0)
    loose = Match(0.5, 0.0, 0.0)
    cautious = Match(1.0, 0.0, 1.0, caution=True)
    assert [answers(level, spoken, 0.5) for level in MatchLevel] == [True, True, True]
    assert [answers(level, meant, 1.1) for level in MatchLevel] == [False, True, True]
    assert [answers(level, loose, 0.85) for level in MatchLevel] == [False, False, True]
    assert not any(answers(level, cautious, 2.0) for level in MatchLevel)
