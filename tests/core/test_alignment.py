"""Characters of an utterance find their time."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from core.alignment import span_ms, word_ranges
from core.records import ModelIdentity, Utterance, Word

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def utterance(text: str, words: tuple[Word, ...], start_ms: int = 0, end_ms: int = 1000) -> Utterance:
    return Utterance("s", 0, start_ms, end_ms, text, words, ModelIdentity("m", "0"), MOMENT)


SAID = utterance(
    "姐妹们，三天祛斑。",
    (Word("姐妹们", 0, 600, 0.9), Word("三天", 1000, 1400, 0.9), Word("祛斑", 1400, 2000, 0.9)),
    0,
    2000,
)


def test_words_are_found_around_punctuation() -> None:
    assert word_ranges(SAID.text, SAID.words) == [(0, 3), (4, 6), (6, 8)]


def test_a_claim_gets_the_time_of_its_words() -> None:
    assert span_ms(SAID, 4, 8) == (1000, 2000)


def test_half_a_word_gets_half_its_time() -> None:
    assert span_ms(SAID, 5, 7) == (1200, 1700)


def test_without_words_time_is_shared_evenly() -> None:
    assert span_ms(utterance("一二三四五", (), 1000, 2000), 1, 3) == (1200, 1600)


@given(
    st.text(max_size=20), st.lists(st.text(min_size=1, max_size=3), max_size=8), st.integers(0, 20), st.integers(0, 20)
)
def test_times_stay_inside_the_utterance(text: str, parts: list[str], start: int, end: int) -> None:
    words = tuple(Word(part, i * 100, i * 100 + 100, 1.0) for i, part in enumerate(parts))
    said = utterance(text, words, 0, max(1000, len(parts) * 100))
    begin, finish = span_ms(said, start, end)
    assert 0 <= begin <= finish <= said.end_ms
