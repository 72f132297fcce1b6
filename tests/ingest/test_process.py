"""Whatever a process says, and however much, it is read, bounded and ended."""

import sys
import time

import pytest

from ingest.commands import ffmpeg_path
from ingest.process import FfmpegProcess, takes_option


def python(code: str, folder) -> FfmpegProcess:
    return FfmpegProcess([sys.executable, "-c", code], cwd=folder, stdout=False)


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nwhile True: sys.stderr.write('[aac @ 0x1] Number of bands (3) exceeds limit (2).\\n' * 1000)",
        "import sys\nwhile True: sys.stderr.write('no end of line ' * 1000)",
        "import sys\nwhile True: sys.stderr.buffer.write(bytes(range(256)) * 100)",
    ],
    ids=["lines", "one endless line", "bytes that are no text"],
)
def test_a_flood_of_messages_is_read_kept_short_and_can_be_ended(tmp_path, code):
    process = python(code, tmp_path)
    time.sleep(1)
    assert process.running()
    began = time.monotonic()
    process.close()
    assert time.monotonic() - began < 5
    assert not process.running()
    tail = process.tail()
    assert 0 < len(tail) <= 200
    assert max(map(len, tail)) <= 4096


def test_a_process_that_ignores_a_polite_request_is_killed(tmp_path):
    code = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(flush=True)\ntime.sleep(60)"
    process = FfmpegProcess([sys.executable, "-c", code], cwd=tmp_path)
    assert process.stdout.readline() == b"\n"
    assert process.stop(grace_s=0.5) == -9
    process.close()


def test_an_ffmpeg_is_asked_which_options_it_knows(tmp_path):
    assert takes_option(ffmpeg_path(), "drop_changed")
    assert not takes_option(ffmpeg_path(), "no_such_option")
    assert not takes_option(str(tmp_path / "missing"), "drop_changed")
