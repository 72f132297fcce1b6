"""Who searched over HTTP is on record, with the address it came from."""

import json

from evidence.audit import read_audit
from evidence.audit_seal import check_audit


def test_a_search_is_noted(client, data) -> None:
    before = len(read_audit(data))
    assert client.get("/api/v1/search", params={"q": "三天祛斑"}).status_code == 200
    entry = json.loads(read_audit(data)[before])
    assert (entry["kind"], entry["channel"], entry["detail"]["query"]) == ("search", "api", "三天祛斑")
    assert entry["from"]
    assert check_audit(data)[1] == []
