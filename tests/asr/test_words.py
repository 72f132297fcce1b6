"""Words spell the text in order, in Simplified Chinese, and lie inside the speech."""

from hypothesis import given
from hypothesis import strategies as st

from asr.words import fit_to_speech, pauses_after, spell
from models.speech import TimedPiece


def pieces(*parts: tuple[str, float, float]) -> list[TimedPiece]:
    return [TimedPiece(text, start, end, 0.9) for text, start, end in parts]


def words(tokens):
    return [token.word for token in tokens if token.word]


def test_traditional_pieces_become_simplified_words_with_stream_times():
    tokens = spell(pieces(("這款", 0.0, 0.4), ("麵膜", 0.4, 0.9)), 10_000)
    assert [(w.text, w.start_ms, w.end_ms) for w in words(tokens)] == [
        ("这款", 10_000, 10_400),
        ("面膜", 10_400, 10_900),
    ]


def test_the_particle_zhe_is_written_as_such_and_other_words_keep_theirs():
    text = "".join(t.text for t in spell(pieces(("穿著", 0, 1), ("效果顯著", 1, 2), ("著名", 2, 3)), 0))
    assert text == "穿着效果显著著名"


def test_letters_and_digits_of_one_word_are_joined():
    tokens = spell(pieces(("买", 0, 0.2), (" i", 0.2, 0.3), ("Phone", 0.3, 0.6), (" ", 0.6, 0.6), ("15", 0.6, 1)), 0)
    assert [w.text for w in words(tokens)] == ["买", "iPhone", "15"]
    assert [t.text for t in tokens] == ["买", " ", "iPhone", " ", "15"]


def test_marks_are_tokens_without_word():
    tokens = spell(pieces(("好", 0, 0.2), ("。", 0.2, 0.3), ("来", 0.3, 0.5)), 0)
    assert [t.word is None for t in tokens] == [False, True, False]


def test_the_first_word_starts_with_the_speech_and_the_last_ends_with_it():
    tokens = fit_to_speech(spell(pieces(("大", 0.0, 0.6), ("家", 0.6, 2.0)), 0), [(400, 1_000)])
    assert [(w.start_ms, w.end_ms) for w in words(tokens)] == [(400, 600), (600, 1_000)]


def test_the_piece_over_a_pause_is_the_first_word_after_it():
    """益生菌(pause 1.6-2.2)能够: alignment lets 能 begin at 1.42 and last until 2.30."""
    heard = spell(pieces(("生", 0.9, 1.2), ("菌", 1.2, 1.42), ("能", 1.42, 2.3), ("够", 2.3, 2.6)), 0)
    fitted = words(fit_to_speech(heard, [(160, 1_630), (2_180, 3_000)]))
    assert (fitted[1].end_ms, fitted[2].start_ms) == (1_420, 2_180)
    assert pauses_after(fitted) == [0, 760, 0, 0]


def test_a_word_that_began_long_before_the_pause_belongs_before_it():
    heard = spell(pieces(("好", 1.0, 2.4), ("来", 2.4, 2.8)), 0)
    fitted = words(fit_to_speech(heard, [(900, 1_630), (2_180, 3_000)]))
    assert (fitted[0].end_ms, fitted[1].start_ms) == (1_630, 2_400)


_PIECES = st.lists(
    st.tuples(st.sampled_from(["好", "來", " ", "，", "a", " b", "１", "\U0001f600"]), st.floats(0, 0.5)), max_size=20
)
_SPANS = st.lists(st.integers(1, 2_000), min_size=2, max_size=8)


@given(parts=_PIECES, lengths=_SPANS)
def test_times_stay_in_order_and_words_spell_the_text(parts, lengths):
    at, timed = 0.0, []
    for text, length in parts:
        timed.append(TimedPiece(text, at, at + length, 0.5))
        at += length
    edges = [sum(lengths[: i + 1]) for i in range(len(lengths) // 2 * 2)]
    fitted = fit_to_speech(spell(timed, 0), list(zip(edges[::2], edges[1::2], strict=True)))
    spoken = words(fitted)
    assert all(w.start_ms <= w.end_ms for w in spoken)
    assert "".join(t.text for t in fitted if t.word) == "".join(w.text for w in spoken)
    assert len(pauses_after(spoken)) == len(spoken)
