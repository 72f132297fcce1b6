"""The whole path on real weights and the bundled broadcast; memory and silence with and without them."""

import resource
from dataclasses import replace

import numpy as np
import pytest

from asr.decode import Decoded, DecodeOptions, decode
from asr.transcriber import RECALL_SAMPLES, Listener, Transcriber, TranscriberOptions, utterances
from asr.windows import LIVE_POLICY
from asr.words import Token
from core.alignment import word_ranges
from core.pinyin import merged_syllables
from core.records import ModelIdentity, Word
from ingest.pcm import decode_pcm
from livewitness.bench.scoring import score
from livewitness.broadcast import load_truth, media_path
from models.speech import SAMPLE_RATE
from models.vad import load_vad

GREEDY = TranscriberOptions(decode=DecodeOptions(beam_size=1))


@pytest.fixture(scope="module")
def audio():
    return np.concatenate([*decode_pcm([media_path()])])


@pytest.fixture(scope="module")
def heard(engine, audio):
    """The broadcast as a live stream would feed it, half a second at a time."""
    transcriber = Transcriber(engine, load_vad(), start_ms=60_000)
    found = [h for i in range(0, len(audio), 8_000) for h in transcriber.feed(audio[i : i + 8_000])]
    return [*found, *transcriber.finish()]


class DeafEngine:
    """An engine that must not be asked: nobody speaks."""

    identity = ModelIdentity("deaf", "")
    batch_size = 1

    def encode(self, windows, *, pad_frames):
        raise AssertionError("silence was decoded")

    generate = align = encode


@pytest.mark.slow
def test_the_broadcast_is_heard_about_as_it_was_said(heard):
    truth = load_truth()
    terms = [term for sentence in truth for term in sentence.terms]
    result = score("".join(s.text for s in truth), "".join(h.text for h in heard), terms)
    assert result.cer < 0.15
    assert result.sound_error < 0.06
    assert result.terms_near >= 0.9 * len(terms)


def live_windows(audio, listener):
    """Windows as they close, each with the cursor behind it."""
    found = []
    for first in range(0, len(audio), 4_000):
        for window in listener.feed(audio[first : first + 4_000]):
            found.append((window, listener.settled_ms))
    return [*found, *((window, listener.settled_ms) for window in listener.finish())]


