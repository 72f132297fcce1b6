"""Rules over HTTP: what they stand on, how often they are dismissed."""

from collections.abc import Callable
from pathlib import Path

from starlette.testclient import TestClient

from api.app import create_app
from api.context import ApiContext
from index.search import Searcher
from store.engine import Database


def test_a_rule_tells_its_alerts_and_dismissals(
    build: Callable[..., TestClient], db: Database, data: Path, searcher: Searcher
) -> None:
    rules = [{"rule_id": "COS-1", "title": "特殊功效"}, {"rule_id": "ABS-1", "title": "绝对化"}]
    context = ApiContext(db, data, searcher, rules=lambda: rules)
    client = TestClient(create_app(context), base_url="http://127.0.0.1:8000")
    listed = {rule["rule_id"]: rule for rule in client.get("/api/v1/rules").json()["rules"]}
    assert listed["COS-1"]["alerts"] == 3
    assert listed["ABS-1"]["alerts"] == 0
    seen = (client.get("/api/v1/alerts/a1").json()["review"] or {"number": 0})["number"]
    wanted = {"action": "dismiss", "seen": seen, "note": "合法"}
    assert client.post("/api/v1/alerts/a1/reviews", json=wanted).status_code == 201
    assert client.get("/api/v1/rules/COS-1").json()["dismissed"] == 1
    assert client.get("/api/v1/rules/NONE-1").status_code == 404
