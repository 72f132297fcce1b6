"""Letters and sounds stand for places in the original text."""

from hypothesis import given
from hypothesis import strategies as st

from index.grams import JOINT, index_text
from index.symbols import spell


def letters(text: str) -> list[str]:
    return [symbol.text for symbol in spell(text).letters]


def sounds(text: str) -> list[str]:
    return [symbol.text for symbol in spell(text).sounds]


def test_numbers_are_one_letter_and_are_read_out() -> None:
    assert letters("充绒90克") == letters("充绒九十克") == ["充", "绒", "90", "克"]
    assert sounds("90") == sounds("九十")


def test_width_case_script_and_punctuation_do_not_matter() -> None:
    assert letters("ＳＰＦ５０，防曬") == letters("spf50防晒") == ["spf", "50", "防", "晒"]


def test_what_was_misheard_sounds_the_same() -> None:
    assert sounds("三天去班") == sounds("三天祛斑")


def test_grams_are_singles_and_neighbouring_pairs() -> None:
    found, heard = index_text("祛斑")
    assert found == ["祛", "斑", f"祛{JOINT}斑"]
    assert heard == ["qu", "ban", f"qu{JOINT}ban"]


def test_two_syllables_are_not_one_that_is_spelled_alike() -> None:
    assert set(index_text("西安")[1]).isdisjoint(index_text("先")[1])


@given(st.text(max_size=60))
def test_every_symbol_lies_in_the_text_and_in_order(text: str) -> None:
    spelled = spell(text)
    for row in (spelled.letters, spelled.sounds):
        assert all(0 <= s.start < s.end <= len(text) and s.text for s in row)
        assert [s.start for s in row] == sorted(s.start for s in row)
