"""What probing finds, and how it refuses."""

import pytest

from core.errors import BadInputError
from ingest.probe import AudioInfo, VideoInfo, probe, probe_for_speech
from ingest.sources import parse_source


def test_streams_and_length_are_found(media):
    info = probe(str(media / "clicks.mp4"))
    assert info.video == VideoInfo("h264", 160, 90, 25.0)
    assert info.audio == AudioInfo("aac", 44_100, 1)
    assert "mp4" in info.container and info.duration_ms == pytest.approx(12_000, abs=50)
    assert probe(str(media / "surround.wav")).audio.channels == 8


def test_mp3_is_named_by_its_codec_not_by_its_decoder(media, tools, tmp_path):
    tools.make("-i", media / "surround.wav", "-ac", "1", "-ar", "44100", tmp_path / "a.mp3")
    assert probe(str(tmp_path / "a.mp3")).audio.codec == "mp3"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("text.mp4", "not_media"),
        ("empty.mp4", "empty_file"),
        ("headless.mp4", "truncated_file"),
        ("no.mp4", "file_missing"),
    ],
)
def test_files_that_are_no_media_are_bad_input(media, name, code):
    with pytest.raises(BadInputError) as caught:
        probe(str(media / name))
    assert caught.value.code == code


def test_speech_needs_audio(media):
    with pytest.raises(BadInputError, match="no_audio"):
        probe_for_speech(parse_source(str(media / "silent.mp4")))


def test_a_playlist_named_mp4_cannot_make_us_read_other_files(media, tmp_path):
    (tmp_path / "list.mp4").write_text(f"#EXTM3U\n#EXTINF:2,\n{media / 'clicks.ts'}\n#EXT-X-ENDLIST\n")
    with pytest.raises(BadInputError, match="not_media"):
        probe(str(tmp_path / "list.mp4"))


def test_a_picture_beyond_bounds_is_refused(tools, tmp_path):
    tools.make("-f", "lavfi", "-i", "color=size=4400x2400:rate=1:duration=1", "-c:v", "mpeg4", tmp_path / "big.mp4")
    with pytest.raises(BadInputError, match="picture_too_large"):
        probe(str(tmp_path / "big.mp4"))


def test_an_address_is_no_file_and_is_not_looked_at(byte_server):
    server = byte_server(b"")
    with pytest.raises(BadInputError, match="not_a_file"):
        probe(server.url)
    assert server.requests == 0
