"""Measures: asked once, told to webhooks, answered once."""

import json

from starlette.testclient import TestClient

from core.records import Stream
from store import outbox, streams

ADDRESS = "/api/v1/streams/s/measures"


def test_a_measure_is_told_and_answered(client: TestClient) -> None:
    asked = client.post(ADDRESS, json={"kind": "suspend", "reason": "反复宣称祛斑", "alert_id": "a0"})
    assert asked.status_code == 201
    number = asked.json()["id"]
    done = client.post(f"{ADDRESS}/{number}/answer", json={"answer": "已暂停十分钟", "remedy": "可申诉"})
    assert done.json()["answered_at"]
    again = client.post(f"{ADDRESS}/{number}/answer", json={"answer": "另一答复"})
    assert (again.status_code, again.json()["code"]) == (409, "measure_answered")
    assert [m["kind"] for m in client.get(ADDRESS).json()["measures"]] == ["suspend"]
    context = client.app.state.context  # type: ignore[attr-defined]  # ASGI applications have no common type
    with context.db.read() as connection:
        told = [json.loads(e.payload) for e in outbox.after(connection, 0, 1000) if e.event.startswith("measure.")]
    assert [t["event"] for t in told] == ["measure.asked", "measure.answered"]
    assert told[0]["reason"] == "反复宣称祛斑"


def test_a_measure_needs_a_reason_and_a_room(client: TestClient) -> None:
    assert client.post(ADDRESS, json={"kind": "warn", "reason": " "}).status_code == 422
    assert client.post("/api/v1/streams/zz/measures", json={"kind": "warn", "reason": "x"}).status_code == 404
    assert client.post(f"{ADDRESS}/999/answer", json={"answer": "x"}).status_code == 404


def test_a_measure_rests_on_an_alert_of_its_own_room(client: TestClient) -> None:
    context = client.app.state.context  # type: ignore[attr-defined]  # ASGI applications have no common type
    with context.db.write() as connection:
        streams.open_stream(connection, Stream(name="另一间", source="x", shop="茶店"))
    for room, alert in (("s", "none"), ("另一间", "a0")):
        wanted = {"kind": "warn", "reason": "x", "alert_id": alert}
        refused = client.post(f"/api/v1/streams/{room}/measures", json=wanted)
        assert (refused.status_code, refused.json()["code"]) == (404, "alert_unknown")
    assert client.get("/api/v1/streams/另一间/measures").json()["measures"] == []
