"""Replay: what the timeline shows, and stretches that play from any recorded moment."""

import pytest
from starlette.testclient import TestClient


def test_the_overview_shows_parts_and_marks(client: TestClient) -> None:
    found = client.get("/api/v1/streams/s/overview").json()
    assert len(found["parts"]) == 2
    assert {a["matched"] for a in found["alerts"]} == {"三天祛斑"}


def test_a_stretch_holds_the_moment(client: TestClient) -> None:
    near = client.get("/api/v1/streams/s/playback", params={"at": 7.8}).json()
    assert near["start"] <= 7.8 < near["end"]
    assert client.get(near["url"]).status_code == 200
    # Moments of one window share a file; the next part of the recording is another.
    assert client.get("/api/v1/streams/s/playback", params={"at": 9.1}).json() == near
    later = client.get("/api/v1/streams/s/playback", params={"at": 30}).json()
    assert later["start"] == pytest.approx(25, abs=0.5)


def test_nothing_plays_where_nothing_is_recorded(client: TestClient) -> None:
    for at in (22.5, 9999):
        assert client.get("/api/v1/streams/s/playback", params={"at": at}).status_code == 404
