"""Normalised text keeps a map back to what was said."""

from hypothesis import given
from hypothesis import strategies as st

from core.text import clauses, is_han, ngrams, normalise, simplified

ANY_TEXT = st.text(st.characters(), max_size=200)


def test_width_case_and_script_are_folded() -> None:
    assert normalise("ＡＢＣ祛斑").text == "abc祛斑"
    assert normalise("臺灣的護膚品").text == "台湾的护肤品"
    assert normalise("三天\u200b祛\x00斑").text == "三天祛斑"


def test_a_range_of_normal_text_leads_back_to_the_original() -> None:
    text = "㎏是單位，\u200b治療失眠"
    normal = normalise(text)
    at = normal.text.index("治疗失眠")
    start, end = normal.original_span(at, at + 4)
    assert text[start:end] == "治療失眠"


@given(ANY_TEXT)
def test_every_character_has_a_place_in_the_original(text: str) -> None:
    normal = normalise(text)
    assert len(normal.starts) == len(normal.text)
    assert list(normal.starts) == sorted(normal.starts)
    assert all(0 <= start < len(text) for start in normal.starts)


@given(ANY_TEXT)
def test_simplifying_never_changes_the_length(text: str) -> None:
    assert len(simplified(text)) == len(text)


@given(ANY_TEXT)
def test_clauses_are_in_order_and_hold_no_marks(text: str) -> None:
    spans = clauses(text)
    assert all(start < end for start, end in spans)
    assert spans == sorted(spans)
    assert not any(mark in text[start:end] for start, end in spans for mark in "，。！？")


def test_lone_surrogates_do_no_harm() -> None:
    assert normalise("祛\ud800斑").text.replace("?", "") == "祛斑"


def test_clauses_leave_punctuation_out() -> None:
    text = "能不能美白？不能，只补水。"
    assert [text[a:b] for a, b in clauses(text)] == ["能不能美白", "不能", "只补水"]


def test_ngrams_and_han() -> None:
    assert ngrams("祛斑霜", 2) == ["祛斑", "斑霜"]
    assert ngrams("祛", 2) == []
    assert is_han("斑")
    assert not is_han("a")
