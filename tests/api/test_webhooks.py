"""Targets are set, shown without their secrets, and their dead letters listed and sent again."""

import json

import pytest

from core.clock import utc_now
from evidence.audit import read_audit
from store import outbox
from store import webhooks as hooks
from store.webhooks import Webhook, WebhookQueue
from tests.alerting import an_alert
from tests.api.light import light_service

DESK = "/api/v1/webhooks/desk"
URL = "https://1.1.1.1/hook"
SECRET = "0123456789abcdef"


@pytest.fixture
def service(tmp_path):
    with light_service(tmp_path) as running:
        yield running


def test_a_target_is_made_changed_shown_and_removed(service) -> None:
    client, db = service
    made = client.put(DESK, json={"url": URL, "streams": ["s"]})
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert len(secret) >= 32
    changed = client.put(DESK, json={"url": URL + "2"})
    assert (changed.status_code, changed.json()["streams"]) == (200, [])
    (listed,) = client.get("/api/v1/webhooks").json()["webhooks"]
    assert (listed["url"], listed["waiting"], listed["dead"]) == (URL + "2", 0, 0)
    assert "secret" not in listed
    with db.read() as c:
        stored = hooks.get_webhook(c, "desk")
    assert stored is not None
    assert stored.secret == secret
    assert client.delete(DESK).status_code == 204
    assert client.delete(DESK).status_code == 404


def test_a_token_in_the_address_is_not_in_the_audit_chain(service, tmp_path) -> None:
    client, _ = service
    assert client.put(DESK, json={"url": f"{URL}?access_token={SECRET}"}).status_code == 201
    (entry,) = [json.loads(line) for line in read_audit(tmp_path)]
    assert (entry["kind"], entry["detail"]["url"]) == ("webhook.set", URL)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"url": "http://127.0.0.1/"}, "egress_internal"),
        ({"url": "http://2130706433/"}, "egress_internal"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, "egress_internal"),
        ({"url": "http://user@1.1.1.1/"}, "egress_address"),
        ({"url": "file:///etc/passwd"}, "egress_address"),
        ({"url": URL, "secret": "short"}, None),
        ({"url": URL, "colour": "red"}, None),
        ({}, None),
    ],
)
def test_internal_and_odd_targets_are_refused(service, wanted, code) -> None:
    client, _ = service
    answer = client.put(DESK, json=wanted)
    assert answer.status_code == 422
    assert code in (None, answer.json()["code"])
    assert client.get("/api/v1/webhooks").json()["webhooks"] == []


def test_internal_targets_are_taken_when_allowed(tmp_path) -> None:
    with light_service(tmp_path, allow_internal_targets=True) as (client, _):
        assert client.put(DESK, json={"url": "http://127.0.0.1/"}).status_code == 201


def test_a_target_of_the_file_is_not_changed_here(service) -> None:
    client, db = service
    with db.write() as c:
        hooks.put_webhook(c, Webhook("desk", URL, SECRET, origin="file"))
    assert client.put(DESK, json={"url": URL}).json()["code"] == "webhook_in_file"
    assert client.delete(DESK).status_code == 409


def bury_two(db) -> None:
    with db.write() as c:
        hook = hooks.put_webhook(c, Webhook("desk", URL, SECRET))
        for number in range(3):
            outbox.append(c, "alert", an_alert(f"a{number}"))
        queue = WebhookQueue("desk", "s", hook.since_cursor, 9, utc_now(), utc_now(), "HTTP 500")
        hooks.bury(c, queue, outbox.after(c, hook.since_cursor, 2), utc_now())


def test_dead_letters_are_listed_and_sent_again(service) -> None:
    client, db = service
    bury_two(db)
    (hook,) = client.get("/api/v1/webhooks").json()["webhooks"]
    assert (hook["waiting"], hook["dead"]) == (1, 2)
    assert hook["failing"][0]["error"] == "HTTP 500"
    page = client.get(f"{DESK}/dead", params={"limit": 1}).json()
    rest = client.get(f"{DESK}/dead", params={"after": page["next"]}).json()
    letters = page["dead"] + rest["dead"]
    assert [(d["alert_id"], d["state"], d["error"]) for d in letters] == [
        ("a0", "dead", "HTTP 500"),
        ("a1", "dead", "HTTP 500"),
    ]
    assert client.post(f"{DESK}/dead/resend", json={"ids": [letters[0]["id"], 999]}).json() == {"resending": 1}
    assert client.post(f"{DESK}/dead/resend", json={"ids": [999]}).json() == {"resending": 0}
    assert client.post(f"{DESK}/dead/resend", json={}).json() == {"resending": 1}
    assert {d["state"] for d in client.get(f"{DESK}/dead").json()["dead"]} == {"resending"}
    assert client.get("/api/v1/webhooks/none/dead").status_code == 404
