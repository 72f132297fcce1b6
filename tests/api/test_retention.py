"""Holds of a case over HTTP, and the dry run of deletion."""

from starlette.testclient import TestClient


def test_a_hold_is_placed_and_lifted(client: TestClient) -> None:
    placed = client.post("/api/v1/holds", json={"case": "争议-9", "stream": "s", "reason": "起诉", "start": 5})
    assert placed.status_code == 201, placed.text
    hold = placed.json()["hold"]
    assert hold in {h["hold"] for h in client.get("/api/v1/holds").json()["holds"]}
    lifted = client.post(f"/api/v1/holds/{hold}/lift", json={"reason": "和解"})
    assert lifted.status_code == 200
    assert hold not in {h["hold"] for h in client.get("/api/v1/holds").json()["holds"]}
    assert client.post(f"/api/v1/holds/{hold}/lift", json={"reason": "再来"}).status_code == 404


def test_a_hold_needs_a_stream_that_is_there(client: TestClient) -> None:
    wanted = {"case": "争议-9", "stream": "没有", "reason": "x"}
    assert client.post("/api/v1/holds", json=wanted).status_code == 404


def test_nothing_is_due_by_default(client: TestClient) -> None:
    plan = client.get("/api/v1/retention").json()
    assert plan["due"] == []
    assert len(plan["plan"]) == 64
