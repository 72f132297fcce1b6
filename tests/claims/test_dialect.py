"""Regional words become standard ones, and words that only look regional stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.dialect import PATTERN, SIGNS, STANDARD
from claims.fold import fold


@pytest.mark.parametrize(
    ("said", "folded"),
    [
        ("呢支精華，唔使三日就見效㗎", "这支精华，不用三日就见效"),
        ("嗰啲痘印走晒", "那些痘印走了"),
        ("食咗呢樽，冇得頂", "吃了这瓶，没有顶"),
        ("阿拉弗要侬多出钞票", "我们不要你多出钞票"),
        ("嬢嬢些，莫得二回了噻", "阿姨些，没有二回了"),
        ("这锅贼好用，老便宜了", "这锅特别好用，特别便宜了"),
        ("俺瘦了仨码，今儿个高兴", "我瘦了三码，今天高兴"),
        ("躺著瘦，個把月就行", "躺着瘦，一个月就行"),
    ],
)
def test_standard_words(said: str, folded: str) -> None:
    assert fold(said).text == folded


@pytest.mark.parametrize(
    "text", ["莫代尔的料子", "弗兰克写的", "这边有现货", "显著改善", "晒黑了怎么办", "价格高昂", "老年人用", "恰好合适"]
)
def test_what_only_looks_regional_stays(text: str) -> None:
    assert fold(text).text == text


def test_the_words_of_a_finding_are_those_that_were_said() -> None:
    text = "面上啲斑走晒"
    folded = fold(text)
    at = folded.text.index("斑走了")
    assert text[slice(*folded.original_span(at, at + 3))] == "斑走晒"


@given(st.text("".join(sorted(SIGNS)) + "好个，。", max_size=40))
def test_whatever_is_found_has_a_standard_word(text: str) -> None:
    assert all(match.group() in STANDARD for match in PATTERN.finditer(text))
