"""Accounts and keys: made, narrowed, ended; the last administrator stays."""

from collections.abc import Callable

from starlette.testclient import TestClient

Clients = Callable[[str], TestClient]
MakeClient = Callable[..., TestClient]


def bearer(client: TestClient, secret: str) -> TestClient:
    client.headers["Authorization"] = f"Bearer {secret}"
    return client


def test_a_disabled_account_is_out_at_once(signed_in: Clients, make_client: MakeClient) -> None:
    admin, person = signed_in("admin"), make_client()
    link = admin.post("/api/v1/accounts", json={"name": "temp", "role": "moderator", "shop": "花店"}).json()["link"]
    person.post("/api/v1/session/link", json={"link": link.partition("#")[2], "password": "long enough 口令 1"})
    assert person.get("/api/v1/streams").status_code == 200
    changed = admin.put("/api/v1/accounts/temp", json={"role": "moderator", "shop": "花店", "active": False})
    assert changed.json()["active"] is False
    assert person.get("/api/v1/streams").status_code == 401


def test_names_are_taken_once(signed_in: Clients) -> None:
    answer = signed_in("admin").post("/api/v1/accounts", json={"name": "viewer", "role": "viewer"})
    assert (answer.status_code, answer.json()["code"]) == (409, "account_exists")


def test_a_shop_has_no_operators(signed_in: Clients) -> None:
    for role in ("operator", "auditor", "admin"):
        answer = signed_in("admin").post("/api/v1/accounts", json={"name": "x", "role": role, "shop": "花店"})
        assert (answer.status_code, answer.json()["code"]) == (403, "role_of_platform")


def test_the_last_administrator_stays(signed_in: Clients) -> None:
    admin = signed_in("admin")
    for change in ({"role": "viewer"}, {"role": "admin", "active": False}):
        answer = admin.put("/api/v1/accounts/admin", json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    assert admin.get("/api/v1/accounts").status_code == 200


def test_keys_have_scopes_and_an_end(signed_in: Clients, make_client: MakeClient) -> None:
    admin = signed_in("admin")
    wanted = {"name": "ci", "role": "operator", "scopes": ["view"], "days": 1}
    secret = admin.post("/api/v1/keys", json=wanted).json()["secret"]
    machine = bearer(make_client(), secret)
    assert machine.get("/api/v1/streams").status_code == 200
    assert machine.get("/metrics").status_code == 403
    assert secret not in admin.get("/api/v1/keys").text
    assert admin.delete("/api/v1/keys/ci").status_code == 204
    assert machine.get("/api/v1/streams").status_code == 401
    assert admin.delete("/api/v1/keys/ci").status_code == 404


def test_a_key_holds_no_more_than_its_role(signed_in: Clients) -> None:
    wanted = {"name": "wide", "role": "viewer", "scopes": ["view", "administer"]}
    answer = signed_in("admin").post("/api/v1/keys", json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_beyond_role")


def test_a_key_that_is_none_is_refused(make_client: MakeClient) -> None:
    for secret in ("lw_x", "other", ""):
        assert bearer(make_client(), secret).get("/api/v1/streams").status_code == 401
