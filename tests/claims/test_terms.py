"""Terms by letter, by initials and by sound; a sound must beat the plain reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.rules import Lexicon
from claims.terms import TermIndex, letter_forms, sound_text
from claims.words import PlainWords, dictionary

TERMS = ("祛斑", "美白", "全网最低价", "治好", "百分之百有效", "特供酒")


@pytest.fixture(scope="module")
def index() -> TermIndex:
    return TermIndex([Lexicon("claims", TERMS)], PlainWords(dictionary(), TERMS))


@pytest.mark.parametrize(
    ("text", "term", "method"),
    [
        ("三天祛斑", "祛斑", "exact"),
        ("qu斑精华", "祛斑", "letters"),
        ("meibai精华", "美白", "letters"),
        ("去班精华", "祛斑", "sound"),
        ("今天全往最低价", "全网最低价", "sound"),
        ("今天全网最低家", "全网最低价", "sound"),
        ("百分之百有小", "百分之百有效", "sound"),
        ("特工酒一瓶", "特供酒", "sound"),
    ],
)
def test_heard_and_disguised_terms(index: TermIndex, text: str, term: str, method: str) -> None:
    assert (term, method) in [(hit.term, hit.method) for hit in index.find(text)]


@pytest.mark.parametrize("text", ["只好先走了", "特工电影", "去班里上课然后每百克"])
def test_a_common_word_keeps_its_plain_reading(index: TermIndex, text: str) -> None:
    assert [hit for hit in index.find(text) if not hit.weak] == []


def test_a_negation_is_never_edited_away(index: TermIndex) -> None:
    assert index.find("百分之百没效") == []


@given(st.text(max_size=60))
def test_sound_text_keeps_the_length(text: str) -> None:
    assert len(sound_text(text)) == len(text)


def test_letter_forms() -> None:
    assert {"jian肥", "j肥", "减fei", "减f", "jianfei", "减x肥"} <= letter_forms("减肥")
    assert letter_forms("第一a") == set()
