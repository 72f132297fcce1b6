"""Clips over HTTP: cut once, kept, checked, played with ranges."""

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.testclient import TestClient

import api.shelf
from api.app import create_app
from api.context import ApiContext, Limits
from evidence.clip import Clip, cut_clip
from index.search import Searcher
from store.engine import Database

WANTED = {"stream": "s", "start": 6.5, "end": 9.5}


def test_a_clip_is_made_once_and_then_found(client: TestClient, data: Path) -> None:
    made = client.post("/api/v1/clips", json=WANTED)
    assert made.status_code == 201
    about = made.json()
    assert about["start"] <= 6.5 < 9.4 <= about["end"]
    assert about["lead_ms"] == pytest.approx(6500 - about["start"] * 1000, abs=1)
    assert made.headers["Location"] == about["url"]

    media = client.get(about["url"])
    assert media.headers["Content-Type"] == "video/mp4"
    assert hashlib.sha256(media.content).hexdigest() == about["sha256"]
    assert client.get(f"{about['url']}/about").json() == about

    again = client.post("/api/v1/clips", json=WANTED)
    assert again.status_code == 200
    assert again.json() == about
    assert sorted(p.suffix for p in (data / "clips").glob(f"{about['id']}*")) == [".json", ".mp4"]


def test_an_exact_clip_starts_where_it_was_asked_to(client: TestClient) -> None:
    about = client.post("/api/v1/clips", json=WANTED | {"mode": "exact"}).json()
    assert (about["start"], about["lead_ms"]) == (6.5, 0)


def test_a_clip_changed_on_disk_is_not_served(client: TestClient, data: Path) -> None:
    wanted = WANTED | {"start": 7.0}
    about = client.post("/api/v1/clips", json=wanted).json()
    path = data / "clips" / f"{about['id']}.mp4"
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    assert client.get(about["url"]).json()["code"] == "clip_unknown"
    healed = client.post("/api/v1/clips", json=wanted)
    assert (healed.status_code, healed.json()["sha256"]) == (201, about["sha256"])


def test_a_moment_near_a_break_is_fitted_to_what_is_recorded(client: TestClient) -> None:
    wanted = {"stream": "s", "start": 12, "end": 24}
    refused = client.post("/api/v1/clips", json=wanted)
    assert (refused.status_code, refused.json()["code"]) == (422, "clip_gap")
    fitted = client.post("/api/v1/clips", json=wanted | {"fit": True}).json()
    assert fitted["requested_start"] == 12
    assert fitted["requested_end"] == pytest.approx(20, abs=0.1)


def test_a_stream_is_played_from_a_moment(client: TestClient) -> None:
    answer = client.get("/api/v1/streams/s/media", params={"start": 6.5, "end": 9.5}, follow_redirects=False)
    assert answer.status_code == 303
    path, _, at = answer.headers["Location"].partition("#t=")
    about = client.get(f"{path}/about").json()
    assert float(at) == about["lead_ms"] / 1000


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        (WANTED | {"stream": "无此流"}, 404, "stream_unknown"),
        (WANTED | {"end": 6.0}, 422, "clip_range"),
        (WANTED | {"end": 700}, 422, "clip_too_long"),
        ({"stream": "s", "start": 900, "end": 905}, 404, "clip_outside"),
        (WANTED | {"mode": "fast"}, 422, "request_invalid"),
        (WANTED | {"start": -1}, 422, "request_invalid"),
        (WANTED | {"output": "/etc/passwd"}, 422, "request_invalid"),
        (WANTED | {"stream": "../s"}, 404, "stream_unknown"),
        (WANTED | {"stream": ""}, 422, "request_invalid"),
    ],
)
def test_what_cannot_be_cut_is_refused(client: TestClient, wanted: dict[str, object], status: int, code: str) -> None:
    answer = client.post("/api/v1/clips", json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"stream":"\\ud800","start":1,"end":2}', b"\xff\xfe", b"null"])
def test_broken_bodies_are_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/v1/clips", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "path", ["..%2flivewitness.db", "%2e%2e%2flivewitness", "a" * 32, "A" * 32, "a" * 31, "a" * 32 + ".json", "%00"]
)
def test_only_clips_are_served(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/v1/clips/{path}")
    assert answer.status_code in {404, 422}
    assert answer.json().keys() == {"code", "zh", "en", "hint_zh", "hint_en"}


def test_only_a_few_may_wait(build: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch) -> None:
    go, running, most = threading.Event(), [], []

    def slow_cut(*args: object, **named: object) -> Clip:
        running.append(1)
        most.append(len(running))
        go.wait(30)
        running.pop()
        return cut_clip(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(api.shelf, "cut_clip", slow_cut)
    client = build(Limits(clips_waiting=1))

    def ask(number: int) -> httpx.Response:
        return client.post("/api/v1/clips", json=WANTED | {"start": 1 + number / 10})

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, number) for number in range(4)]
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and sum(a.done() for a in asked) < 2:
            time.sleep(0.02)
        go.set()
        answers = [a.result() for a in asked]
    assert sorted(a.status_code for a in answers) == [201, 201, 429, 429]
    refused = next(a for a in answers if a.status_code == 429)
    assert refused.headers["Retry-After"]
    assert max(most) == 1, "one is cut at a time"


def test_the_oldest_clips_make_room(build: Callable[..., TestClient], data: Path) -> None:
    foreign = data / "clips" / "演示-三天祛斑.mp4"
    foreign.parent.mkdir(exist_ok=True)
    foreign.write_bytes(b"kept by somebody else")
    client = build(Limits(clips_bytes=1))
    first = client.post("/api/v1/clips", json=WANTED | {"start": 3.0, "end": 4.0}).json()
    second = client.post("/api/v1/clips", json=WANTED | {"start": 3.1, "end": 4.1}).json()
    assert client.get(first["url"]).status_code == 404
    assert client.get(second["url"]).status_code == 200
    assert foreign.exists()


@pytest.fixture
def address(db: Database, data: Path, searcher: Searcher) -> Iterator[str]:
    """A real server on a free port of the loopback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        app = create_app(ApiContext(db, data, searcher))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def test_ranges_over_a_real_connection(address: str) -> None:
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as http:
        about = http.post("/api/v1/clips", json=WANTED).json()
        whole = http.get(about["url"])
        assert (whole.status_code, whole.headers["Accept-Ranges"]) == (200, "bytes")
        part = http.get(about["url"], headers={"Range": "bytes=100-299"})
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes 100-299/{about['size']}"
        assert part.content == whole.content[100:300]
        beyond = http.get(about["url"], headers={"Range": f"bytes={about['size']}-"})
        assert beyond.status_code == 416
        head = http.head(about["url"])
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(about["size"]))
        assert http.get("/", headers={"Host": "evil.example"}).status_code == 421
