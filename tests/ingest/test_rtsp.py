"""What a relay does to RTSP: names are exchanged, packets pass, redirections do not."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp import Messages, names_of

NAMES = names_of("rtsp://me:pass@cam.example:8554/live", 4000)
REQUEST = b"DESCRIBE rtsp://127.0.0.1:4000/live RTSP/1.0\r\nCSeq: 2\r\n\r\n"
SDP = b"a=control:rtsp://cam.example:8554/live/track1\r\n"
ANSWER = b"RTSP/1.0 200 OK\r\nContent-Base: rtsp://CAM.example:8554/live/\r\nContent-Length: %d\r\n\r\n%s"
PACKET = b"$\x00\x00\x05rtsp:"


def test_the_server_hears_its_own_name():
    up = Messages(NAMES, to_server=True)
    assert up(REQUEST) == REQUEST.replace(b"127.0.0.1:4000", b"cam.example:8554")


def test_ffmpeg_hears_only_ours_and_the_length_is_right_again():
    down = Messages(NAMES, to_server=False)
    body = SDP.replace(b"cam.example:8554", b"127.0.0.1:4000")
    expected = ANSWER.replace(b"CAM.example:8554", b"127.0.0.1:4000") % (len(body), body)
    assert down(ANSWER % (len(SDP), SDP)) == expected


@pytest.mark.parametrize("other", [b"rtsp://cam.example.org/x", b"rtsp://cam.example:85541/x", b"rtsp://other/x"])
def test_other_names_stay(other):
    message = b"RTSP/1.0 200 OK\r\nContent-Base: " + other + b"\r\n\r\n"
    assert Messages(NAMES, to_server=False)(message) == message


def test_a_redirection_is_not_passed_on():
    with pytest.raises(ConnectionError, match="redirects"):
        Messages(NAMES, to_server=False)(b"RTSP/1.0 302 Found\r\nLocation: rtsp://10.0.0.1/\r\n\r\n")


def test_a_digest_is_made_anew_over_the_name_that_the_server_sees():
    def md5(text):
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    line = 'Authorization: Digest username="me", realm="cam", nonce="n", uri="rtsp://127.0.0.1:4000/live", response="0"'
    sent = Messages(NAMES, to_server=True)(REQUEST[:-2] + line.encode() + b"\r\n\r\n").decode()
    right = md5(f"{md5('me:cam:pass')}:n:{md5('DESCRIBE:rtsp://cam.example:8554/live')}")
    assert f'uri="rtsp://cam.example:8554/live", response="{right}"\r\n\r\n' in sent


@given(st.lists(st.sampled_from([PACKET, b"$\x01\x00\x00", ANSWER % (len(SDP), SDP)]), max_size=6), st.data())
def test_it_does_not_matter_how_the_bytes_are_cut(pieces, data):
    whole = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    cut, at_once = Messages(NAMES, to_server=False), Messages(NAMES, to_server=False)
    assert b"".join(map(cut, parts)) == at_once(whole)


def test_a_message_without_end_is_given_up():
    with pytest.raises(ConnectionError, match="does not end"):
        Messages(NAMES, to_server=False)(b"a" * 300_000)
