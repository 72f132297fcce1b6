"""Alerts over HTTP: pages in both orders, reviews by people, two of them at once."""

import json

from starlette.testclient import TestClient


def ids(client: TestClient, **given: object) -> list[str]:
    return [a["alert_id"] for a in client.get("/api/v1/alerts", params=given).json()["alerts"]]


def test_pages_in_both_orders(client: TestClient) -> None:
    assert ids(client, order="newest") == ["a2", "a1", "a0"]
    first = client.get("/api/v1/alerts", params={"order": "newest", "limit": 2}).json()
    assert ids(client, order="newest", after=first["next"]) == ["a0"]


def test_a_review_is_kept_told_and_noted(client: TestClient) -> None:
    done = client.post("/api/v1/alerts/a0/reviews", json={"action": "acknowledge", "seen": 0})
    assert (done.status_code, done.json()["state"]) == (201, "acknowledged")
    late = client.post("/api/v1/alerts/a0/reviews", json={"action": "dismiss", "seen": 0, "note": "合法"})
    assert (late.status_code, late.json()["code"]) == (409, "review_stale")
    one = client.get("/api/v1/alerts/a0").json()
    assert [step["action"] for step in one["reviews"]] == ["acknowledge"]
    assert one["review"]["reviewer"] == "local"
    assert ids(client, review="acknowledged") == ["a0"]
    context = client.app.state.context  # type: ignore[attr-defined]  # ASGI applications have no common type
    trail = [json.loads(line) for line in (context.data_dir / "audit.jsonl").read_text().splitlines()]
    assert {"alert.reviewed", "alert.viewed"} <= {entry["kind"] for entry in trail}


def test_a_dismissal_needs_a_reason(client: TestClient) -> None:
    refused = client.post("/api/v1/alerts/a1/reviews", json={"action": "dismiss", "seen": 0})
    assert (refused.status_code, refused.json()["code"]) == (422, "review_reason")
    assert client.post("/api/v1/alerts/zz/reviews", json={"action": "acknowledge", "seen": 0}).status_code == 404
