"""kill -9 in the middle, of ffmpeg and of the watcher: at most one segment is lost, and a restart goes on."""

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ingest.commands import ffmpeg_path
from ingest.hls_server import HlsLoopbackServer

pytestmark = pytest.mark.slow


def descendants(pid: int) -> list[int]:
    """Process ids below ``pid``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = entry.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found += [int(entry.parent.name), *descendants(int(entry.parent.name))]
    return found


def recorders(pid: int) -> list[int]:
    """The ffmpeg processes below ``pid``."""
    return [p for p in descendants(pid) if b"ffmpeg" in Path(f"/proc/{p}/cmdline").read_bytes().split(b"\0")[0]]


def test_live_hls_survives_kill_of_ffmpeg_and_of_the_watcher(cli, piece) -> None:
    with HlsLoopbackServer(piece(0, 60), realtime=True) as server:
        arguments = ("watch", server.url, "--stream", "s", "--json")
        first = cli.start(*arguments)
        first.wait_for("segment", 2)
        (ffmpeg,) = recorders(first.process.pid)
        os.kill(ffmpeg, signal.SIGKILL)
        first.wait_for("epoch", 2, 30)
        first.wait_for("segment", 4)
        first.kill()
        killed_at = time.monotonic()
        second = cli.start(*arguments)
        second.wait_for("epoch")
        restarted_s = time.monotonic() - killed_at
        second.wait_for("stream.ended")
        assert second.wait() == 0
    gaps = [e for e in first.events + second.events if e["event"] == "gap"]
    assert [gap["reason"] for gap in gaps] == ["recorder_died", "recorder_restarted"]
    assert gaps[0]["end"] - gaps[0]["start"] < 5
    assert gaps[1]["end"] - gaps[1]["start"] < 4 + restarted_s + 2
    (answer,) = cli.run("search", "三天祛斑", "--json").json
    assert answer["searched"]["gaps"] == 2


def test_rtmp_is_recorded_and_alerts(cli, piece, free_port) -> None:
    url = f"rtmp://127.0.0.1:{free_port}/live/s"
    served = [
        ffmpeg_path(),
        "-v",
        "error",
        "-re",
        "-i",
        str(piece(4, 16)),
        "-c",
        "copy",
        "-f",
        "flv",
        "-listen",
        "1",
        url,
    ]
    with subprocess.Popen(served, stderr=subprocess.DEVNULL) as server:
        time.sleep(1)
        watching = cli.start("watch", url, "--stream", "s", "--json")
        alert = watching.wait_for("alert")[0]
        assert alert["stream"] == "s"
        server.wait(60)
        watching.process.terminate()
        assert watching.wait(60) == 0
    assert watching.wait_for("stream.ended")[0]["recorded"] > 14
    (answer,) = cli.run("search", "三天祛斑", "--json").json
    assert abs(answer["hits"][0]["start"] - 1.76) < 1.5


def test_srt_is_recorded(cli, piece, free_port) -> None:
    listening = f"srt://127.0.0.1:{free_port}?mode=listener"
    served = [ffmpeg_path(), "-v", "error", "-re", "-i", str(piece(4, 10)), "-c", "copy", "-f", "mpegts", listening]
    with subprocess.Popen(served, stderr=subprocess.DEVNULL) as server:
        time.sleep(1)
        watching = cli.start("watch", f"srt://127.0.0.1:{free_port}", "--stream", "s", "--json")
        assert re.search("[三3]天", watching.wait_for("utterance")[0]["text"])
        server.wait(60)
        watching.process.terminate()
        assert watching.wait(60) == 0
    assert watching.wait_for("stream.ended")[0]["recorded"] > 8


def test_backfill_killed_in_the_middle_goes_on_without_doubling_or_losing(cli, piece, tmp_path) -> None:
    folder = tmp_path / "录像"
    folder.mkdir()
    for number, start in enumerate((0, 24, 48)):
        (folder / f"第{number}场.mp4").write_bytes(piece(start, 20).read_bytes())
    (folder / "同一场.mp4").write_bytes(piece(0, 20).read_bytes())
    (folder / "坏的.mp4").write_text("不是视频")

    first = cli.start("backfill", folder, "--json")
    first.wait_for("utterance", 2)
    first.kill()
    time.sleep(1)
    assert not recorders(first.process.pid)

    second = cli.run("backfill", folder, "--json", code=3)
    assert "坏的.mp4" in second.err
    third = cli.run("backfill", folder, "--json", code=3)
    assert {event["event"] for event in third.json} == {"file"}

    done = [e for e in first.events + second.json if e["event"] == "utterance"]
    places = [(e["stream"], e["start"]) for e in done]
    assert len(places) == len(set(places)), "an utterance was stored twice"
    (answer,) = cli.run("search", "三天祛斑", "--json").json
    assert answer["searched"]["streams"] == 3
    assert abs(answer["searched"]["seconds"] - 60) < 2
    assert answer["hits"][0]["stream"] in {"第0场", "同一场"}, "the same content has one name"
