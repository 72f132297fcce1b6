"""What people write, name and ask for cannot drive a terminal or forge a record, and who they are is not logged."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from api.auth.credentials import accept_link, invite
from core.access import Role
from core.errors import StorageError
from core.logs import JsonFormatter, TextFormatter
from livewitness.commands.serve import _quietly
from tests.api.light import light_service
from tests.core.test_logs import HOSTILE, RECORD

PERSON, PASSWORD, QUERY = "李四", "correct horse 电池 staple", "三天祛斑去哪里说的"


@pytest.fixture
def logs() -> Iterator[dict[str, io.StringIO]]:
    """Everything that is logged, in both forms."""
    root, kept = logging.getLogger(), logging.getLogger().level
    forms = {"text": (io.StringIO(), TextFormatter()), "json": (io.StringIO(), JsonFormatter())}
    handlers = []
    for target, formatter in forms.values():
        handlers.append(logging.StreamHandler(target))
        handlers[-1].setFormatter(formatter)
        root.addHandler(handlers[-1])
    root.setLevel("DEBUG")
    yield {name: target for name, (target, _) in forms.items()}
    root.setLevel(kept)
    for handler in handlers:
        root.removeHandler(handler)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Somebody who is signed in to a service that cannot write its audit chain any more."""
    with light_service(tmp_path, accounts=True) as (plain, db):
        accept_link(db, invite(db, PERSON, Role.ADMIN, ""), PASSWORD)
        signed = plain.post("/api/v1/session", json={"name": PERSON, "password": PASSWORD}).json()

        def full(*_: object) -> None:
            raise StorageError("audit_unwritable", f"满了 {HOSTILE}", f"full {HOSTILE}")

        monkeypatch.setattr("api.trail.append_audit", full)
        client = TestClient(plain.app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)
        client.cookies = plain.cookies
        client.headers["X-CSRF-Token"] = signed["csrf"]
        yield client


def test_hostile_text_stays_text_and_people_stay_unnamed(client: TestClient, logs: dict[str, io.StringIO]) -> None:
    hostile = quote(HOSTILE, safe="")
    statuses = [
        client.get("/api/v1/search", params={"q": f"{QUERY}{HOSTILE}"}).status_code,
        client.get("/api/v1/streams/s/utterances").status_code,
        client.get(f"/api/v1/streams/{hostile}/utterances").status_code,
        client.put(f"/api/v1/webhooks/{hostile}", json={"url": f"https://1.1.1.1/{HOSTILE}"}).status_code,
        client.post("/api/v1/watches", json={"name": HOSTILE, "source": f"https://1.1.1.1/{HOSTILE}"}).status_code,
        client.post("/api/v1/cases", json={"number": "2026-1", "title": HOSTILE}).status_code,
        client.post("/api/v1/session", json={"name": HOSTILE, "password": PASSWORD}).status_code,
    ]
    assert statuses[:2] == [500, 200], "a defect of ours, and a page that goes on with a full disk"
    _quietly({"event": "stream.started", "stream": HOSTILE})
    text = logs["text"].getvalue()
    assert "unhandled error at GET /api/v1/search" in text
    assert "not in the audit chain: transcript.viewed" in text
    assert "\\x1b[31m红" in text
    for line in text.removesuffix("\n").split("\n"):
        assert line.isprintable(), line
        assert RECORD.fullmatch(line) or line.startswith("  | "), line
    for line in logs["json"].getvalue().removesuffix("\n").split("\n"):
        assert line.isprintable()
        assert json.loads(line)["message"].isprintable()
    for personal in (PERSON, PASSWORD, QUERY, "testclient"):
        assert personal not in text


def test_a_defect_is_logged_by_its_route_and_not_by_the_name_in_the_address(
    client: TestClient, logs: dict[str, io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("api.streams.known_stream", broken)
    assert client.get(f"/api/v1/streams/{PERSON}").status_code == 500
    # The client of the test logs as well; what counts is the service's own line.
    (line,) = [line for line in logs["text"].getvalue().splitlines() if "unhandled error" in line]
    assert "unhandled error at GET /api/v1/streams/{name}" in line
    assert PERSON not in line
    assert quote(PERSON) not in line
