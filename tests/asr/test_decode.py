"""What happens when a decode goes wrong, with an engine that answers as told; right ones are in test_transcriber."""

import numpy as np
import pytest

from asr.decode import (
    FLAG_FULL_FRAMES,
    FLAG_HALVES,
    FLAG_LOOP,
    FLAG_REPEATED,
    NOTHING,
    AudioWindow,
    Decoded,
    DecodeOptions,
    decode,
    kept,
    token_cap,
)
from asr.words import Token, fit_to_speech
from core.records import ModelIdentity, Word
from models.speech import ALL_FRAMES, SAMPLE_RATE, Hypothesis, TimedPiece


class _Encoded:
    def __init__(self, seconds, full_frames):
        self.seconds, self.full_frames, self.size = seconds, full_frames, len(seconds)


class ScriptedEngine:
    """Answers by window length (seconds) and whether full frames were asked for; one character is one token."""

    identity = ModelIdentity("scripted", "")

    def __init__(self, answers, batch_size=1, no_speech=0.0):
        self.answers, self.batch_size, self.no_speech, self.batches = answers, batch_size, no_speech, []

    def encode(self, windows, *, pad_frames):
        full_frames = pad_frames == ALL_FRAMES
        seconds = [round(len(window) / SAMPLE_RATE) for window in windows]
        self.batches.append((seconds, full_frames))
        return _Encoded(seconds, full_frames)

    def generate(self, encoded, *, beam_size, max_tokens):
        texts = [self.answers[(s, encoded.full_frames)] for s in encoded.seconds]
        return [Hypothesis(tuple(t), tuple((i,) for i in range(len(t))), -0.3, self.no_speech) for t in texts]

    def align(self, encoded, hypotheses):
        return [
            tuple(
                TimedPiece(p, i * s / (len(h.pieces)), (i + 1) * s / len(h.pieces), 0.9) for i, p in enumerate(h.pieces)
            )
            for h, s in zip(hypotheses, encoded.seconds, strict=True)
        ]


def window(seconds: int, *, start_ms: int = 0, speech=None) -> AudioWindow:
    spans = speech or ((start_ms, start_ms + seconds * 1000),)
    return AudioWindow(np.zeros(seconds * SAMPLE_RATE, dtype=np.float32), start_ms, spans)


def text(decoded) -> str:
    return "".join(word.text for word in decoded.words)


def test_a_good_decode_is_taken_as_it_is():
    engine = ScriptedEngine({(5, False): "这条围巾有六种颜色可选"})
    (result,) = decode(engine, [window(5, start_ms=7_000)], DecodeOptions())
    assert text(result) == "这条围巾有六种颜色可选"
    assert result.flags == ()
    assert engine.batches == [([5], False)]
    assert result.words[0].start_ms == 7_000


def test_a_loop_is_decoded_again_on_full_frames():
    engine = ScriptedEngine({(5, False): "这条围巾很软" * 3, (5, True): "这条围巾很软下单送胸针"})
    (result,) = decode(engine, [window(5)], DecodeOptions())
    assert text(result) == "这条围巾很软下单送胸针"
    assert result.flags == (FLAG_FULL_FRAMES,)


def test_a_loop_that_stays_and_is_too_fast_for_a_tongue_is_cut():
    engine = ScriptedEngine({(2, False): "这条围巾很软" * 9, (2, True): "这条围巾很软" * 9})
    (result,) = decode(engine, [window(2)], DecodeOptions())
    assert text(result) == "这条围巾很软"
    assert result.flags == (FLAG_FULL_FRAMES, FLAG_LOOP)


def test_without_retry_a_loop_is_cut_at_once():
    engine = ScriptedEngine({(5, False): "这条围巾很软" * 3})
    (result,) = decode(engine, [window(5)], DecodeOptions(retry=False))
    assert text(result) == "这条围巾很软"
    assert result.flags == (FLAG_LOOP,)


