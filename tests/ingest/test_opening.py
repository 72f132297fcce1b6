"""How soon a live MPEG-TS is recorded, and that one which shows itself late is waited for."""

import subprocess
import threading
import time
from contextlib import contextmanager

import pytest

from ingest.commands import ffmpeg_path
from ingest.session import ReconnectPolicy, StreamRecorder
from ingest.sources import parse_source
from tests.ingest.broadcaster import Broadcaster

pytestmark = pytest.mark.slow
LENGTH = 16
POLICY = ReconnectPolicy(first_delay_s=0.1, max_delay_s=0.2, give_up_after_s=5)


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory):
    """MPEG-TS with a keyframe every five seconds, and sound from ``sound_at`` on."""
    folder = tmp_path_factory.mktemp("broadcast")

    def made(sound_at):
        target = folder / f"{sound_at}.ts"
        picture = ["-f", "lavfi", "-i", f"testsrc2=size=160x90:rate=25:duration={LENGTH}"]
        sound = ["-itsoffset", str(sound_at), "-f", "lavfi", "-i", f"sine=duration={LENGTH - sound_at}"]
        coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "125", "-sc_threshold", "0", "-c:a", "aac"]
        command = [ffmpeg_path(), "-v", "error", *picture, *sound, *coded, str(target)]
        subprocess.run(command, check=True, timeout=60)
        return target.read_bytes()

    return made


@contextmanager
def recorded(url, folder, listener):
    recorder = StreamRecorder("room", parse_source(url), folder, listener, segment_seconds=2, policy=POLICY)
    thread = threading.Thread(target=recorder.run)
    thread.start()
    try:
        yield
    finally:
        recorder.stop()
        thread.join(30)


def test_recording_begins_two_seconds_after_the_connection(tmp_path, listener, tools, broadcast):
    with Broadcaster((broadcast(0), LENGTH)) as server, recorded(server.url, tmp_path, listener):
        tools.wait_for(lambda: server.connections)
        began = time.monotonic()
        tools.wait_for(lambda: listener.epochs)
        assert time.monotonic() - began < 5, "ffmpeg's own 5 s are not waited for"


@pytest.mark.parametrize(("sound_at", "joined_s"), [(4, 0), (0, 1)], ids=["late sound", "joined between keyframes"])
def test_what_shows_itself_late_is_waited_for(tmp_path, listener, tools, broadcast, sound_at, joined_s):
    whole = broadcast(sound_at)
    rest = whole[round(len(whole) * joined_s / LENGTH / 188) * 188 :]
    with Broadcaster((rest, LENGTH - joined_s), speed=2) as server, recorded(server.url, tmp_path, listener):
        tools.wait_for(lambda: listener.segments)
        assert server.connections == 2
    (epoch,) = listener.epochs[:1]
    assert (epoch.video_codec, epoch.audio_codec) == ("h264", "aac")
    assert listener.gaps == []
