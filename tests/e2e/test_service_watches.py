"""The service as operators run it: it watches, tells over SSE and webhooks, and shows its measurements."""

import json
import signal
import sqlite3
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from ingest.hls_server import HlsLoopbackServer
from tests.pipeline.receiver import Receiver

pytestmark = pytest.mark.slow
SECRET = "0123456789abcdef"


def ask(port: int, method: str, path: str, body: dict | None = None, timeout: float = 10) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def wait_for_service(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            ask(port, "GET", "/api/v1/streams")
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            return


def alerts_over_sse(port: int, count: int) -> list[dict]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/api/v1/events?after=0")
    answer = connection.getresponse()
    found: list[dict] = []
    while len(found) < count:
        line = answer.readline().decode()
        assert line, found
        if line.startswith("data: ") and (event := json.loads(line[6:]))["event"] == "alert":
            found.append(event)
    answer.close()
    connection.close()
    return found


def test_a_stream_begun_over_the_api_is_heard_and_told(cli, piece, free_port, tmp_path: Path) -> None:
    with Receiver() as receiver, HlsLoopbackServer(piece(0, 24), realtime=False) as server:
        running = cli.start("serve", "--port", str(free_port), LIVEWITNESS_ALLOW_INTERNAL_TARGETS="true")
        wait_for_service(free_port)
        status, _ = ask(free_port, "PUT", "/api/v1/webhooks/desk", {"url": receiver.url, "secret": SECRET})
        assert status == 201
        room = {"name": "room", "source": server.url, "product": "面霜"}
        assert ask(free_port, "POST", "/api/v1/watches", room)[0] == 201
        assert ask(free_port, "POST", "/api/v1/watches", room)[0] == 409
        (alert,) = alerts_over_sse(free_port, 1)
        assert (alert["stream"], alert["product"]) == ("room", "面霜")
        deadline = time.monotonic() + 60
        while json.loads(ask(free_port, "GET", "/api/v1/watches/room")[1])["state"] != "ended":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        note = {"kind": "note", "text": "看过", "at": 3}
        assert ask(free_port, "POST", "/api/v1/streams/room/timeline", note)[0] == 201
        metrics = ask(free_port, "GET", "/metrics")[1]
        assert 'livewitness_segments_total{stream="room"}' in metrics
        assert 'livewitness_alert_latency_seconds_count{status="confirmed",stream="room"}' in metrics
        assert "livewitness_decode_seconds_count" in metrics
        running.process.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
        assert not any("Traceback" in line for line in running.messages), running.messages
        told = [json.loads(taken.body) for taken in receiver.taken]
    assert told[0]["event"] == "stream.started"
    assert alert["event_id"] in {e["event_id"] for e in told}
    assert "看过" in cli.run("timeline", "list", "room").out


def test_told_to_end_the_service_closes_the_segment_it_is_writing(cli, piece, free_port) -> None:
    with HlsLoopbackServer(piece(0, 120), when_asked=True) as server:
        running = cli.start("serve", "--port", str(free_port), LIVEWITNESS_ALLOW_INTERNAL_TARGETS="true")
        wait_for_service(free_port)
        assert ask(free_port, "POST", "/api/v1/watches", {"name": "room", "source": server.url})[0] == 201
        deadline = time.monotonic() + 60
        while not list(cli.data.glob("streams/*/**/*.ts")):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        running.process.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
    with sqlite3.connect(cli.data / "livewitness.db") as database:
        kept = database.execute("SELECT count(*) FROM segments").fetchone()[0]
        events = [name for (name,) in database.execute("SELECT event FROM outbox")]
    assert kept == len(list(cli.data.glob("streams/*/**/*.ts")))
    assert events[-1] == "stream.ended"


def test_a_file_of_streams_is_watched_until_all_have_ended(cli, piece, tmp_path: Path) -> None:
    with HlsLoopbackServer(piece(0, 12), realtime=False) as server:
        config = tmp_path / "streams.yaml"
        config.write_text(
            f"streams:\n  - name: a\n    source: {server.url}\n  - name: b\n    source: {tmp_path / 'none.mp4'}\n",
            "utf-8",
        )
        done = cli.run("watch", "--config", str(config), "--json", code=1)
    ended = [e for e in done.json if e["event"] == "stream.ended"]
    failed = [e for e in done.json if e["event"] == "stream.failed"]
    assert [(e["stream"], e["reason"]) for e in ended] == [("a", "ended")]
    assert [(e["stream"], e["error"]["code"], e["retry_at"]) for e in failed] == [("b", "file_missing", None)]
    assert "streams_failed" in done.err
    config.write_text("streams:\n  - name: a\n    sauce: x\n", "utf-8")
    refused = cli.run("watch", "--config", str(config), code=3)
    assert "第 3 行" in refused.err
