"""Say what was claimed, land on the word."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import iso, plus_ms
from core.errors import BadInputError, LiveWitnessError, NotFoundError
from core.records import Epoch, Gap, Segment
from index.answer import answer_json
from index.search import SearchAnswer, Searcher, SearchRequest
from models.embedding import Embedder
from store.engine import open_database
from store.recordings import add_gap, add_segment, put_epoch

SPEECH = [
    "欢迎新来的宝宝点点关注",
    "坚持用三天, 脸上的色斑全部消失",
    "我们可不敢说三天祛斑，化妆品没有这个功效",
    "用这支三天去班，闺蜜都来问",
    "大斑马图案的地毯防滑耐脏",
    "三天之内发货，偏远地区晚一点",
    "这款是纯棉的床单四件套",
    "瘦不下来我把钱给你，一分不少",
    "小姐姐去哪上班都能穿",
]


def found(searcher: Searcher, query: str, **options: Any) -> list[str]:
    return [hit.utterance.text for hit in searcher.search(SearchRequest(query, **options)).hits]


@pytest.fixture
def searcher(archive: Any) -> Searcher:
    archive.say(SPEECH)
    return Searcher(archive.database, archive.embedder)


def test_misheard_and_paraphrased_claims_come_first_and_the_denial_after_them(searcher: Searcher) -> None:
    hits = found(searcher, "三天祛斑")
    assert set(hits[:2]) == {SPEECH[1], SPEECH[3]}
    assert hits.index(SPEECH[2]) >= 2


def test_the_very_words_come_first_of_all(archive: Any) -> None:
    archive.say([*SPEECH, "这支精华三天祛斑看得见"])
    assert found(Searcher(archive.database, archive.embedder), "三天祛斑")[0] == "这支精华三天祛斑看得见"


def test_other_words_for_a_promise_are_found(searcher: Searcher) -> None:
    assert found(searcher, "承诺不瘦退钱")[0] == SPEECH[7]


def test_two_characters_are_enough(searcher: Searcher) -> None:
    assert found(searcher, "纯棉")[0] == SPEECH[6]
    assert found(searcher, "祛斑", limit=3).count(SPEECH[3]) == 1
    assert found(searcher, "斑")[0] in {SPEECH[1], SPEECH[2], SPEECH[4]}


def test_a_hit_is_the_time_of_its_words(searcher: Searcher) -> None:
    hit = next(h for h in searcher.search(SearchRequest("三天祛斑")).hits if h.utterance.text == SPEECH[3])
    assert hit.matched == "三天去班"
    # The utterance is the fourth, 15 s into the stream; 用这支 takes the first 600 ms.
    assert (hit.start_ms, hit.end_ms) == (15_600, 16_400)
    assert hit.wall_time == plus_ms(hit.utterance.wall_start, 600)


def test_a_hit_by_meaning_alone_is_the_time_of_a_clause(archive: Any) -> None:
    archive.say(["各位晚上好啊，这口砂煲炖排骨特别入味，喜欢的点一下关注"])
    searcher = Searcher(archive.database, archive.embedder)
    hit = searcher.search(SearchRequest("厨房烹饪")).hits[0]
    assert hit.matched == "这口砂煲炖排骨特别入味"


def test_each_hit_says_why(searcher: Searcher) -> None:
    hits = {h.utterance.text: h for h in searcher.search(SearchRequest("三天祛斑")).hits}
    misheard = {why.way: why for why in hits[SPEECH[3]].why}
    assert "三天去班" in misheard["sound"].words
    told = {why.way: why for why in hits[SPEECH[1]].why}
    assert {"三天", "色斑", "消失"} <= set(told["concept"].words)
    assert hits[SPEECH[2]].denied
    assert not hits[SPEECH[1]].denied


def test_numbers_are_found_however_they_are_written(archive: Any) -> None:
    archive.say(["充绒量180克", "洗的时候别拧"])
    assert found(Searcher(archive.database, archive.embedder), "充绒一百八十克")[0] == "充绒量180克"


def test_filters_leave_out_the_rest(archive: Any) -> None:
    archive.say(["三天祛斑", "买一送一"], stream="a", shop="花店")
    archive.say(["三天去班", "包邮"], stream="b", shop="果店")
    searcher = Searcher(archive.database, archive.embedder)
    assert set(found(searcher, "三天祛斑")) == {"三天祛斑", "三天去班", "买一送一", "包邮"}
    assert found(searcher, "三天祛斑", stream="b") == ["三天去班", "包邮"]
    assert found(searcher, "三天祛斑", shop="花店") == ["三天祛斑", "买一送一"]
    assert found(searcher, "三天祛斑", shop="无此店") == []
    assert found(searcher, "三天祛斑", limit=1) == ["三天祛斑"]


def test_time_limits_in_seconds_and_in_wall_time(searcher: Searcher) -> None:
    whole = searcher.search(SearchRequest("三天祛斑", stream="s")).hits
    begin = min(h.utterance.wall_start for h in whole)
    assert set(found(searcher, "三天祛斑", stream="s", from_=15.0, to=20.0)) == {SPEECH[3]}
    # What began before the range but reaches into it belongs to it.
    assert SPEECH[3] in found(searcher, "三天祛斑", stream="s", from_=18.9)
    assert SPEECH[3] not in found(searcher, "三天祛斑", stream="s", from_=19.1)
    for_wall = {"from_": begin + timedelta(seconds=18.9), "to": begin + timedelta(seconds=20)}
    assert found(searcher, "三天祛斑", **for_wall) == [SPEECH[3]]


def test_unknown_streams_and_empty_queries_get_a_sentence(searcher: Searcher) -> None:
    with pytest.raises(NotFoundError):
        searcher.search(SearchRequest("斑", stream="nobody"))
    with pytest.raises(BadInputError):
        searcher.search(SearchRequest(" "))


def test_what_is_not_embedded_yet_is_found_by_letters_and_counted(archive: Any) -> None:
    archive.say(["三天祛斑"], vectors=False)
    answer = Searcher(archive.database, archive.embedder).search(SearchRequest("祛斑"))
    assert [h.utterance.text for h in answer.hits] == ["三天祛斑"]
    assert answer.searched.not_indexed == 1


def test_what_is_said_while_it_runs_is_found(archive: Any, searcher: Searcher) -> None:
    archive.say(["刚上架的电炖锅能预约"], stream="live")
    assert found(searcher, "电炖锅")[0] == "刚上架的电炖锅能预约"


def test_a_restart_needs_no_embedding(archive: Any) -> None:
    archive.say(SPEECH)

    class QueriesOnly:
        identity, dim, calls = archive.embedder.identity, archive.embedder.dim, 0

        def embed(self, texts: Any, kind: str = "passage") -> Any:
            assert kind == "query"
            self.calls += len(texts)
            return archive.embedder.embed(texts, kind)

        def close(self) -> None:
            """Shared."""

    reopened = open_database(archive.database.path)
    try:
        restarted = Searcher(reopened, QueriesOnly())
        assert set(found(restarted, "三天祛斑")[:2]) == {SPEECH[1], SPEECH[3]}
    finally:
        reopened.close()


def test_the_answer_says_how_much_was_searched(archive: Any, embedder: Embedder) -> None:
    archive.say(SPEECH[:2])
    begin = archive.say(["导入的文字"], stream="imported") and None
    assert begin is None
    with archive.database.write() as connection:
        moment = plus_ms(searched_from(archive), 0)
        put_epoch(connection, Epoch("s", 0, 0, moment, "x"))
        for n in range(3):
            place = (n * 4_000, n * 4_000 + 4_000)
            add_segment(
                connection, Segment("s", 0, n, f"s/{n}.ts", "00" * 32, 1, *place, *place, plus_ms(moment, place[0]))
            )
        add_gap(
            connection, Gap("s", 0, 12_000, 15_000, "connection lost", plus_ms(moment, 12_000), plus_ms(moment, 15_000))
        )
    searcher = Searcher(archive.database, embedder)
    everything = searcher.search(SearchRequest("斑")).searched
    assert (everything.streams, everything.recorded_ms, everything.gaps, everything.gap_ms) == (
        2,
        12_000 + 4_000,
        1,
        3_000,
    )
    assert everything.untranscribed_ms == 12_000
    assert (everything.utterances, everything.not_indexed) == (3, 0)
    part = searcher.search(SearchRequest("斑", stream="s", from_=2.0, to=13.0)).searched
    assert (part.streams, part.recorded_ms, part.gaps, part.gap_ms) == (1, 10_000, 1, 1_000)


def searched_from(archive: Any) -> Any:
    hits = Searcher(archive.database, archive.embedder).search(SearchRequest("斑", stream="s")).hits
    return min(hit.utterance.wall_start for hit in hits)


def test_json_has_the_names_that_others_rely_on(searcher: Searcher) -> None:
    answer: SearchAnswer = searcher.search(SearchRequest("三天祛斑", limit=2))
    told = answer_json(answer)
    assert told["query"] == "三天祛斑"
    assert [hit["rank"] for hit in told["hits"]] == [1, 2]
    first, hit = told["hits"][0], answer.hits[0]
    assert {"rank", "score", "stream", "start", "end", "wall_time", "text", "why", "clip"} <= set(first)
    assert first["start"] == hit.start_ms / 1000
    assert first["wall_time"] == iso(hit.wall_time)
    assert first["clip"]["start"] <= first["start"] < first["end"] <= first["clip"]["end"]
    assert {"streams", "seconds", "gaps", "not_indexed"} <= set(told["searched"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(st.characters(), max_size=40))
def test_any_query_is_answered_or_refused_with_a_sentence(searcher: Searcher, query: str) -> None:
    try:
        answer = searcher.search(SearchRequest(query))
    except LiveWitnessError as error:
        assert error.sentence.zh
    else:
        assert answer.hits


def test_nothing_said_nothing_found(archive: Any) -> None:
    answer = Searcher(archive.database, archive.embedder).search(SearchRequest("三天祛斑"))
    assert answer.hits == ()
    assert answer.searched.streams == 0
