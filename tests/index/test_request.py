"""What may be asked, and the sentence for what may not."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInputError, LiveWitnessError, UsageError
from index.request import MAX_QUERY_CHARS, Asked, SearchRequest, asked_phrases, parse_moment, scope_of
from store.scope import Scope

EVENING = datetime(2026, 11, 11, 20, 31, tzinfo=UTC)


@pytest.mark.parametrize("query", ["", "   ", "，。！", "\x00\u200b", "💄"])
def test_an_empty_query_is_refused_with_a_sentence(query: str) -> None:
    with pytest.raises(BadInputError) as error:
        asked_phrases(SearchRequest(query))
    assert error.value.code == "search_empty"


def test_an_absurdly_long_query_is_cut() -> None:
    assert asked_phrases(SearchRequest("斑" * 100_000))[1:] == ("斑" * MAX_QUERY_CHARS, True)
    assert asked_phrases(SearchRequest(" 祛斑 ")) == ([Asked("祛斑")], "祛斑", False)


def test_moments_are_dates_or_times_in_a_stream() -> None:
    assert parse_moment("2026-11-11T20:31") == EVENING
    assert parse_moment("2026-11-12T04:31+08:00") == EVENING
    assert parse_moment("83.5") == 83.5
    assert parse_moment("1:23") == 83
    with pytest.raises(UsageError):
        parse_moment("昨天")


def test_ranges_become_a_scope() -> None:
    assert scope_of(SearchRequest("斑", stream="s", from_=1.5, to=9)) == Scope("s", from_ms=1500, to_ms=9000)
    assert scope_of(SearchRequest("斑", shop="花店", from_=EVENING)) == Scope(shop="花店", wall_from=EVENING)
    assert scope_of(SearchRequest("斑")).everything


@pytest.mark.parametrize(
    "request_",
    [
        SearchRequest("斑", from_=3.0),
        SearchRequest("斑", stream="s", from_=3.0, to=EVENING),
        SearchRequest("斑", stream="s", from_=3.0, to=2.0),
        SearchRequest("斑", from_=EVENING, to=EVENING),
        SearchRequest("斑", limit=0),
        SearchRequest("斑", limit=10**9),
    ],
)
def test_contradictions_are_usage_errors(request_: SearchRequest) -> None:
    with pytest.raises(UsageError):
        scope_of(request_)


@given(st.text(max_size=20))
def test_no_text_for_a_time_escapes_as_anything_else(text: str) -> None:
    try:
        parse_moment(text)
    except LiveWitnessError as error:
        assert error.sentence.zh
