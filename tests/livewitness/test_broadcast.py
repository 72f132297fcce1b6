"""The bundled broadcast is small, playable, and its ground truth matches what is heard."""

import hashlib
import re
from collections import Counter
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from livewitness import broadcast
from livewitness.broadcast import make_broadcast, slides, voice

RATE = 48_000
FRAME_SECONDS = 0.005
TOLERANCE_SECONDS = 0.03
CLASSES = {
    "absolute_term",
    "efficacy_exaggerated",
    "medical_claim",
    "health_food_disease",
    "cosmetic_special",
    "guarantee_promise",
    "price_fraud",
    "false_scarcity",
    "fake_endorsement_or_origin",
    "finance_or_return_promise",
    "off_platform_transaction",
}
TRUTH = broadcast.load_truth()
Levels = NDArray[np.float64]


@pytest.fixture(scope="module")
def levels() -> Levels:
    """RMS of each 5 ms of the decoded sound, placed by the decoder's own timestamps."""
    with av.open(str(broadcast.media_path())) as media:
        frames = [(frame.time, frame.to_ndarray()[0]) for frame in media.decode(audio=0)]
    first = frames[0][0]
    assert first is not None
    samples = np.concatenate([np.zeros(round(first * RATE)), *(sound for _, sound in frames)])
    size = round(RATE * FRAME_SECONDS)
    count = len(samples) // size
    level: Levels = np.sqrt(np.mean(samples[: count * size].reshape(count, size) ** 2, axis=1))
    return level


def between(levels: Levels, start: float, end: float) -> Levels:
    """The levels of [start, end) seconds."""
    return levels[round(start / FRAME_SECONDS) : round(end / FRAME_SECONDS)]


def test_media_is_small_and_in_the_formats_of_a_live_stream() -> None:
    assert broadcast.media_path().stat().st_size < 4_000_000
    with av.open(str(broadcast.media_path())) as media:
        video, audio = media.streams.video[0], media.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height) == (1280, 720)
        assert video.average_rate == 25
        assert (audio.codec_context.name, audio.rate, audio.channels) == ("aac", RATE, 1)
        assert media.duration is not None
        assert 80 <= media.duration / av.time_base <= 100


