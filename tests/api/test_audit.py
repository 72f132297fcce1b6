"""The audit chain over HTTP: found by who, what and words; verified; looking is noted."""

import csv
import io
import json

from starlette.testclient import TestClient


def test_entries_are_found_newest_first(client: TestClient) -> None:
    client.get("/api/v1/search", params={"q": "三天祛斑"})
    client.get("/api/v1/search", params={"q": "包邮价格"})
    found = client.get("/api/v1/audit", params={"action": "search", "words": "包邮"}).json()
    assert found["entries"][0]["detail"]["query"] == "包邮价格"
    everything = client.get("/api/v1/audit", params={"limit": 2}).json()
    assert everything["entries"][0]["kind"] == "audit.viewed"
    rest = client.get("/api/v1/audit", params={"limit": 2, "before": everything["next"]}).json()
    assert rest["entries"][0]["index"] < everything["entries"][-1]["index"]
    assert client.get("/api/v1/audit", params={"by": "nobody"}).json()["entries"] == []


def test_entries_are_found_by_time(client: TestClient) -> None:
    client.get("/api/v1/search", params={"q": "三天祛斑"})
    newest = client.get("/api/v1/audit", params={"action": "search", "limit": 1}).json()["entries"][0]["logged"]
    later = client.get("/api/v1/audit", params={"action": "search", "from": "2999-01-01T00:00:00Z"}).json()
    assert later["entries"] == []
    since = client.get("/api/v1/audit", params={"action": "search", "from": newest}).json()["entries"]
    before = client.get("/api/v1/audit", params={"action": "search", "to": newest}).json()["entries"]
    assert all(e["logged"] >= newest for e in since)
    assert all(e["logged"] < newest for e in before)
    assert since
    assert client.get("/api/v1/audit", params={"from": "2026-11-11T20:00"}).status_code == 422


def test_an_action_is_found_by_its_name_or_the_part_before_a_dot(client: TestClient) -> None:
    assert client.post("/api/v1/cases", json={"number": "案-审计"}).status_code == 201
    client.put("/api/v1/cases/案-审计/decision", json={"state": "closed"})
    client.put("/api/v1/cases/案-审计/decision", json={"state": "open"})

    def kinds(action: str) -> set[str]:
        asked = {"action": action, "words": "案-审计"}
        return {entry["kind"] for entry in client.get("/api/v1/audit", params=asked).json()["entries"]}

    assert kinds("case.open") == {"case.open"}, "reopened, not opened"
    assert kinds("case.opened") == {"case.opened"}
    assert kinds("case") == {"case.opened", "case.closed", "case.open"}
    assert kinds("cas") == set()


def test_a_spreadsheet_takes_nothing_for_a_formula(client: TestClient) -> None:
    client.get("/api/v1/search", params={"q": "=HYPERLINK(1)", "stream": "s"})
    table = client.get("/api/v1/audit", params={"format": "csv", "action": "search"})
    assert table.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"))))
    assert json.loads(rows[0]["detail"])["query"] == "=HYPERLINK(1)"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_the_chain_verifies(client: TestClient) -> None:
    client.get("/api/v1/search", params={"q": "三天祛斑"})
    verdict = client.get("/api/v1/audit/verification").json()
    assert verdict["holds"], verdict
    assert verdict["entries"] > 0
