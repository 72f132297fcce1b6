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
    DecodeOptions,
    decode,
    token_cap,
)
from core.records import ModelIdentity
from models.speech import SAMPLE_RATE, Hypothesis, TimedPiece


class _Encoded:
    def __init__(self, seconds, full_frames):
        self.seconds, self.full_frames, self.size = seconds, full_frames, len(seconds)


class ScriptedEngine:
    """Answers by window length (seconds) and whether full frames were asked for; one character is one token."""

    identity = ModelIdentity("scripted", "")

    def __init__(self, answers, batch_size=1, no_speech=0.0):
        self.answers, self.batch_size, self.no_speech, self.batches = answers, batch_size, no_speech, []

    def encode(self, windows, *, full_frames=False):
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
