"""Three real streams in one process: one that nobody serves, one whose ffmpeg is killed, one that simply runs."""

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from core.metrics import Metrics
from core.records import Stream, TimelineEvent, TimelineKind
from core.watch_config import WatchConfig
from ingest.hls_server import HlsLoopbackServer
from ingest.session import ReconnectPolicy
from ingest.sources import parse_source
from pipeline.delivery_loop import DeliveryLoop
from pipeline.live import StreamWatch, WatchOptions
from pipeline.metering import metered
from pipeline.supervisor import Supervisor, SupervisorOptions
from pipeline.telling import telling
from pipeline.webhook_sender import WebhookSender
from store import outbox, recordings, streams, timeline
from store import webhooks as hooks
from store.webhooks import Webhook
from tests.alerting import BEGUN
from tests.pipeline.receiver import Receiver

pytestmark = pytest.mark.slow


@pytest.fixture
def events() -> list[dict]:
    return []


@pytest.fixture
def supervisor(parts, events):
    metrics = Metrics()

    def make(config, emit) -> StreamWatch:
        options = WatchOptions(reconnect=ReconnectPolicy(0.2, 0.5))
        return StreamWatch(parts, config.stream(), parse_source(config.source), emit, options)

    sink = telling(parts.db, metered(metrics, events.append))
    options = SupervisorOptions(ReconnectPolicy(first_delay_s=0.5, max_delay_s=1.0))
    running = Supervisor(make, sink, options)
    running.metrics = metrics
    yield running
    running.close()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def kill_ffmpeg_of(url: str) -> None:
    """SIGKILL to the recording process that reads ``url``: a child of ours and of nobody else."""
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except (OSError, IndexError):
            continue
        if url.encode() in words and int(parent) == os.getpid():
            os.kill(int(folder.name), signal.SIGKILL)
            return
    raise AssertionError(f"nobody reads {url}")


def wait_until(holds, seconds: float = 50) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_one_broken_one_killed_one_fine(supervisor, events, parts, piece, tmp_path) -> None:
    db = parts.db
    with db.write() as c:
        streams.open_stream(c, Stream(name="fine", source="x"))
        timeline.add_event(c, TimelineEvent("fine", 0, TimelineKind.PRODUCT, "补水面膜", BEGUN, "cosmetics"))

    def of(name: str, event: str) -> list[dict]:
        return [e for e in events if e["event"] == event and e["stream"] == name]

    with (
        Receiver() as receiver,
        HlsLoopbackServer(piece) as fine,
        HlsLoopbackServer(piece) as killed,
    ):
        with db.write() as c:
            hooks.put_webhook(c, Webhook("desk", receiver.url, "0123456789abcdef", ("fine",)))
        delivery = DeliveryLoop(db, tmp_path, WebhookSender(allow_internal=True))
        delivery.start()
        broken = f"http://127.0.0.1:{closed_port()}/live.m3u8"
        for name, url in (("broken", broken), ("fine", fine.url), ("killed", killed.url)):
            supervisor.add(WatchConfig(name=name, source=url))
        wait_until(lambda: of("killed", "segment"))
        kill_ffmpeg_of(killed.url)
        wait_until(lambda: of("killed", "gap"))
        wait_until(lambda: supervisor.state("fine")["state"] == "ended")
        state = supervisor.state("broken")
        wait_until(lambda: supervisor.state("killed")["state"] == "ended")
        supervisor.stop("broken")
        wait_until(supervisor.settled)
        delivery.stop(settle_s=10)

    assert state["runs"] >= 2
    assert state["error"]["code"] == of("broken", "stream.failed")[0]["error"]["code"]
    assert (supervisor.state("fine")["runs"], supervisor.state("killed")["runs"]) == (1, 1)
    assert of("fine", "gap") == []
    assert of("killed", "gap")[0]["reason"] == "recorder_died"
    with db.read() as c:
        assert recordings.recorded_ms(c, "fine") >= 22_000
        assert len(recordings.list_epochs(c, "killed")) == 2
        assert recordings.list_epochs(c, "broken") == []
        told = outbox.after(c, 0, 1000, "fine")
    confirmed = [json.loads(e.payload) for e in told if e.event == "alert"]
    assert confirmed
    assert {alert["product"] for alert in confirmed} == {"补水面膜"}
    assert [taken.headers["livewitness-event-id"] for taken in receiver.taken] == [e.event_id for e in told]
    assert supervisor.metrics.registry.get_sample_value("livewitness_segments_total", {"stream": "fine"}) >= 5
    assert supervisor.metrics.registry.get_sample_value("livewitness_gaps_total", _killed()) == 1


def _killed() -> dict[str, str]:
    return {"stream": "killed", "reason": "recorder_died"}