@pytest.mark.slow
def test_a_listener_that_goes_on_at_the_cursor_of_another_hears_as_that_one_would_have(engine, audio):
    """Cut where nobody pauses; what follows is found once, neither twice nor lost."""
    piece = audio[: 24 * SAMPLE_RATE]
    policy = replace(LIVE_POLICY, pauses=((0, 900),), limit_ms=4_000)
    whole = live_windows(piece, Listener(load_vad(), policy))
    at, cursor = next(
        (n, ms) for n, (window, ms) in enumerate(whole, 1) if window.keep[1] == ms and ms * 16 >= RECALL_SAMPLES
    )
    here = cursor * SAMPLE_RATE // 1000
    warm = Listener(load_vad(), policy, start_ms=(here - RECALL_SAMPLES) * 1000 // SAMPLE_RATE)
    warm.recall(piece[here - RECALL_SAMPLES : here])
    assert warm.settled_ms == cursor
    after = live_windows(piece[here:], warm)
    kept, expected = ([window.keep for window, _ in found[:2]] for found in (after, whole[at:]))
    assert np.allclose(kept, expected, atol=100)
    assert after[0][0].keep[0] == cursor
    assert after[0][0].start_ms < cursor, "what was said before is decoded along"

    def texts(windows):
        decoded = decode(engine, [window for window, _ in windows], DecodeOptions(beam_size=1))
        return "".join(heard.text for result in decoded for heard in utterances(result))

    assert texts(after[:2]) == texts(whole[at : at + 2])


@pytest.mark.slow
def test_words_are_where_they_were_said(heard):
    """Every term that was understood by sound starts inside its sentence."""
    words = [word for h in heard for word in h.words]
    sounds = [merged_syllables(word.text) for word in words]
    flat = [(sound, word) for parts, word in zip(sounds, words, strict=True) for sound in parts]
    found = 0
    for sentence in load_truth():
        for term in sentence.terms:
            wanted = merged_syllables(term)
            places = [i for i in range(len(flat)) if [s for s, _ in flat[i : i + len(wanted)]] == wanted]
            starts = [flat[i][1].start_ms / 1000 - 60 for i in places]
            if starts:
                found += 1
                assert any(sentence.start - 0.3 <= start <= sentence.end for start in starts), (term, starts)
    assert found >= 10


@pytest.mark.slow
def test_utterances_are_in_order_and_their_words_spell_them(heard):
    ends = 60_000
    for h in heard:
        assert ends <= h.start_ms < h.end_ms
        assert len(word_ranges(h.text, h.words)) == len(h.words)
        bare = "".join(char for char in h.text if char not in "，。！？、；： ")
        assert "".join(word.text for word in h.words).replace(" ", "") == bare
        assert all(a.start_ms <= b.start_ms for a, b in zip(h.words, h.words[1:], strict=False))
        assert -2 < h.logprob < 0
        ends = h.end_ms


@pytest.mark.slow
def test_pauses_became_commas(heard):
    text = "".join(h.text for h in heard)
    sentences = len(load_truth())
    assert sentences <= sum(text.count(mark) for mark in "，。？！") <= 4 * sentences


@pytest.mark.slow
def test_the_text_is_simplified(heard):
    assert not set("這麼說還沒個們對") & set("".join(h.text for h in heard))


def test_int16_and_float_blocks_of_any_size_give_the_same_text(engine, audio):
    part = audio[: 12 * SAMPLE_RATE]
    once = Transcriber(engine, load_vad(), GREEDY)
    at_once = [*once.feed(np.round(part * 32_768).clip(-32_768, 32_767).astype(np.int16)), *once.finish()]
    stepwise = Transcriber(engine, load_vad(), GREEDY)
    found = [h for i in range(0, len(part), 1_234) for h in stepwise.feed(part[i : i + 1_234])]
    assert [h.text for h in [*found, *stepwise.finish()]] == [h.text for h in at_once]


def test_the_cursor_follows_the_audio_and_never_passes_what_is_open(engine, audio):
    transcriber = Transcriber(engine, load_vad(), GREEDY)
    cursor = 0
    for i in range(0, 15 * SAMPLE_RATE, 8_000):
        last = [h.end_ms for h in transcriber.feed(audio[i : i + 8_000])]
        assert cursor <= transcriber.decoded_ms <= transcriber.fed_ms
        assert all(end <= transcriber.decoded_ms + 200 for end in last)
        cursor = transcriber.decoded_ms
    transcriber.finish()
    assert transcriber.decoded_ms == pytest.approx(15_000, abs=32)


def test_a_restart_at_the_cursor_loses_no_word(engine, audio):
    first = Transcriber(engine, load_vad(), GREEDY)
    before = first.feed(audio[: 14 * SAMPLE_RATE])
    cursor = first.decoded_ms
    second = Transcriber(engine, load_vad(), GREEDY, start_ms=cursor)
    after = [*second.feed(audio[cursor * 16 : 24 * SAMPLE_RATE]), *second.finish()]
    said = "".join(s.text for s in load_truth() if s.end <= 24)
    assert score(said, "".join(h.text for h in [*before, *after])).sound_error < 0.25


def test_noise_is_not_speech():
    transcriber = Transcriber(DeafEngine(), load_vad())
    noise = np.random.default_rng(1).normal(0, 0.01, 60 * SAMPLE_RATE).astype(np.float32)
    assert transcriber.feed(noise) + transcriber.finish() == []


def test_a_day_of_silence_takes_no_memory_and_hardly_any_time():
    transcriber = Transcriber(DeafEngine(), load_vad())
    minute = np.zeros(60 * SAMPLE_RATE, dtype=np.int16)
    transcriber.feed(minute)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(24 * 60 - 1):
        assert transcriber.feed(minute) == []
    assert transcriber.finish() == []
    assert transcriber.decoded_ms == 24 * 3_600_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.mark.slow
def test_audio_without_end_and_without_pauses_is_cut_and_memory_stays_bounded(engine, audio):
    """Two minutes of speech with its pauses taken out: windows close at the limit."""
    detector = load_vad()
    frames = audio[: len(audio) // 512 * 512].reshape(-1, 512)
    speech = np.tile(frames[detector.probabilities(audio)[: len(frames)] > 0.9].ravel(), 2)[: 100 * SAMPLE_RATE]
    transcriber = Transcriber(engine, load_vad(), GREEDY)
    found = []
    for i in range(0, len(speech), 16_000):
        found += transcriber.feed(speech[i : i + 16_000])
        assert len(transcriber._listener._audio) < 20 * SAMPLE_RATE
    found += transcriber.finish()
    assert len("".join(h.text for h in found)) > 300


def test_nothing_fed_nothing_heard():
    transcriber = Transcriber(DeafEngine(), load_vad())
    assert transcriber.feed(np.zeros(0, dtype=np.float32)) + transcriber.finish() == []


def test_a_long_pause_parts_two_utterances():
    def token(text, start, end):
        return Token(text, start, end, Word(text, start, end, 0.9))

    decoded = Decoded((token("好", 0, 200), token("的", 200, 400), token("来", 1_400, 1_600)), ("f",), -0.2)
    assert [(h.text, h.start_ms, h.end_ms, h.flags) for h in utterances(decoded)] == [
        ("好的。", 0, 400, ("f",)),
        ("来。", 1_400, 1_600, ("f",)),
    ]
