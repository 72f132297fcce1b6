"""Signing in at an OpenID provider on loopback that signs with a real key: who gets in, and what is refused."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from api.app import create_app
from api.auth.credentials import accept_link, change, invite
from api.auth.oidc import OidcOptions
from api.context import ApiContext
from core.access import Role
from core.egress import Egress
from core.fetch import Fetcher
from evidence.audit import read_audit
from store.engine import Database, open_database
from tests.api.auth.provider import CLIENT, SECRET, Provider, provider
from tests.api.light import NoSearch

ROLES = {"desk": Role.MODERATOR, "judges": Role.ADJUDICATOR, "ops": Role.OPERATOR, "root": Role.ADMIN}
BASE = "http://127.0.0.1:8000"
BEGIN = "/api/v1/session/oidc"
Browser = Callable[..., TestClient]


@pytest.fixture(scope="module")
def issuer() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(issuer: Provider) -> None:
    issuer.claims = {"sub": "s-1", "preferred_username": "李监看", "roles": ["desk", "else"]}
    issuer.spoilt, issuer.metadata, issuer.algorithm = {}, {}, "RS256"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "livewitness.db")
    yield database
    database.close()


@pytest.fixture
def browser(db: Database, issuer: Provider) -> Browser:
    """A browser before an application of its own."""

    def make(egress: Egress | None = None, url: str = "", **options: Any) -> TestClient:
        oidc = OidcOptions(url or issuer.url, CLIENT, SECRET, f"{BASE}{BEGIN}/callback", ROLES, "公司账号", **options)
        fetcher = Fetcher(egress or Egress(allow_internal=True))
        context = ApiContext(db, db.path.parent, NoSearch(), accounts=True, oidc=oidc, fetcher=fetcher)
        return TestClient(create_app(context), base_url=BASE, follow_redirects=False)

    return make


def leave(client: TestClient) -> str:
    """To the issuer, which sends the browser back; the address it is sent to."""
    out = client.get(BEGIN)
    assert out.status_code == 303, out.text
    back = httpx.get(out.headers["Location"])
    return back.headers["Location"].removeprefix(BASE)


def come_in(client: TestClient) -> httpx.Response:
    return client.get(leave(client))


def test_the_sign_in_page_leads_to_the_issuer(browser: Browser) -> None:
    page = browser().get("/sign-in").text
    assert f'href="{BEGIN}"' in page
    assert "用公司账号登录" in page


def test_somebody_with_a_mapped_role_gets_in(browser: Browser, db: Database) -> None:
    client = browser()
    assert client.get("/api/v1/session/ways").json() == {"password": True, "oidc": {"label": "公司账号", "href": BEGIN}}
    page = come_in(client)
    assert page.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=/">' in page.text
    cookies = page.headers.get_list("set-cookie")
    assert any("livewitness_session=" in c and "HttpOnly" in c and "samesite=strict" in c.lower() for c in cookies)
    me = client.get("/api/v1/session").json()
    assert (me["name"], me["role"], me["shop"]) == ("李监看", "moderator", "")
    entries = [json.loads(line) for line in read_audit(db.path.parent)]
    assert [(e["kind"], e["by"], e["detail"]) for e in entries] == [("session.begun", "李监看", {"way": "oidc"})]


def test_the_account_is_the_persons_whatever_it_is_called_later(browser: Browser, issuer: Provider) -> None:
    come_in(browser())
    issuer.claims |= {"preferred_username": "李审理", "roles": "judges"}
    client = browser()
    come_in(client)
    me = client.get("/api/v1/session").json()
    assert (me["name"], me["role"]) == ("李监看", "adjudicator")


def test_people_without_a_role_stay_out_and_lose_what_they_had(browser: Browser, issuer: Provider) -> None:
    client = browser()
    come_in(client)
    issuer.claims |= {"roles": ["else"]}
    refused = come_in(browser())
    assert refused.status_code == 403
    assert "没有给您任何角色" in refused.text
    assert "livewitness_session" not in refused.headers.get("set-cookie", "")
    assert client.get("/api/v1/session").status_code == 401


def test_a_name_that_is_anothers_is_not_taken_over(browser: Browser, db: Database, issuer: Provider) -> None:
    accept_link(db, invite(db, "李监看", Role.ADMIN, ""), "long enough 口令 1")
    assert come_in(browser()).status_code == 409
    issuer.claims |= {"sub": "s-2", "preferred_username": "../x"}
    assert come_in(browser()).status_code == 401


def test_an_account_that_was_disabled_here_stays_out(browser: Browser, db: Database) -> None:
    come_in(browser())
    accept_link(db, invite(db, "boss", Role.ADMIN, ""), "long enough 口令 1")
    change(db, "李监看", Role.MODERATOR, "", active=False)
    assert come_in(browser()).status_code == 403


def test_a_claim_names_the_shop(browser: Browser, issuer: Provider) -> None:
    wanted = {"shop_claim": "org.shop", "shops": {"flower-1": "花店", "hq": ""}}
    for shop, status in (("flower-1", 200), ("unknown", 403), (["flower-1", "hq"], 403)):
        issuer.claims |= {"org": {"shop": shop}}
        assert come_in(browser(**wanted)).status_code == status
    issuer.claims |= {"org": {"shop": "flower-1"}}
    client = browser(**wanted)
    come_in(client)
    assert client.get("/api/v1/session").json()["shop"] == "花店"
    issuer.claims |= {"roles": ["ops"]}
    assert come_in(browser(**wanted)).status_code == 403, "no operator of a shop"


@pytest.mark.parametrize(
    "spoilt",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["livewitness", "another"], "azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"sub": None},
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    browser: Browser, issuer: Provider, spoilt: dict[str, Any]
) -> None:
    issuer.spoilt = spoilt
    client = browser()
    assert come_in(client).status_code == 401
    assert client.get("/api/v1/session").status_code == 401


def test_a_token_of_another_key_is_refused_and_new_keys_are_fetched(
    browser: Browser, issuer: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser()
    assert come_in(client).status_code == 200
    known = issuer.key
    stranger = RSAKey.generate_key(2048, {"kid": known.kid}, private=True)
    with monkeypatch.context() as patch:
        patch.setattr(issuer, "key", stranger)
        place = leave(client)
        patch.setattr("tests.api.auth.provider.KeySet.as_dict", lambda *_, **__: {"keys": [known.as_dict()]})
        assert client.get(place).status_code == 401
    issuer.new_key()
    monkeypatch.setattr("api.auth.oidc._AGAIN_S", 0.0)
    assert come_in(client).status_code == 200


def test_a_way_back_works_once_and_in_its_own_browser(browser: Browser) -> None:
    client, other = browser(), browser()
    place = leave(client)
    assert other.get(place).status_code == 401
    state = parse_qs(urlsplit(place).query)["state"][0]
    assert client.get(place.replace(state, "x" * len(state))).status_code == 401
    assert client.get(place).status_code == 401, "used up by the attempt before"
    again = leave(client)
    assert client.get(again).status_code == 200
    assert client.get(again).status_code == 401
    assert client.get(f"{BEGIN}/callback?error=access_denied&state={state}").status_code == 401


def test_an_internal_issuer_is_refused_unless_allowed(browser: Browser, issuer: Provider) -> None:
    issuer.asked.clear()
    refused = browser(Egress(), issuer.url.replace("http:", "https:")).get(BEGIN)
    assert (refused.status_code, refused.json()["code"]) == (422, "egress_internal")
    assert browser(Egress()).get(BEGIN).json()["code"] == "oidc_plain", "nor is anybody asked in the clear"
    assert issuer.asked == []


def test_addresses_that_the_issuer_names_are_guarded_too(browser: Browser, issuer: Provider) -> None:
    port = urlsplit(issuer.url).port or 0
    issuer.metadata = {"token_endpoint": "http://10.0.0.1/token"}
    refused = browser(Egress().naming("127.0.0.1", port)).get(BEGIN)
    assert refused.json()["code"] == "oidc_plain"
    issuer.metadata = {"issuer": "https://evil.example"}
    assert browser().get(BEGIN).json()["code"] == "oidc_issuer"


@pytest.mark.parametrize("document", [{}, {"keys": [{"kty": "odd"}]}, {"keys": "none"}])
def test_keys_that_are_none_are_told(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, document: dict[str, Any]
) -> None:
    monkeypatch.setattr("tests.api.auth.provider.KeySet.as_dict", lambda *_, **__: document)
    assert come_in(browser()).status_code in (401, 502)


def test_leaving_is_limited(browser: Browser) -> None:
    client = browser()
    statuses = [client.get(BEGIN).status_code for _ in range(35)]
    assert statuses[:30] == [303] * 30
    assert 429 in statuses


def test_where_no_issuer_is_set_there_is_none(db: Database) -> None:
    client = TestClient(create_app(ApiContext(db, db.path.parent, NoSearch(), accounts=True)), base_url=BASE)
    assert client.get("/api/v1/session/ways").json() == {"password": True, "oidc": None}
    assert client.get(BEGIN).status_code == 404
    assert client.get(f"{BEGIN}/callback").status_code == 404
