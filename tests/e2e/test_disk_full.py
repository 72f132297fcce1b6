"""A disk that fills up during a live: an alarm, nothing held is touched, recording goes on when there is room.

Twice: on a small file system of its own, where this machine lets us mount one, and under a file size limit on the
recorder and its ffmpeg, which needs no rights and so runs everywhere.
"""

import contextlib
import hashlib
import json
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings
from evidence.archive import ArchiveCheck
from evidence.segment_log import log_path, read_log
from ingest.hls_server import HlsLoopbackServer
from livewitness.checks import disk
from store import outbox
from store.engine import open_database
from tests.e2e.conftest import Cli
from tests.e2e.test_interruptions import descendants

pytestmark = pytest.mark.slow
ROOM = 48 << 20
LEAST = 8 << 20
LEEWAY_S = 6.0
"""What an open segment held when the disk was full, and connecting again."""


def mounted(folder: Path) -> bool:
    """Whether a file system of 48 MiB could be mounted there."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


class SmallDisk:
    """The data directory is a file system of its own, and somebody else fills it."""

    def __init__(self, data: Path) -> None:
        self._ballast = data / "ballast"

    def fill(self, _pid: int) -> None:
        with contextlib.suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * (1 << 16))

    def free(self, _pid: int) -> None:
        self._ballast.unlink()


class FileSizeLimit:
    """The recorder and its ffmpeg may write no file beyond its first byte: every write fails, whatever is free."""

    def fill(self, pid: int) -> None:
        self._limit(pid, 1)

    def free(self, pid: int) -> None:
        self._limit(pid, resource.RLIM_INFINITY)

    def _limit(self, pid: int, size: int) -> None:
        for process in (pid, *descendants(pid)):
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.fixture(params=["file size limit", "small file system"])
def disk_and_cli(request, tmp_path: Path) -> Iterator[tuple[SmallDisk | FileSizeLimit, Cli]]:
    data = tmp_path / "data"
    small = request.param == "small file system" and mounted(data)
    # Where nothing may be mounted the limit stands in, which is what the other round tests already.
    cli = Cli(data)
    yield (SmallDisk(data) if small else FileSizeLimit()), cli
    cli.close()
    if small:
        subprocess.run(["umount", "-l", str(data)], check=True)


def held(data: Path) -> dict[str, str]:
    files = (data / "streams").rglob("[0-9]*.ts")
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files if p.parent.name != "open"}


def test_a_full_disk_is_told_and_outlasted(disk_and_cli, piece) -> None:
    full, cli = disk_and_cli
    settings = Settings(data=cli.data, min_free_bytes=LEAST)
    with HlsLoopbackServer(piece(0, 70), realtime=True) as server:
        arguments = ("watch", server.url, "--stream", "s", "--json")
        watching = cli.start(*arguments, LIVEWITNESS_MIN_FREE_BYTES=str(LEAST))
        watching.wait_for("segment", 2)
        before = held(cli.data)
        full.fill(watching.process.pid)
        filled = time.monotonic()
        (alarm,) = watching.wait_for("stream.disk_full", 1, 20)
        assert time.monotonic() - filled < 10
        assert alarm["error"]["code"] in {"disk_full", "disk_low", "store_unwritable", "log_unwritable"}
        if isinstance(full, SmallDisk):
            assert not disk.check(settings).ok
        time.sleep(5)
        assert watching.process.poll() is None, "the recorder outlasts it"
        assert {name: digest for name, digest in held(cli.data).items() if name in before} == before
        full.free(watching.process.pid)
        watching.wait_for("stream.disk_freed", 1, 20)
        outage_s = time.monotonic() - filled + LEEWAY_S
        told = len([e for e in watching.events if e["event"] == "segment"])
        watching.wait_for("segment", told + 2)
        watching.process.terminate()
        assert watching.wait(90) == 0
    assert disk.check(settings).ok
    lost = [e for e in watching.events if e["event"] == "gap"]
    assert [gap["reason"] for gap in lost] == ["disk_full"]
    # Shorter than the outage, or none at all: a live HLS server still has its last segments, and recording goes on as
    # soon as there is room.
    assert 0 <= lost[0]["end"] - lost[0]["start"] < outage_s
    leaves = read_log(log_path(cli.data, "s")).leaves
    assert [leaf["reason"] for leaf in leaves if leaf["kind"] == "gap"] == ["disk_full"]
    check = ArchiveCheck(cli.data)
    list(check.run())
    assert check.state.damages == []
    assert {name: digest for name, digest in held(cli.data).items() if name in before} == before
    numbers = [leaf["sequence"] for leaf in leaves if leaf["kind"] == "segment"]
    skipped = sum(leaf["last"] - leaf["first"] + 1 for leaf in leaves if leaf["kind"] == "skip")
    assert numbers[-1] - numbers[0] + 1 - len(numbers) == skipped <= 1, "at most one segment is lost"
    db = open_database(cli.data / "livewitness.db")
    with db.read() as connection:
        names = [event.event for event in outbox.after(connection, 0, 1_000, "s")]
        payloads = [json.loads(event.payload) for event in outbox.after(connection, 0, 1_000, "s")]
    db.close()
    assert "stream.disk_full" in names
    assert names.index("stream.disk_full") < names.index("stream.disk_freed")
    told_alerts = {e["alert_id"] for e in watching.events if e["event"] == "alert"}
    assert told_alerts <= {p.get("alert_id") for p in payloads}, "no alert is missing in the outbox"
