"""A host whose sound goes and comes back, and a source that goes for good: a moderator is told of each at once."""

import subprocess
import threading
import time

import pytest

from core.records import Stream
from ingest import changes
from ingest.commands import ffmpeg_path
from ingest.session import ReconnectPolicy
from ingest.sources import parse_source
from pipeline.live import StreamWatch, WatchOptions
from pipeline.telling import telling
from store import outbox, recordings
from tests.ingest.broadcaster import Broadcaster

pytestmark = pytest.mark.slow

PART_S = 7


@pytest.fixture(scope="module")
def part(tmp_path_factory, piece):
    """``part(start, sound)``: so many seconds of the piece from ``start`` on as MPEG-TS, its times running on."""
    folder = tmp_path_factory.mktemp("parts")

    def cut(start: int, *, sound: bool = True) -> bytes:
        target = folder / f"{start}-{sound}.ts"
        command = [ffmpeg_path(), "-v", "error", "-y", "-ss", str(start), "-t", str(PART_S), "-i", str(piece)]
        video = ["-c:v", "libx264", "-preset", "ultrafast", "-r", "25", "-g", "25", "-bf", "0"]
        kept = [*video, *(["-c:a", "aac"] if sound else ["-an"])]
        moved = ["-output_ts_offset", str(10 + start), "-muxdelay", "0", "-muxpreload", "0"]
        subprocess.run([*command, *kept, *moved, str(target)], check=True, timeout=60)
        return target.read_bytes()

    return cut


def test_sound_that_goes_and_a_source_that_goes_are_told(parts, part, monkeypatch) -> None:
    monkeypatch.setattr(changes, "MUTE_AFTER_S", 4.0)
    events: list[dict] = []

    def wait_for(name: str, **fields: str) -> dict:
        deadline = time.monotonic() + 40
        while True:
            for event in list(events):
                if event["event"] == name and fields.items() <= event.items():
                    return event
            assert time.monotonic() < deadline, [event["event"] for event in events]
            time.sleep(0.05)

    shown = (part(0), part(PART_S, sound=False), part(2 * PART_S))
    with Broadcaster(*[(data, PART_S) for data in shown], (b"", 60)) as server:
        options = WatchOptions(segment_seconds=2, reconnect=ReconnectPolicy(0.2, 0.5, give_up_after_s=4))
        sink = telling(parts.db, events.append)
        watch = StreamWatch(parts, Stream("s", server.url), parse_source(server.url), sink, options)
        running = threading.Thread(target=watch.run)
        running.start()
        lost = wait_for("no_audio")
        resumed = wait_for("audio.resumed")
        wait_for("gap.opened", reason="source_silent")
        watch.stop()
        running.join(30)
        assert not running.is_alive()
    assert lost["position"] == pytest.approx(PART_S, abs=1)
    assert resumed["position"] > lost["position"]
    with parts.db.read() as c:
        kinds = [event.event for event in outbox.after(c, 0, 1000, "s")]
        assert recordings.recorded_ms(c, "s") > 2.5 * PART_S * 1000
    assert kinds.index("no_audio") < kinds.index("audio.resumed")
    assert "gap.opened" in kinds
