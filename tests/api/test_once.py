"""Idempotency-Key: what is asked twice is done once; every operation that creates something takes it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from api.auth.credentials import new_key
from api.once import HEADER, REPLAYED
from core.access import LOCAL, Role
from store import timeline
from store.engine import Database
from store.tables import idempotent_answers
from tests.api.light import light_service

NOTE = {"kind": "note", "text": "开始讲面霜"}
PLACE = "/api/v1/streams/s/timeline"

# Every POST that takes no key, and why a second one does no harm.
WITHOUT = {
    "/api/v1/accounts": "names are taken once; the answer is a secret that is kept nowhere",
    "/api/v1/accounts/{name}/link": "the answer is a secret that is kept nowhere; a second link closes the first",
    "/api/v1/keys": "names are taken once; the answer is a secret that is kept nowhere",
    "/api/v1/session": "signing in twice is two sessions; the answer is a secret",
    "/api/v1/session/link": "the link works once",
    "/api/v1/alerts/{alert_id}/reviews": "names the step it was decided on; a second one is refused",
    "/api/v1/cases/{number}/exhibits/{exhibit_id}/verification": "looks and changes nothing",
    "/api/v1/cases/{number}/exports/{name}/verification": "looks and changes nothing",
    "/api/v1/holds/{hold_id}/lift": "a hold is lifted once",
    "/api/v1/streams/{name}/measures/{number}/answer": "a measure is answered once",
    "/api/v1/watches/{name}/start": "nothing changes for a stream that runs",
    "/api/v1/watches/{name}/stop": "nothing changes for a stream that has ended",
    "/api/v1/webhooks/{name}/dead/resend": "asks for one more attempt, of what is dead only",
    "/api/v1/backfills/{number}/cancel": "nothing changes for what has ended",
    "/api/v1/packs/{draft}/activate": "nothing changes for what is in force",
    "/api/v1/packs/{draft}/deactivate": "nothing changes for what is not in force",
    "/api/v1/demonstration": "refused while it plays",
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[TestClient, Database]]:
    with light_service(tmp_path) as running:
        yield running


def notes(db: Database) -> list[str]:
    with db.read() as connection:
        return [event.text for event in timeline.list_events(connection, "s")]


def test_every_operation_that_creates_takes_a_key(service: tuple[TestClient, Database]) -> None:
    paths = service[0].get("/openapi.json").json()["paths"]
    posts = {path: methods["post"] for path, methods in paths.items() if "post" in methods}
    named = {path for path, post in posts.items() if HEADER in [p["name"] for p in post.get("parameters", [])]}
    assert named | WITHOUT.keys() >= posts.keys(), "neither takes a key nor says why not"
    assert not named & WITHOUT.keys()
    assert {"/api/v1/watches", "/api/v1/cases", "/api/v1/clips", "/api/v1/streams/{name}/measures"} < named


def test_the_same_request_is_done_once_and_answered_alike(service: tuple[TestClient, Database]) -> None:
    client, db = service
    first, second = (client.post(PLACE, json=NOTE, headers={HEADER: "k-1"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first.headers["Content-Type"] == second.headers["Content-Type"]
    assert (REPLAYED in first.headers, second.headers[REPLAYED]) == (False, "true")
    assert notes(db) == [NOTE["text"]]
    assert client.post(PLACE, json=NOTE).status_code == 201
    assert len(notes(db)) == 2, "without a key each request stands for itself"


def test_another_request_under_the_key_is_refused(service: tuple[TestClient, Database]) -> None:
    client, db = service
    headers = {HEADER: "k-1"}
    client.post(PLACE, json=NOTE, headers=headers)
    for other in (
        client.post(PLACE, json=NOTE | {"text": "别的"}, headers=headers),
        client.post("/api/v1/streams/t/timeline", json=NOTE, headers=headers),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_reused")
    assert len(notes(db)) == 1


def test_what_was_refused_may_be_tried_again(service: tuple[TestClient, Database]) -> None:
    client, db = service
    headers = {HEADER: "k-1"}
    assert client.post(PLACE, json={"kind": "note"}, headers=headers).status_code == 422
    assert client.post(PLACE, json=NOTE, headers=headers).status_code == 201
    assert len(notes(db)) == 1


def test_an_answer_is_kept_for_a_day(service: tuple[TestClient, Database]) -> None:
    client, db = service
    client.post(PLACE, json=NOTE, headers={HEADER: "k-1"})
    with db.write() as connection:
        connection.execute(update(idempotent_answers).values(at="2026-01-01T00:00:00.000Z"))
    assert REPLAYED not in client.post(PLACE, json=NOTE, headers={HEADER: "k-1"}).headers
    assert len(notes(db)) == 2


@pytest.mark.parametrize("key", [b"", b"a b", b"x" * 201, "键".encode()])
def test_an_unfit_key_is_refused_in_words(service: tuple[TestClient, Database], key: bytes) -> None:
    answer = service[0].post(PLACE, json=NOTE, headers={HEADER: key})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key")


def test_two_at_the_same_time_do_it_once(service: tuple[TestClient, Database]) -> None:
    client, db = service
    statuses: list[int] = []

    def post() -> None:
        statuses.append(client.post(PLACE, json=NOTE, headers={HEADER: "k-1"}).status_code)

    with client:
        threads = [threading.Thread(target=post) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert len(notes(db)) == 1


def test_keys_belong_to_whoever_uses_them_and_give_no_rights(tmp_path: Path) -> None:
    with light_service(tmp_path, accounts=True) as (client, db):
        adjudicator, moderator, viewer = (a_key(db, role) for role in (Role.ADJUDICATOR, Role.MODERATOR, Role.VIEWER))
        for bearer, status in ((adjudicator, 201), (moderator, 201), (viewer, 403), ("", 401)):
            headers = {HEADER: "k-1"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
            answer = client.post(PLACE, json=NOTE, headers=headers)
            assert answer.status_code == status
            assert REPLAYED not in answer.headers
        assert len(notes(db)) == 2


def a_key(db: Database, role: Role) -> str:
    return new_key(db, LOCAL, role.value, role=role, days=1)