def test_every_gop_is_two_seconds() -> None:
    with av.open(str(broadcast.media_path())) as media:
        frames = [(frame.time, frame.key_frame) for frame in media.decode(video=0)]
    assert [time for time, key in frames if key] == [2.0 * index for index in range(len(frames) // 50)]
    assert len(frames) % 50 == 0


def test_index_lies_in_front_so_that_playback_starts_at_once() -> None:
    head = broadcast.media_path().read_bytes()[:100_000]
    assert 0 <= head.find(b"moov") < head.find(b"mdat")


def test_the_clock_on_the_slides_moves_every_second() -> None:
    box = (slice(24, 80), slice(1040, 1240))
    with av.open(str(broadcast.media_path())) as media:
        clocks: list[Any] = []
        for index, frame in enumerate(media.decode(video=0)):
            if index % 25 == 12:
                clocks.append(frame.to_ndarray(format="gray")[box].astype(int))
            if len(clocks) == 6:
                break
    for before, after in pairwise(clocks):
        assert np.abs(before - after).max() > 100


def test_sentences_follow_each_other_inside_the_media(levels: Levels) -> None:
    times = [time for sentence in TRUTH for time in (sentence.start, sentence.end)]
    assert times == sorted(set(times))
    assert times[0] > 0
    assert times[-1] < len(levels) * FRAME_SECONDS
    assert len({sentence.id for sentence in TRUTH}) == len(TRUTH)


def test_all_eleven_classes_and_as_many_lawful_sentences() -> None:
    labels = Counter(sentence.label for sentence in TRUTH)
    assert set(labels) == CLASSES | {"none"}
    assert labels["none"] >= 11
    assert len(TRUTH) - labels["none"] >= 11
    assert all(set(sentence.also) < CLASSES for sentence in TRUTH)


def test_terms_are_words_of_their_sentence_and_only_violations_have_them() -> None:
    for sentence in TRUTH:
        assert sentence.violating == bool(sentence.terms)
        assert all(term in sentence.text for term in sentence.terms)


def test_the_searched_claim_is_said_once_plainly_and_once_in_other_words() -> None:
    plain = [sentence for sentence in TRUTH if "三天祛斑" in sentence.text]
    other = [sentence for sentence in TRUTH if "斑" in sentence.text and "祛" not in sentence.text]
    assert [sentence.violating for sentence in plain + other] == [True, True]


@pytest.mark.parametrize("trigger", ["不敢说", "最后一件", "国妆特字", "第一次", "七天无理由", "祛斑"])
def test_lawful_sentences_contain_trigger_words(trigger: str) -> None:
    assert any(trigger in sentence.text for sentence in TRUTH if not sentence.violating)


def test_speech_begins_and_ends_where_the_truth_says(levels: Levels) -> None:
    for sentence in TRUTH:
        heard = between(levels, sentence.start - 0.2, sentence.end + 0.2)
        floor = heard.max() * 10 ** (voice.SPEECH_FLOOR_DB / 20)
        loud = np.flatnonzero(heard > floor) * FRAME_SECONDS + sentence.start - 0.2
        assert loud[0] == pytest.approx(sentence.start, abs=TOLERANCE_SECONDS), sentence.id
        assert loud[-1] == pytest.approx(sentence.end, abs=TOLERANCE_SECONDS), sentence.id


def test_pauses_are_silent_and_sentences_are_loud(levels: Levels) -> None:
    for before, after in pairwise(TRUTH):
        pause = between(levels, before.end + 0.06, after.start - 0.06)
        speech = between(levels, before.start, before.end)
        assert len(pause) > 0.25 / FRAME_SECONDS
        assert pause.max() < 0.001
        assert 0.05 < np.sqrt(np.mean(speech**2)) < 0.2


def test_nothing_clips() -> None:
    with av.open(str(broadcast.media_path())) as media:
        assert max(float(np.abs(frame.to_ndarray()).max()) for frame in media.decode(audio=0)) < 1.0


def test_truth_and_script_agree() -> None:
    rows = make_broadcast.read_script(broadcast.media_path().with_name("script.jsonl"))
    assert [(row["id"], row["text"], row["label"]) for row in rows] == [
        (sentence.id, sentence.text, sentence.label) for sentence in TRUTH
    ]
    for row, sentence, following in zip(rows, TRUTH, TRUTH[1:], strict=False):
        assert following.start - sentence.end == pytest.approx(row["pause"], abs=0.002)


def test_every_title_of_the_script_has_a_slide() -> None:
    rows = make_broadcast.read_script(broadcast.media_path().with_name("script.jsonl"))
    assert {row["title"] for row in rows} == set(slides.CARDS)


def test_sha256_in_the_readme_is_that_of_the_media() -> None:
    readme = broadcast.media_path().with_name("README.md").read_text(encoding="utf-8")
    digest = hashlib.sha256(broadcast.media_path().read_bytes()).hexdigest()
    assert re.findall(r"\b[0-9a-f]{64}\b", readme) == [digest]


def test_speech_bounds_skip_the_silence_at_both_ends() -> None:
    samples = np.zeros(24_000, dtype=np.float32)
    samples[6_000:18_000] = 0.3
    assert voice.speech_bounds(samples) == (6_000, 18_000)
    trimmed, edge = voice.trim_speech(samples)
    assert len(trimmed) == 12_000 + 2 * edge


def test_speech_bounds_refuse_silence() -> None:
    with pytest.raises(ValueError, match="no sound"):
        voice.speech_bounds(np.zeros(24_000, dtype=np.float32))


def test_levelled_speech_never_passes_the_peak_limit() -> None:
    spike = np.full(24_000, 0.001, dtype=np.float32)
    spike[100] = 0.9
    assert float(np.abs(voice.level_speech(spike)).max()) <= voice.PEAK_LIMIT + 1e-6
