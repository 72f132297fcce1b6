"""Signing in: links that work once, passwords that are refused, cookies that scripts cannot read, attempts that end."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from api.auth.credentials import invite, visitor_of_session
from api.context import Limits
from core.access import Role
from store.engine import Database
from tests.api.auth.conftest import PASSWORD

MakeClient = Callable[..., TestClient]
Clients = Callable[[str], TestClient]


def test_a_link_works_once_and_signs_in(db: Database, make_client: MakeClient) -> None:
    link = invite(db, "new person", Role.VIEWER, "")
    client = make_client()
    weak = client.post("/api/v1/session/link", json={"link": link, "password": "short"})
    assert (weak.status_code, weak.json()["code"]) == (422, "password_weak")
    done = client.post("/api/v1/session/link", json={"link": link, "password": PASSWORD})
    assert done.json()["permissions"] == ["view"]
    assert client.get("/api/v1/session").json()["name"] == "new person"
    again = make_client().post("/api/v1/session/link", json={"link": link, "password": PASSWORD + "2"})
    assert (again.status_code, again.json()["code"]) == (401, "link_unusable")


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "viewer person", "x" * 257])
def test_weak_passwords_are_refused(db: Database, make_client: MakeClient, password: str) -> None:
    link = invite(db, f"viewer person {len(password)}", Role.VIEWER, "")
    answer = make_client().post("/api/v1/session/link", json={"link": link, "password": password})
    assert answer.status_code == 422


def test_a_wrong_password_and_an_unknown_name_look_alike(make_client: MakeClient) -> None:
    client = make_client()
    wrong = client.post("/api/v1/session", json={"name": "viewer", "password": "x" * 20})
    unknown = client.post("/api/v1/session", json={"name": "nobody", "password": "x" * 20})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_the_cookie_is_out_of_reach(make_client: MakeClient) -> None:
    client = make_client(base="https://127.0.0.1:8000", secure=True)
    answer = client.post("/api/v1/session", json={"name": "viewer", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=strict", "secure", "path=/"):
        assert part in cookie
    assert answer.json()["csrf"] not in cookie


def test_signing_out_ends_the_session(db: Database, signed_in: Clients) -> None:
    client = signed_in("viewer")
    secret = client.cookies["livewitness_session"]
    assert client.delete("/api/v1/session").status_code == 204
    assert visitor_of_session(db, secret) is None


def test_attempts_are_limited(make_client: MakeClient) -> None:
    client = make_client(Limits(sign_ins_burst=3, sign_ins_per_s=0.01))
    wrong = {"name": "viewer", "password": "x" * 20}
    statuses = [client.post("/api/v1/session", json=wrong).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    late = client.post("/api/v1/session", json={"name": "viewer", "password": PASSWORD})
    assert late.status_code == 429
    assert int(late.headers["Retry-After"]) >= 1


def test_a_whole_shift_signs_in_from_one_address(make_client: MakeClient) -> None:
    client = make_client(Limits(sign_ins_burst=3, sign_ins_per_s=0.0001))
    right = {"name": "viewer", "password": PASSWORD}
    assert [client.post("/api/v1/session", json=right).status_code for _ in range(8)] == [200] * 8
    wrong = [client.post("/api/v1/session", json={"name": f"n{n}", "password": "x" * 20}) for n in range(4)]
    assert [answer.status_code for answer in wrong] == [401, 401, 401, 429]


def at(client: TestClient, address: str) -> TestClient:
    """Another browser, at that address, before the same service."""
    return TestClient(client.app, base_url="http://127.0.0.1:8000", client=(address, 40_000))


def attempt(client: TestClient, password: str = "x" * 20, name: str = "viewer") -> int:
    return client.post("/api/v1/session", json={"name": name, "password": password}).status_code


def test_whoever_guesses_at_one_address_keeps_nobody_out_elsewhere(make_client: MakeClient) -> None:
    service = make_client(Limits(sign_ins_burst=3, sign_ins_per_s=0.0001))
    guesser = at(service, "203.0.113.5")
    assert [attempt(guesser) for _ in range(40)] == [401] * 3 + [429] * 37
    assert attempt(at(service, "203.0.113.6"), PASSWORD) == 200


def test_many_addresses_together_guess_slowly_and_keep_no_known_browser_out(make_client: MakeClient) -> None:
    service = make_client(Limits(sign_ins_burst=2, sign_ins_per_s=0.0001))
    person = at(service, "203.0.113.6")
    assert attempt(person, PASSWORD) == 200
    guesses = [attempt(at(service, f"198.51.100.{n}")) for n in range(30)]
    assert guesses.count(401) == 2 * 5, "five times what one address may"
    assert attempt(person) == 401, "a slip"
    assert attempt(person, PASSWORD) == 200
    stranger = at(service, "203.0.113.7")
    assert attempt(stranger, PASSWORD) == 429
    stranger.cookies.set("livewitness_known", "00.11")
    assert attempt(stranger, PASSWORD) == 429, "a cookie of one's own making"


def test_a_known_browser_guesses_slowly_too_and_at_its_own_name_only(make_client: MakeClient) -> None:
    service = make_client(Limits(sign_ins_burst=3, sign_ins_per_s=0.0001))
    person = at(service, "203.0.113.6")
    assert attempt(person, PASSWORD) == 200
    assert [attempt(person) for _ in range(5)] == [401] * 3 + [429] * 2
    assert [attempt(person, name="admin") for _ in range(5)] == [401] * 3 + [429] * 2, "as from any address"


def test_the_networks_of_one_subscriber_are_one_address(make_client: MakeClient) -> None:
    service = make_client(Limits(sign_ins_burst=3, sign_ins_per_s=0.0001))
    assert [attempt(at(service, f"2001:db8:1:2::{n:x}")) for n in range(5)] == [401] * 3 + [429] * 2
    assert attempt(at(service, "2001:db8:1:3::1")) == 401


def test_only_hashes_are_kept(db: Database, signed_in: Clients) -> None:
    secret = signed_in("viewer").cookies["livewitness_session"]
    held = b"".join(p.read_bytes() for p in db.path.parent.glob("livewitness.db*"))
    assert secret.encode() not in held
    assert PASSWORD.encode() not in held
    assert b"$argon2id$" in held
