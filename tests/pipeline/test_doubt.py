"""Who is right where the two passes heard different words: asked of the words themselves."""

from hypothesis import given
from hypothesis import strategies as st

from core.records import Word
from pipeline.doubt import alike, in_doubt, said_between, sureness

CLAIM = "三天祛斑"
AT = 1_000


def spoken(text: str, probability: float, start_ms: int = AT, step: int = 200) -> list[Word]:
    return [Word(c, start_ms + i * step, start_ms + (i + 1) * step, probability) for i, c in enumerate(text)]


def doubt(final: list[Word], sure: float = 0.8, matched: str = CLAIM) -> bool:
    return in_doubt(matched, sure, AT, AT + 200 * len(matched), final)


def test_a_final_text_that_sounds_alike_and_is_less_sure_leaves_a_doubt() -> None:
    assert doubt(spoken("三天取半", 0.4))
    assert doubt(spoken("三天吃斑", 0.4)), "one of four syllables"


def test_a_lawful_word_heard_clearly_leaves_none() -> None:
    assert not doubt(spoken("三天曲板", 0.9))
    assert not doubt(spoken("三天取半", 0.78)), "hardly less sure is no reason"
    assert not doubt(spoken("特工电影", 0.85), sure=0.7, matched="特供电影")


def test_the_very_words_in_the_final_text_are_excused_by_it() -> None:
    assert not doubt([*spoken("不敢说", 0.9, AT - 600), *spoken(CLAIM, 0.4)])


def test_words_that_sound_different_count_only_when_they_are_a_guess() -> None:
    assert not doubt(spoken("今日天气", 0.5))
    assert doubt(spoken("今日天气", 0.2))
    assert not doubt(spoken("今日天气", 0.2), sure=0.5)


def test_silence_and_words_elsewhere_are_no_doubt() -> None:
    assert not doubt([])
    assert not doubt(spoken("三天取半", 0.1, start_ms=AT + 5_000))


def test_short_words_must_sound_the_same() -> None:
    assert alike("祛斑霜", "去班双")
    assert not alike("祛斑霜", "去办事")


def test_sureness_is_by_character() -> None:
    assert sureness([Word("全网", 0, 400, 0.9), Word("最", 400, 600, 0.3)]) == (0.9 * 2 + 0.3) / 3
    assert sureness([]) == 0


HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=8)


@given(HAN, HAN, HAN)
def test_words_sound_like_themselves_wherever_they_stand(before: str, word: str, after: str) -> None:
    assert alike(word, before + word + after)


@given(HAN, st.floats(0, 1), st.floats(0, 1))
def test_a_final_text_at_least_as_sure_is_never_doubted_unless_it_is_a_guess(
    text: str, sure: float, final: float
) -> None:
    words = spoken(text, final)
    if final >= sure and final >= 0.35:
        assert not in_doubt(CLAIM, sure, AT, AT + 200 * len(text), words)
    assert set(said_between(words, AT, AT + 200 * len(text))) == set(words)
