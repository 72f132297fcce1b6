"""kill -9 at 50 random instants of a recording with ffmpeg: at most one segment is lost each time, nothing changes."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from evidence.archive import ArchiveCheck
from evidence.segment_log import log_path, read_log
from ingest.commands import ffmpeg_path
from tests.counts import SEED, times

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]
KILLS = times(10, 50)
RATE = 4
"""How many times faster than its own pace the source sends: shorter segments to wait for."""


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 s of MPEG-TS with a key frame every 0.2 s and silence."""
    target = tmp_path_factory.mktemp("live") / "live.ts"
    pictures = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=60"]
    sound = ["-f", "lavfi", "-t", "60", "-i", "anullsrc=r=16000:cl=mono"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-c:a", "aac", "-b:a", "24k", "-muxdelay", "0"]
    command = [ffmpeg_path(), "-v", "error", "-y", *pictures, *sound, *coded, str(target)]
    subprocess.run(command, check=True, timeout=60)
    return target


@pytest.fixture
def source(media: Path) -> Iterator[str]:
    """The address of a live server: each connection gets the stream from its beginning, two seconds of it at once."""
    content = media.read_bytes()
    step = len(content) // (60 * 20)
    step -= step % 188

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            try:
                self.wfile.write(content[: step * 40])
                for at in range(step * 40, len(content), step):
                    self.wfile.write(content[at : at + step])
                    time.sleep(0.05 / RATE)
            except OSError:
                return

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/live.ts"
    server.shutdown()
    thread.join()
    server.server_close()


def test_killed_again_and_again_at_most_one_segment_is_lost_each_time(source: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    program = str(Path(__file__).with_name("kill_watches.py"))
    command = [sys.executable, program, source, str(data), str(KILLS), SEED]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["exit"] == 0, done.stderr[-3000:]
    assert found["wrong"] == [], "after each kill every held hash was still true, and no line had changed"
    leaves = read_log(log_path(data, "s")).leaves
    logged = {leaf["sequence"]: leaf["sha256"] for leaf in leaves if leaf["kind"] == "segment"}
    assert dict(map(tuple, found["told"])).items() <= logged.items(), "a segment that was told is lost"
    assert sorted(logged) == found["listed"], "log and database differ"
    skipped = [leaf["last"] - leaf["first"] + 1 for leaf in leaves if leaf["kind"] == "skip"]
    assert max(skipped, default=0) <= 1, "more than one segment was lost at once"
    assert len(logged) + sum(skipped) == max(logged) - min(logged) + 1
    sessions = sum(leaf["kind"] == "session" for leaf in leaves)
    assert sessions > KILLS / 3, "most watches had begun to record when they were killed"
    assert len(logged) > 2 * sessions
    gaps = {leaf["reason"] for leaf in leaves if leaf["kind"] == "gap"}
    assert gaps == {"recorder_restarted"}
    check = ArchiveCheck(data)
    list(check.run())
    assert check.state.damages == []
