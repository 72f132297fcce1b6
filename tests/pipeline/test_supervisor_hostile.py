"""Streams that misbehave in every way at once, and one that does not, in one process: the one is untouched.

Real ffmpeg, real weights, servers on loopback.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from core.watch_config import WatchConfig
from ingest.commands import ffmpeg_path
from ingest.hls_server import HlsLoopbackServer
from ingest.session import ReconnectPolicy
from ingest.sources import parse_source
from pipeline.live import StreamWatch, WatchOptions
from pipeline.supervisor import Supervisor, SupervisorOptions
from pipeline.telling import telling
from store import outbox, recordings
from tests.ingest.broadcaster import Broadcaster

pytestmark = pytest.mark.slow

KILLS = 3


@pytest.fixture
def events() -> list[dict]:
    return []


@pytest.fixture
def supervisor(parts, events):
    def make(config, emit) -> StreamWatch:
        options = WatchOptions(reconnect=ReconnectPolicy(0.2, 0.5, give_up_after_s=3), segment_seconds=2)
        return StreamWatch(parts, config.stream(), parse_source(config.source), emit, options)

    options = SupervisorOptions(ReconnectPolicy(first_delay_s=0.5, max_delay_s=2.0, jitter=0))
    running = Supervisor(make, telling(parts.db, events.append), options)
    yield running
    running.close()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory, piece) -> bytes:
    """The piece as MPEG-TS with a tenth of its packets' payload overwritten: ffmpeg complains about each."""
    whole = tmp_path_factory.mktemp("damaged") / "whole.ts"
    command = [ffmpeg_path(), "-v", "error", "-i", str(piece), "-c", "copy", str(whole)]
    subprocess.run(command, check=True, timeout=60)
    data, chance = bytearray(whole.read_bytes()), random.Random(1)
    for at in range(188 * 400, len(data), 188):
        if chance.random() < 0.1:
            data[at + 20 : at + 180] = chance.randbytes(160)
    return bytes(data)


class Speechless:
    """Takes connections and never says a word."""

    def __enter__(self):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.1)
        self._taken, self._stop = [], threading.Event()
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/live.ts"
        return self

    def _accept(self):
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                self._taken.append(self._listening.accept()[0])

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        for connection in [*self._taken, self._listening]:
            connection.close()


def ffmpeg_of(url: str) -> int | None:
    """The recording process that reads ``url``: a child of ours and of nobody else."""
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, IndexError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if url.encode() in words and int(parent) == os.getpid():
                return int(folder.name)
    return None


def wait_until(holds, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_that_is_killed_again_and_again_floods_hangs_and_a_disk_error_touch_no_other(
    supervisor, events, parts, piece, damaged
) -> None:
    def of(name: str, event: str) -> list[dict]:
        return [e for e in list(events) if e["event"] == event and e["stream"] == name]

    with (
        HlsLoopbackServer(piece) as fine,
        HlsLoopbackServer(piece) as killed,
        HlsLoopbackServer(piece) as unwritable,
        Broadcaster((damaged, 24), (b"", 60)) as flooding,
        Speechless() as speechless,
    ):
        for name, url in {
            "fine": fine.url,
            "killed": killed.url,
            "unwritable": unwritable.url,
            "flooding": flooding.url,
            "speechless": speechless.url,
        }.items():
            supervisor.add(WatchConfig(name=name, source=url))
        wait_until(lambda: of("unwritable", "segment"))
        folder = parts.data_dir / "streams" / "unwritable"
        shutil.rmtree(folder)
        folder.write_text("a file where a folder should be")
        for count in range(KILLS):
            wait_until(lambda: len(of("killed", "epoch")) > count)  # noqa: B023 - called at once
            wait_until(lambda: ffmpeg_of(killed.url) is not None)
            os.kill(ffmpeg_of(killed.url), signal.SIGKILL)
            wait_until(lambda: len(of("killed", "gap")) > count)  # noqa: B023 - called at once
        wait_until(lambda: supervisor.state("fine")["state"] == "ended")
        wait_until(lambda: len(of("speechless", "stream.failed")) >= 2)
        hanging = supervisor.state("speechless")
        wait_until(lambda: of("unwritable", "stream.failed"))
        wait_until(lambda: of("flooding", "segment"))
        supervisor.stop_all()
        wait_until(supervisor.settled)

    assert (supervisor.state("fine")["runs"], of("fine", "gap"), of("fine", "stream.failed")) == (1, [], [])
    reasons = {gap["reason"] for gap in of("killed", "gap")}
    assert reasons == {"recorder_died"}
    assert supervisor.state("killed")["runs"] == 1, "a killed ffmpeg is the watch's own affair"
    assert hanging["runs"] >= 2
    assert of("speechless", "stream.failed")[0]["error"]["code"] == "source_timeout"
    assert of("unwritable", "stream.failed")[0]["error"]["zh"]
    with parts.db.read() as c:
        assert recordings.recorded_ms(c, "fine") >= 22_000
        assert recordings.recorded_ms(c, "flooding") > 0
        assert len(recordings.list_epochs(c, "killed")) == KILLS + 1
        told = [json.loads(e.payload) for e in outbox.after(c, 0, 10_000)]
    assert [e for e in told if e["stream"] == "fine" and e["event"] == "alert" and e["status"] == "confirmed"]
    assert {e["stream"] for e in told if e["event"] == "stream.failed"} >= {"speechless", "unwritable"}


def test_pauses_between_runs_grow(supervisor, events) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/live.ts"
    supervisor.add(WatchConfig(name="gone", source=url))

    def failed() -> list[str]:
        return [e["at"] for e in list(events) if e["event"] == "stream.failed"]

    wait_until(lambda: len(failed()) >= 4, 30)
    supervisor.stop("gone")
    pauses = [_seconds(e["retry_at"]) - _seconds(e["at"]) for e in events if e["event"] == "stream.failed"][:4]
    assert pauses == pytest.approx([0.5, 1.0, 2.0, 2.0], abs=0.1)


def _seconds(moment: str) -> float:
    from core.clock import parse_iso

    return parse_iso(moment).timestamp()
