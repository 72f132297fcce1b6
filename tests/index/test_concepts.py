"""What is said in other words is the same concept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInputError
from index.concepts import GONE, NEAR, ConceptTable, load_concepts


def concepts(text: str) -> set[str]:
    return {mention.concept for mention in load_concepts().mentions(text)}


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("三天祛斑", "脸上的色斑用一周就消失", {"色斑", GONE, "快速"}),
        ("承诺不瘦退钱", "瘦不下来我把钱给你", {"瘦身", "退款"}),
        ("去黑头", "贴完没有黑点了", {"黑头", GONE}),
        ("最后三单", "库存只剩5件", {"限量"}),
        ("第二件半价", "拍两件打五折", {"打折"}),
    ],
)
def test_both_sides_meet_in_a_concept(one: str, other: str, shared: set[str]) -> None:
    assert shared <= concepts(one) & concepts(other)


def test_a_word_inside_a_longer_one_is_not_seen() -> None:
    table = ConceptTable({"problems": {"斑": "斑"}, "concepts": {"路": "斑马线"}}, {}, [])
    assert [m.concept for m in table.mentions("过斑马线")] == ["路"]


def test_near_concepts_count_half() -> None:
    table = load_concepts()
    assert table.similarity("退款", "退款") == 1
    assert table.similarity("退款", "换新") == table.similarity("换新", "退款") == NEAR
    assert table.similarity("退款", "色斑") == 0


def test_a_damaged_table_is_refused() -> None:
    with pytest.raises(BadInputError):
        ConceptTable({"problems": {}, "concepts": {"路": "路"}}, {}, [["路", "桥"]])


@given(st.text(max_size=60))
def test_mentions_quote_the_text(text: str) -> None:
    assert all(text[m.start : m.end] == m.words for m in load_concepts().mentions(text))