@pytest.mark.parametrize("retry", [True, False])
def test_a_chant_is_speech_and_keeps_its_raw_text(retry):
    chant = "买它" * 10
    engine = ScriptedEngine({(5, False): chant, (5, True): chant})
    (result,) = decode(engine, [window(5)], DecodeOptions(retry=retry))
    assert text(result) == chant
    assert FLAG_REPEATED in result.flags


def test_a_window_that_leaves_speech_out_is_decoded_in_halves_cut_at_a_pause():
    engine = ScriptedEngine({(9, False): "首先", (4, False): "首先说一下价格", (5, False): "然后再看看颜色和尺寸"})
    (result,) = decode(engine, [window(9, speech=((0, 3_800), (4_200, 9_000)))], DecodeOptions())
    assert text(result) == "首先说一下价格然后再看看颜色和尺寸"
    assert result.flags == (FLAG_HALVES,)
    assert result.words[7].start_ms >= 4_000


def test_halves_that_hold_no_more_are_not_taken():
    engine = ScriptedEngine({(9, False): "嗯哦", (4, False): "嗯", (5, False): "哦"})
    (result,) = decode(engine, [window(9, speech=((0, 3_800), (4_200, 9_000)))], DecodeOptions())
    assert text(result) == "嗯哦"
    assert result.flags == ()


def test_credits_heard_in_silence_are_nothing():
    engine = ScriptedEngine({(2, False): "字幕由某某提供"})
    assert decode(engine, [window(2)], DecodeOptions()) == [NOTHING]


def test_credits_after_the_speech_are_cut_off():
    engine = ScriptedEngine({(10, False): "这口锅三百块今天包邮字幕由某某提供哦哦"})
    (result,) = decode(engine, [window(10, speech=((0, 5_000),))], DecodeOptions())
    assert text(result) == "这口锅三百块今天包邮"


def test_a_batching_engine_gets_windows_of_like_length_together_and_order_is_kept():
    answers = {2: "甲子乙丑丙寅", 3: "丁卯戊辰己巳", 4: "庚午辛未壬申癸酉"}
    engine = ScriptedEngine({(seconds, False): answer for seconds, answer in answers.items()}, batch_size=2)
    results = decode(engine, [window(4), window(2), window(3)], DecodeOptions())
    assert [text(r) for r in results] == [answers[4], answers[2], answers[3]]
    assert [seconds for seconds, _ in engine.batches] == [[2, 3], [4]]


def test_no_windows_no_work():
    assert decode(ScriptedEngine({}), [], DecodeOptions()) == []


def test_the_cap_grows_with_the_speech():
    assert token_cap(10, DecodeOptions()) == 140


def placed(text_: str, times, speech, keep) -> tuple[str, list]:
    """What is kept of one-character words at these alignment times."""
    window_ = AudioWindow(np.zeros(6 * SAMPLE_RATE, dtype=np.float32), 0, speech, keep)
    tokens = tuple(
        fit_to_speech([Token(c, a, b, Word(c, a, b, 0.9)) for c, (a, b) in zip(text_, times, strict=True)], speech)
    )
    result = kept(Decoded(tokens, (), -0.2), window_)
    return text(result), [(word.start_ms, word.end_ms) for word in result.words]


def test_only_words_said_in_the_window_are_kept():
    times = [(0, 400), (400, 800), (1_500, 1_800), (1_800, 2_100)]
    assert placed("前文新的", times, ((0, 800), (1_500, 2_100)), (1_300, 2_100))[0] == "新的"


def test_a_first_word_that_alignment_lays_over_the_pause_before_it_is_kept_where_it_is_said():
    said, times = placed("新的", [(0, 1_900), (1_900, 2_200)], ((0, 800), (1_800, 2_200)), (1_500, 2_200))
    assert said == "新的"
    assert times[0] == (1_800, 1_900)


def test_a_seam_without_pause_gives_every_word_to_one_window():
    times = [(0, 900), (900, 1_200), (1_200, 1_600)]
    speech = ((0, 1_600),)
    first, second = placed("甲乙丙", times, speech, (0, 1_060))[0], placed("甲乙丙", times, speech, (1_060, 1_600))[0]
    assert first + second == "甲乙丙"
