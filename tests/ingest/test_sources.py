"""What names a source, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInputError
from ingest.sources import media_files, parse_source


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("https://cdn.example/live/1.m3u8?token=x", "hls"),
        ("http://cdn.example/live/1.flv", "http"),
        ("rtmp://host:1935/live/room", "rtmp"),
        ("RTMPS://host/live/room", "rtmp"),
        ("rtsp://user:secret@10.0.0.2/stream", "rtsp"),
        ("srt://host:9000?mode=caller", "srt"),
    ],
)
def test_addresses_are_live(text, kind):
    source = parse_source(text)
    assert (source.kind, source.live, source.location) == (kind, True, text)


def test_labels_hide_passwords_and_tokens():
    assert parse_source("rtsp://user:secret@host:554/a?key=x").label == "rtsp://host:554/a"


def test_a_path_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "直播 1:2.mp4").touch()
    monkeypatch.chdir(tmp_path)
    for text in ("直播 1:2.mp4", str(tmp_path / "直播 1:2.mp4"), f"file://{tmp_path}/直播 1:2.mp4"):
        source = parse_source(text)
        assert (source.kind, source.live) == ("file", False)
        assert source.location == str(tmp_path / "直播 1:2.mp4")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nowhere.mp4", "file_missing"),
        ("", "file_missing"),
        ("~nobody/x.mp4", "file_missing"),
        ("x" * 3000, "file_missing"),
        (".", "not_a_file"),
        ("concat://a|b", "unsupported_scheme"),
        ("ftp://host/x", "unsupported_scheme"),
        ("http://", "bad_source"),
        ("http://host:99999/x", "bad_source"),
        ("http://host/\x00x", "bad_source"),
        ("rtmp://" + "x" * 5000, "bad_source"),
    ],
)
def test_anything_else_gets_a_sentence(text, code):
    with pytest.raises(BadInputError) as caught:
        parse_source(text)
    assert caught.value.code == code and caught.value.sentence.zh


@given(st.text(max_size=60))
def test_no_text_ever_raises_anything_else(text):
    try:
        parse_source(text)
    except BadInputError as error:
        assert error.sentence.en


def test_folders_are_walked_and_named_files_are_taken(tmp_path):
    for name in ("b/2.mp4", "b/c/3.MP3", "b/notes.txt", "odd.bin"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = media_files([tmp_path / "odd.bin", tmp_path / "b", tmp_path / "b/2.mp4"])
    assert found == [tmp_path / "b/2.mp4", tmp_path / "b/c/3.MP3", tmp_path / "odd.bin"]
    with pytest.raises(BadInputError, match="file_missing"):
        media_files([tmp_path / "none"])
