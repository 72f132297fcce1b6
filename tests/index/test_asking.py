"""Search as people use it: several phrases, exact words, exclusions, moments, hosts, shelves, alerts, neighbours."""

from datetime import timedelta
from typing import Any

import pytest

from core.errors import UsageError
from core.records import Stream, TimelineEvent, TimelineKind
from index.answer import answer_json
from index.request import Asked, SearchRequest, asked_phrases
from index.search import Searcher
from store.streams import open_stream
from store.timeline import add_event

MEANT = ["这支精华你坚持用三天", "脸上的斑全部消失不见"]


def found(archive: Any, query: str, **options: Any) -> list[str]:
    answer = Searcher(archive.database, archive.embedder).search(SearchRequest(query, **options))
    return [hit.utterance.text for hit in answer.hits]


def test_a_query_is_read_into_phrases_exact_words_and_exclusions() -> None:
    def read(query: str) -> list[Asked]:
        return asked_phrases(SearchRequest(query))[0]

    assert read("三天祛斑 | 假一赔十") == [Asked("三天祛斑"), Asked("假一赔十")]
    assert read('"三天" 祛斑 -面膜 −"买一送一"') == [Asked("三天 祛斑", ("三天",), ("面膜", "买一送一"))]
    assert read("-10度也能穿") == [Asked("-10度也能穿")]
    assert read("a-b") == [Asked("a-b")]


def test_any_of_several_phrases_is_answered_once(archive: Any) -> None:
    archive.say(["三天祛斑看得见", "假一赔十写进合同", "包邮到家"])
    assert set(found(archive, "三天祛斑 | 假一赔十", limit=2)) == {"三天祛斑看得见", "假一赔十写进合同"}
    answer = Searcher(archive.database, archive.embedder).search(SearchRequest("三天祛斑 | 假一赔十"))
    assert len(answer.hits) == 3
    assert {hit.phrase for hit in answer.hits[:2]} == {"三天祛斑", "假一赔十"}


def test_exact_words_must_stand_there_and_excluded_ones_must_not(archive: Any) -> None:
    archive.say(["三天祛斑的面膜", "三天去班的精华", "三天祛斑的精华", "用三天色斑全消"])
    assert set(found(archive, '"祛斑"')) == {"三天祛斑的面膜", "三天祛斑的精华"}
    assert set(found(archive, "三天祛斑 -面膜 -色斑")) == {"三天去班的精华", "三天祛斑的精华"}
    assert found(archive, '"祛斑" -面膜') == ["三天祛斑的精华"]
    assert found(archive, '"斑" -祛') == ["用三天色斑全消"]


def test_what_is_excluded_takes_no_place_of_what_is_wanted(archive: Any) -> None:
    archive.say([f"面膜祛斑{i}色款" for i in range(60)] + ["这瓶精华祛斑很好用", "面膜以外祛斑买一送的一"])
    assert found(archive, "祛斑 -面膜") == ["这瓶精华祛斑很好用"]
    assert found(archive, "祛斑 -色") == ["这瓶精华祛斑很好用", "面膜以外祛斑买一送的一"]
    assert "面膜以外祛斑买一送的一" in found(archive, "祛斑 -买一送一", limit=100)


def test_one_letter_finds_as_many_as_are_asked_for(archive: Any) -> None:
    archive.say([f"第{i}瓶的斑字" for i in range(40)])
    assert len(found(archive, "斑", limit=100)) == len(found(archive, '"斑"', limit=100)) == 40


def test_around_a_moment(archive: Any) -> None:
    archive.say([f"三天祛斑第{i}遍" for i in range(60)])
    searcher = Searcher(archive.database, archive.embedder)
    start = min(h.utterance.wall_start for h in searcher.search(SearchRequest("祛斑", limit=100)).hits)
    near = searcher.search(SearchRequest("祛斑", near=start + timedelta(seconds=150), within_minutes=0.1))
    assert sorted(h.utterance.start_ms for h in near.hits) == [140_000 + 5_000 * n for n in range(4)][-len(near.hits) :]
    assert near.searched.utterances == len(near.hits) <= 4
    with pytest.raises(UsageError):
        searcher.search(SearchRequest("祛斑", near=start, from_=start))


def test_by_host_and_by_what_is_on_the_shelf(archive: Any) -> None:
    archive.say(["三天祛斑", "用三天色斑全消"], stream="a")
    archive.say(["三天去班"], stream="b")
    with archive.database.write() as connection:
        open_stream(connection, Stream("b", "rtmp://x/y", host="小王", product="面膜"))
        moment = connection.exec_driver_sql("SELECT wall_start FROM utterances LIMIT 1").scalar_one()
        event = TimelineEvent("a", 4_500, TimelineKind.PRODUCT, "祛斑霜", _moment(moment), product_class="普通化妆品")
        add_event(connection, event)
    assert found(archive, "祛斑", host="小王") == ["三天去班"]
    assert found(archive, "祛斑", product="面膜") == ["三天去班"]
    assert (
        found(archive, "祛斑", product="祛斑霜") == found(archive, "祛斑", product="普通化妆品") == ["用三天色斑全消"]
    )
    assert found(archive, "祛斑", alerted=True) == []
    assert len(found(archive, "祛斑", alerted=False)) == 3


def _moment(text: str) -> Any:
    from core.clock import parse_iso

    return parse_iso(text)


def test_a_claim_spread_over_two_sentences_is_one_hit_from_its_first_word_to_its_last(archive: Any) -> None:
    archive.say(["欢迎来到直播间", *MEANT, "这条裤子弹力大", "三天之内发货"])
    answer = Searcher(archive.database, archive.embedder).search(SearchRequest("三天祛斑"))
    hit = answer.hits[0]
    assert hit.neighbour is not None
    assert {hit.utterance.text, hit.neighbour.text} == set(MEANT)
    # 三天 are the last two characters of the second utterance, 消失不见 the last of the third.
    assert (hit.start_ms, hit.end_ms) == (5_000 + 8 * 200, 10_000 + 10 * 200)
    assert hit.matched == "三天，脸上的斑全部消失不见"
    assert answer_json(answer)["hits"][0]["neighbour"] in MEANT
    assert sum(h.neighbour is not None for h in answer.hits) == 1
