"""Streams are begun and ended over the API; files and internal hosts are not to be had that way."""

import pytest

from core.errors import NotFoundError
from store import watches
from tests.api.light import light_service


class Control:
    """Stands for the supervisor."""

    def __init__(self) -> None:
        self.running: dict[str, str] = {}

    def add(self, config, *, start=True):
        self.running[config.name] = "starting"
        return self.state(config.name)

    def start(self, name):
        return self._turn(name, "running")

    def stop(self, name):
        return self._turn(name, "stopping")

    def remove(self, name):
        self._turn(name, "gone")
        del self.running[name]

    def state(self, name):
        return {"name": name, "state": self.running[name]}

    def states(self):
        return [self.state(name) for name in self.running]

    def _turn(self, name, state):
        if name not in self.running:
            raise NotFoundError("watch_unknown", "没有。", "None.")
        self.running[name] = state
        return self.state(name)


@pytest.fixture
def service(tmp_path):
    with light_service(tmp_path, watches=Control()) as running:
        yield running


ROOM = {"name": "花店", "source": "https://1.1.1.1/live.m3u8", "product": "面霜"}


def test_a_stream_is_begun_stopped_and_removed_and_that_is_remembered(service) -> None:
    client, db = service
    assert client.post("/api/v1/watches", json=ROOM).status_code == 201
    with db.read() as c:
        (kept,) = watches.list_watches(c)
    assert (kept.name, kept.wanted, kept.config["product"]) == ("花店", True, "面霜")
    assert client.get("/api/v1/watches").json()["watches"][0]["state"] == "starting"
    assert client.post("/api/v1/watches/花店/stop").json()["state"] == "stopping"
    with db.read() as c:
        assert not watches.list_watches(c)[0].wanted
    assert client.post("/api/v1/watches/花店/start").json()["state"] == "running"
    assert client.get("/api/v1/watches/花店").json()["state"] == "running"
    assert client.delete("/api/v1/watches/花店").status_code == 204
    with db.read() as c:
        assert watches.list_watches(c) == []
    assert client.post("/api/v1/watches/花店/start").status_code == 404


@pytest.mark.parametrize(
    "source",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "concat:a|b",
        "http://127.0.0.1/live.m3u8",
        "rtmp://localhost/app",
        "srt://[::1]:9000",
        "http://169.254.169.254/latest",
        "http://0x7f.1/live",
        "http://shop.example\\@127.0.0.1/",
        "http://[::1/",
        "pipe:0",
    ],
)
def test_files_and_internal_hosts_are_refused(service, source) -> None:
    client, db = service
    answer = client.post("/api/v1/watches", json=ROOM | {"source": source})
    assert answer.status_code == 422
    assert answer.json()["code"] in ("bad_source", "egress_internal")
    with db.read() as c:
        assert watches.list_watches(c) == []


def test_a_service_that_watches_nothing_says_so(tmp_path) -> None:
    with light_service(tmp_path) as (client, _):
        assert client.get("/api/v1/watches").json()["code"] == "watches_elsewhere"
