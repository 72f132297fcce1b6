"""Playing the demonstration over the API."""

from core.errors import ConflictError
from evidence.audit import read_audit
from tests.api.light import light_service


class Played:
    """Stands for the demonstration."""

    def __init__(self) -> None:
        self.playing = False

    def state(self):
        return {"state": "playing" if self.playing else "idle", "stream": "演示" * self.playing, "seconds": 94}

    def play(self):
        if self.playing:
            raise ConflictError("demo_playing", "演示正在播放。", "It is playing.")
        self.playing = True
        return self.state()


def test_it_begins_once_and_is_noted(tmp_path) -> None:
    with light_service(tmp_path, demonstration=Played()) as (client, _):
        assert client.get("/api/v1/demonstration").json()["state"] == "idle"
        begun = client.post("/api/v1/demonstration")
        assert (begun.status_code, begun.json()["stream"]) == (201, "演示")
        assert client.post("/api/v1/demonstration").status_code == 409
    assert b'"kind":"demonstration.begun"' in read_audit(tmp_path)[-1]


def test_a_service_that_watches_nothing_has_none(tmp_path) -> None:
    with light_service(tmp_path) as (client, _):
        assert client.get("/api/v1/demonstration").json()["state"] == "unavailable"
        assert client.post("/api/v1/demonstration").status_code == 409
