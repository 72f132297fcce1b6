"""The loopback server behaves like a live one."""

import time
import urllib.error
import urllib.request

import pytest

from core.errors import BadInputError
from ingest.hls_server import HlsLoopbackServer


def get(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.headers["Content-Type"], answer.read()


def test_fast_mode_has_everything_from_the_start(media):
    with HlsLoopbackServer(media / "clicks.mp4", realtime=False) as server:
        kind, playlist = get(server.url)
        assert kind == "application/vnd.apple.mpegurl" and b"#EXT-X-ENDLIST" in playlist
        names = [line for line in playlist.decode().splitlines() if not line.startswith("#")]
        kind, segment = get(server.url.replace("live.m3u8", names[0]))
        assert len(names) == 6 and kind == "video/mp2t" and segment[0] == 0x47


def test_realtime_mode_starts_with_the_first_segment(media):
    with HlsLoopbackServer(media / "clicks.mp4", realtime=True) as server:
        _, playlist = get(server.url)
    assert playlist.count(b"#EXTINF") <= 2 and b"#EXT-X-ENDLIST" not in playlist


def test_it_can_wait_until_somebody_asks(media):
    with HlsLoopbackServer(media / "clicks.mp4", when_asked=True) as server:
        time.sleep(3)
        _, first = get(server.url)
        time.sleep(5)
        _, later = get(server.url)
    assert first.count(b"#EXTINF") <= 2 and b"#EXT-X-MEDIA-SEQUENCE:0" in first
    assert later.count(b"#EXTINF") > first.count(b"#EXTINF"), "it goes on when whoever asked has gone"


def test_waiting_with_nothing_to_serve_is_told_to_whoever_asks(media):
    server = HlsLoopbackServer(media / "text.mp4", when_asked=True)
    with server, pytest.raises(urllib.error.HTTPError, match="503"):
        get(server.url)


def test_a_file_that_is_no_media_is_bad_input(media):
    with pytest.raises(BadInputError, match="cannot_serve"), HlsLoopbackServer(media / "text.mp4", realtime=False):
        pass
