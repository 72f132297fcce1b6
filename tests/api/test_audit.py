"""The audit chain over HTTP: found by who, what and words; verified; looking is noted."""

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


def test_the_chain_verifies(client: TestClient) -> None:
    client.get("/api/v1/search", params={"q": "三天祛斑"})
    verdict = client.get("/api/v1/audit/verification").json()
    assert verdict["holds"], verdict
    assert verdict["entries"] > 0
