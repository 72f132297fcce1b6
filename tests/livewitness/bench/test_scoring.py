"""How transcripts are compared: numerals, marks and script are no errors, wrong characters are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewitness.bench.scoring import Score, edit_distance, score, spoken_form


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("原價1,999元。", "原价一千九百九十九元"),
        ("只要50%！", "只要百分之五十"),
        ("2024年", "二零二四年"),
        ("1005克", "一千零五克"),
        ("10050单", "一万零五十单"),
        ("12件", "十二件"),
        ("0.5升", "零点五升"),
        ("编号007", "编号零零七"),
        ("两百单，两个", "二百单两个"),
        ("ＡＢ cd", "abcd"),
        ("120000000", "一二零零零零零零零"),
    ],
)
def test_spoken_form(written, spoken):
    assert spoken_form(written) == spoken


def test_a_transcript_equal_but_for_form_has_no_errors():
    same = score("这款手电筒，只卖一百二十块钱！", "這款手電筒只賣120塊錢")
    assert (same.cer, same.sound_error) == (0, 0)


def test_a_homophone_is_an_error_of_characters_not_of_sound():
    result = score("手电筒很亮", "手点桶很亮")
    assert result.character_errors == 2
    assert result.sound_errors == 0


def test_terms_are_found_exactly_by_sound_or_with_one_error():
    terms = ["保真包退", "终身质保", "厂家直销", "特价"]
    result = score("", "保真包退，中身之保，长家直小，别的", terms)
    assert (result.terms, result.terms_exact, result.terms_sound, result.terms_near) == (4, 1, 2, 3)


def test_scores_add_up():
    total = score("甲乙丙丁", "甲乙丙") + score("甲乙丙丁", "甲乙丙丁") + Score()
    assert (total.characters, total.character_errors, total.cer) == (8, 1, 0.125)


_WORDS = st.lists(st.sampled_from("甲乙丙"), max_size=12)


@given(left=_WORDS, right=_WORDS, other=_WORDS)
def test_edit_distance_is_a_distance(left, right, other):
    d = edit_distance
    assert d(left, left) == 0
    assert d(left, right) == d(right, left) <= max(len(left), len(right))
    assert d(left, right) <= d(left, other) + d(other, right)
    assert d(left, right) >= abs(len(left) - len(right))


@given(st.integers(0, 99_999_999))
def test_every_numeral_has_a_reading_without_digits(value):
    spoken = spoken_form(str(value))
    assert spoken
    assert not any(char.isdigit() and char.isascii() for char in spoken)
