"""Who searched over HTTP is on record, with the address it came from."""

import json

from evidence.audit import read_audit
from evidence.audit_seal import check_audit
from tests.api.light import light_service


def test_a_search_is_noted(client, data) -> None:
    before = len(read_audit(data))
    assert client.get("/api/v1/search", params={"q": "三天祛斑"}).status_code == 200
    entry = json.loads(read_audit(data)[before])
    assert (entry["kind"], entry["channel"], entry["detail"]["query"]) == ("search", "api", "三天祛斑")
    assert entry["from"]
    assert check_audit(data)[1] == []


def test_viewing_is_noted_once_in_a_while(tmp_path) -> None:
    with light_service(tmp_path) as (client, _):
        for path in ("streams/s/utterances", "streams/s/utterances", "streams/t/utterances", "streams/s/timeline"):
            assert client.get(f"/api/v1/{path}").status_code == 200
        assert client.get("/api/v1/alerts?stream=s").status_code == 200
        assert client.get("/api/v1/alerts?stream=s").status_code == 200
        entries = [json.loads(line) for line in read_audit(tmp_path)]
    seen = [(entry["kind"], entry["detail"]["stream"]) for entry in entries]
    assert seen == [
        ("transcript.viewed", "s"),
        ("transcript.viewed", "t"),
        ("timeline.viewed", "s"),
        ("alerts.viewed", "s"),
    ]
    assert all(entry["from"] == "testclient" and entry["channel"] == "api" for entry in entries)
