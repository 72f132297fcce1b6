"""The wall's one answer: rooms with what is open, and the cursor where live events go on."""

from starlette.testclient import TestClient


def _named(body: dict, name: str) -> dict:
    """Other tests of the module's service may have added rooms."""
    (room,) = [room for room in body["rooms"] if room["name"] == name]
    return room


def test_a_room_counts_what_is_open(client: TestClient) -> None:
    body = client.get("/api/v1/rooms").json()
    room = _named(body, "s")
    assert (room["name"], room["state"]) == ("s", "recording")
    before = room["open_alerts"]
    assert room["open_high"] == before > 0
    assert room["recorded_to"] > 40
    done = client.post("/api/v1/alerts/a2/reviews", json={"action": "escalate", "seen": 0})
    assert done.status_code == 201
    after = client.get("/api/v1/rooms").json()
    assert _named(after, "s")["open_alerts"] == before - 1
    assert after["cursor"] > body["cursor"]


def test_a_still_is_the_picture_of_its_moment(client: TestClient) -> None:
    answer = client.get("/api/v1/streams/s/still", params={"at": 7.8})
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content[:2] == b"\xff\xd8"
    assert 7.6 < float(answer.headers["X-Still-Time"]) <= 7.8
    assert client.get("/api/v1/streams/s/still", params={"at": 9999}).status_code == 404
