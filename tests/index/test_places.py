"""A hit's time is that of the words meant."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from core.records import ModelIdentity, Utterance, Word
from index.concepts import load_concepts
from index.lexicon import load_lexicon
from index.places import time_of, words_meant
from index.ranking import Matcher

MATCHER = Matcher(load_lexicon(), load_concepts())


def utterance(text: str, *words: Word) -> Utterance:
    return Utterance("s", 0, 1_000, 5_000, text, words, ModelIdentity("m", ""), datetime(2026, 1, 1, tzinfo=UTC))


def meant(query: str, text: str) -> str:
    asked = MATCHER.query(query)
    found = words_meant(asked, MATCHER.match(asked, text).evidence)
    assert found is not None
    return text[slice(*found)]


def test_punctuation_has_no_word_and_no_time() -> None:
    said = utterance("三天，祛斑", Word("三天", 1_000, 1_400, 0.9), Word("祛斑", 1_900, 2_300, 0.9))
    assert time_of(said, 3, 5) == (1_900, 2_300)
    assert time_of(said, 0, 5) == (1_000, 2_300)
    assert time_of(said, 1, 2) == (1_000, 1_400)


def test_without_word_times_the_place_in_the_text_stands_in() -> None:
    assert time_of(utterance("一二三四"), 2, 4) == (3_000, 5_000)


def test_words_that_do_not_spell_the_text_do_no_harm() -> None:
    said = utterance("三天祛斑", Word("别的", 0, 1, 0.1), Word("祛斑", 2_000, 2_500, 0.9), Word("", 0, 0, 0))
    assert time_of(said, 2, 4) == (2_000, 2_500)


def test_the_words_meant_are_a_short_run() -> None:
    assert meant("三天祛斑", "大家好今天天气不错，这款三天去班，喜欢的拍") == "三天去班"
    assert meant("三天祛斑", "坚持用三天，脸上的色斑全部消失") == "三天，脸上的色斑全部消失"


@given(st.text("三天祛斑，。ab", max_size=12), st.data())
def test_times_stay_within_the_utterance(text: str, data: st.DataObject) -> None:
    said = utterance(text)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    begin_ms, end_ms = time_of(said, start, end)
    assert 1_000 <= begin_ms <= end_ms <= 5_000
