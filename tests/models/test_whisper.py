"""The engine on real weights: truncated encoding, caps, alignment, and broken models."""

import numpy as np
import pytest

from core.errors import ModelError
from core.settings import Settings
from core.text import simplified
from ingest.pcm import decode_pcm
from livewitness.broadcast import load_truth, media_path
from models.cards import card
from models.library import resolve
from models.speech import ALL_FRAMES, SAMPLE_RATE
from models.whisper import load_whisper, pad_features, padded_length

PAD = 300


@pytest.fixture(scope="module")
def sentence():
    """The second sentence of the broadcast (先看这瓶精华…) with 0.2 s around it."""
    truth = load_truth()[1]
    audio = np.concatenate([*decode_pcm([media_path()])])
    return audio[int((truth.start - 0.2) * SAMPLE_RATE) : int((truth.end + 0.2) * SAMPLE_RATE)]


def test_the_identity_is_the_hash_on_the_card(engine):
    assert engine.identity.name == "whisper-base"
    assert engine.identity.sha256 == card("whisper-base").files[0].sha256


def test_the_encoder_gets_the_speech_and_three_seconds_of_padding(engine, sentence):
    encoded = engine.encode([sentence], pad_frames=PAD)
    frames = len(sentence) // 160
    assert encoded.frames == (frames,)
    assert encoded.output.shape[1] == padded_length(frames, PAD) // 2 < ALL_FRAMES // 4


@pytest.mark.parametrize("pad_frames", [PAD, ALL_FRAMES])
def test_truncated_or_full_it_hears_the_sentence(engine, sentence, pad_frames):
    encoded = engine.encode([sentence], pad_frames=pad_frames)
    (heard,) = engine.generate(encoded, beam_size=5, max_tokens=60)
    assert "三天" in simplified(heard.text)
    assert heard.token_count >= len(heard.pieces) > 8
    assert -1 < heard.logprob < 0


def test_pieces_get_times_in_order_inside_the_audio(engine, sentence):
    encoded = engine.encode([sentence], pad_frames=PAD)
    heard = engine.generate(encoded, beam_size=1, max_tokens=60)
    (pieces,) = engine.align(encoded, heard)
    assert "".join(piece.text for piece in pieces) == heard[0].text
    starts = [piece.start_s for piece in pieces]
    assert starts == sorted(starts)
    assert all(0 <= p.start_s <= p.end_s <= len(sentence) / SAMPLE_RATE + 0.1 for p in pieces)
    assert all(0 <= p.probability <= 1 for p in pieces)


def test_the_token_cap_holds_although_the_library_halves_it(engine, sentence):
    encoded = engine.encode([sentence], pad_frames=PAD)
    (capped,) = engine.generate(encoded, beam_size=1, max_tokens=5)
    assert 4 <= capped.token_count <= 6


def test_windows_of_different_length_go_together(engine, sentence):
    encoded = engine.encode([sentence, sentence[: SAMPLE_RATE * 2]], pad_frames=PAD)
    heard = engine.generate(encoded, beam_size=1, max_tokens=60)
    assert encoded.size == len(heard) == len(engine.align(encoded, heard)) == 2
    assert heard[0].token_count > heard[1].token_count


def test_an_empty_hypothesis_aligns_to_nothing(engine, sentence):
    encoded = engine.encode([sentence], pad_frames=PAD)
    (heard,) = engine.generate(encoded, beam_size=1, max_tokens=20)
    assert engine.align(encoded, [heard.first(0)]) == [()]


def test_a_few_samples_are_no_error(engine):
    encoded = engine.encode([np.zeros(10, dtype=np.float32)], pad_frames=PAD)
    assert len(engine.generate(encoded, beam_size=1, max_tokens=5)) == 1


def test_padding_uses_the_clips_own_silence():
    mel = np.array([[1.0, -0.5], [0.25, 2.0]], dtype=np.float32)
    np.testing.assert_array_equal(pad_features(mel, 4)[:, 2:], np.full((2, 2), -0.5))
    assert padded_length(2_999, PAD) == ALL_FRAMES
    assert all(padded_length(n, PAD) % 2 == 0 for n in range(100))


def test_a_local_copy_loads_by_path(tmp_path, sentence):
    folder = tmp_path / "my-whisper"
    folder.mkdir()
    for file in resolve("whisper-base", Settings().cache_dir).glob("*.*"):
        (folder / file.name).symlink_to(file)
    local = load_whisper(str(folder), cache_dir=tmp_path, device="cpu")
    assert local.identity.name == "my-whisper"
    (heard,) = local.generate(local.encode([sentence], pad_frames=PAD), beam_size=1, max_tokens=40)
    assert heard.text


def test_a_folder_with_broken_weights_is_one_clear_sentence(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"these are no weights")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_whisper(str(tmp_path), cache_dir=tmp_path, device="cpu")
