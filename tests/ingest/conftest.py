"""Media made with ffmpeg's own generators, a listener that remembers, and live servers on loopback."""

import contextlib
import socket
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ingest.commands import ffmpeg_path

CLICKS = "aevalsrc='if(lt(mod(t,1),0.005),0.8*sin(2*PI*2000*t),0)':s=44100"


def make(*arguments):
    subprocess.run([ffmpeg_path(), "-v", "error", "-y", *map(str, arguments)], check=True, timeout=60)


@pytest.fixture(scope="session")
def media(tmp_path_factory):
    """A folder of small files; every ``clicks.*`` clicks at whole seconds of audio that starts at 1.3 s."""
    folder = tmp_path_factory.mktemp("media")
    video = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=12"]
    x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25"]
    make(
        *video, "-itsoffset", "1.3", "-f", "lavfi", "-t", "10.7", "-i", CLICKS,
        *x264, "-c:a", "aac", "-movflags", "faststart", folder / "clicks.mp4",
    )  # fmt: skip
    for suffix in ("flv", "ts"):
        make("-i", folder / "clicks.mp4", "-c", "copy", folder / f"clicks.{suffix}")
    make("-i", folder / "clicks.mp4", "-c:v", "copy", "-c:a", "flac", folder / "flac.mkv")
    make("-i", folder / "clicks.mp4", "-an", "-c:v", "copy", folder / "silent.mp4")
    make("-i", folder / "clicks.mp4", "-an", "-c:v", "copy", folder / "silent.ts")
    sine = ["-f", "lavfi", "-i", "sine=frequency=440:duration=3"]
    make(*sine, "-ac", "8", "-ar", "96000", folder / "surround.wav")
    whole = (folder / "clicks.mp4").read_bytes()
    (folder / "truncated.mp4").write_bytes(whole[: len(whole) // 2])
    make("-i", folder / "clicks.mp4", "-c", "copy", folder / "tail.mp4")
    (folder / "headless.mp4").write_bytes((folder / "tail.mp4").read_bytes()[:20_000])
    (folder / "text.mp4").write_text("这不是视频 " * 200, encoding="utf-8")
    (folder / "empty.mp4").touch()
    return folder


class Remember:
    """A `RecordingListener` that keeps what it is told, in order."""

    def __init__(self):
        self.epochs, self.ended, self.segments, self.gaps, self.blocks = [], [], [], [], []
        self.opened_gaps, self.losses = [], []
        self.events = []

    def epoch_started(self, epoch):
        self.events.append("epoch_started")
        self.epochs.append(epoch)

    def segment_closed(self, segment):
        self.events.append("segment_closed")
        self.segments.append(segment)

    def pcm(self, epoch, first_sample, samples, arrived):
        self.blocks.append((epoch.number, first_sample, samples.copy()))

    def epoch_ended(self, epoch):
        self.events.append("epoch_ended")
        self.ended.append(epoch)

    def gap(self, gap):
        self.events.append("gap")
        self.gaps.append(gap)

    def gap_opened(self, gap):
        self.opened_gaps.append(gap)

    def audio_lost(self, epoch, position_ms):
        self.losses.append((epoch.number, position_ms))

    def samples(self, epoch=1):
        """The epoch's samples joined; asserts that none is missing."""
        position, parts = 0, []
        for number, first, samples in self.blocks:
            if number == epoch:
                assert first == position
                position += samples.size
                parts.append(samples)
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)


@pytest.fixture
def listener():
    return Remember()


def clicks_in(samples, rate=16_000):
    """Times in seconds at which clicks start."""
    loud = np.flatnonzero(np.abs(samples.astype(np.float64)) > 0.2 * 32768)
    starts = loud[np.insert(np.diff(loud) > rate // 2, 0, True)] if loud.size else loud
    return starts / rate


def wait_for(condition, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ByteServer:
    """An HTTP server that answers every request with the same bytes, then holds its breath or hangs up."""

    def __init__(self, payload, *, hold, status="200 OK", sized=False):
        length = f"Content-Length: {len(payload)}\r\n" if sized else ""
        self._head = f"HTTP/1.0 {status}\r\n{length}\r\n".encode()
        self._payload, self._hold = payload, hold
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.05)
        self._held = []
        self.requests = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/live"

    def _serve(self):
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError, ConnectionError):
                connection, _ = self._listening.accept()
                self._answer(connection)

    def _answer(self, connection):
        connection.settimeout(5)
        self.requests += 1
        if self._payload is not None:
            connection.recv(4096)
            connection.sendall(self._head + self._payload)
        if self._hold:
            self._held.append(connection)
        else:
            connection.close()

    def close(self):
        self._stop.set()
        self._thread.join()
        for connection in [*self._held, self._listening]:
            connection.close()


@pytest.fixture
def byte_server():
    servers = []

    def start(payload, *, hold=False, **options):
        servers.append(ByteServer(payload, hold=hold, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class RtmpServer:
    """ffmpeg as an RTMP server for one client at a time: each gets the file from its start, at its own pace."""

    def __init__(self, file):
        self._port = free_port()
        self.url = f"rtmp://127.0.0.1:{self._port}/live/room"
        self._argv = [ffmpeg_path(), "-v", "error", "-nostdin", "-re", "-i", str(file)]
        self._argv += ["-c", "copy", "-f", "flv", "-listen", "1", self.url]
        self._stop = threading.Event()
        self._start()
        self._thread = threading.Thread(target=self._keep)
        self._thread.start()

    def _start(self):
        self._process = subprocess.Popen(self._argv, stderr=subprocess.DEVNULL)

    def wait_until_listening(self):
        row = f":{self._port:04X} 00000000:0000 0A"
        wait_for(lambda: row in Path("/proc/net/tcp").read_text())

    def _keep(self):
        while not self._stop.wait(0.05):
            if self._process.poll() is not None:
                self._start()

    def close(self):
        self._stop.set()
        self._thread.join()
        self._process.kill()
        self._process.wait()


@pytest.fixture
def rtmp_server(media):
    server = RtmpServer(media / "clicks.flv")
    server.wait_until_listening()
    yield server
    server.close()


@pytest.fixture
def tools():
    """Helpers that tests call: ``clicks_in``, ``wait_for``, ``make``."""

    class Tools:
        pass

    Tools.clicks_in = staticmethod(clicks_in)
    Tools.wait_for = staticmethod(wait_for)
    Tools.make = staticmethod(make)
    Tools.listener = Remember
    Tools.process_in = staticmethod(process_in)
    Tools.free_port = staticmethod(free_port)
    return Tools


def process_in(folder: Path):
    """Process id of the ffmpeg that works in ``folder``; ``None`` when there is none."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and (entry / "cwd").readlink().is_relative_to(folder):
                return int(entry.name)
    return None
