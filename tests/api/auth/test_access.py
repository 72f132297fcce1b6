"""Who may do what: every operation against every role, other shops' ids, and forged pages."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

from api.auth.access import RouteRule, route_rules
from api.pages import MENU
from core.access import PERMISSIONS, Permission, Role

Clients = Callable[[str], TestClient]
PAGES = [item.path for item in MENU]

# Written by hand, so that a change of who may do what is seen here as well.
_VIEW = set(Role)
_SEARCH = set(Role) - {Role.VIEWER}
_REVIEW = {Role.MODERATOR, Role.ADJUDICATOR, Role.ADMIN}
_ROLES_BY_PERMISSION = {
    Permission.VIEW: _VIEW,
    Permission.SEARCH: _SEARCH,
    Permission.REVIEW: _REVIEW,
    Permission.EXHIBIT: {Role.ADJUDICATOR, Role.ADMIN},
    Permission.AUDIT: {Role.AUDITOR, Role.ADMIN},
    Permission.OPERATE: {Role.OPERATOR, Role.ADMIN},
    Permission.ADMINISTER: {Role.ADMIN},
    None: set(Role),
}
_OPEN = {
    ("GET", "/docs"),
    ("GET", "/sign-in"),
    ("GET", "/health"),
    ("POST", "/api/v1/session"),
    ("POST", "/api/v1/session/link"),
    ("GET", "/api/v1/session/ways"),
    ("GET", "/api/v1/session/oidc"),
    ("GET", "/api/v1/session/oidc/callback"),
}


def rules_of(client: TestClient) -> list[RouteRule]:
    app: Any = client.app
    rules: list[RouteRule] = app.state.rules
    return rules


def operations(client: TestClient) -> list[tuple[str, str]]:
    app: Any = client.app
    paths = app.openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def call(client: TestClient, method: str, path: str) -> int:
    """The status of a request with made-up names; an event stream is left at its first byte."""
    address = (
        path.replace("{name}", "no such")
        .replace("{clip_id}", "0" * 32)
        .replace("{alert_id}", "none")
        .replace("{number}", "1")
        .replace("{exhibit_id}", "0" * 16)
        .replace("{draft}", "0" * 16)
    )
    if path == "/api/v1/events":
        address += "?last_event_id=x"
        return client.get(address, headers={"Last-Event-ID": "not a number"}).status_code
    return client.request(method, address, json={} if method in ("POST", "PUT", "PATCH") else None).status_code


def test_roles_hold_what_the_table_says() -> None:
    for permission, roles in _ROLES_BY_PERMISSION.items():
        if permission is not None:
            assert {role for role, held in PERMISSIONS.items() if permission in held} == roles


def test_every_operation_has_one_rule(make_client: Callable[..., TestClient]) -> None:
    client = make_client()
    ruled = {(rule.method, rule.path) for rule in rules_of(client)}
    assert set(operations(client)) <= ruled
    assert {(r.method, r.path) for r in rules_of(client) if r.permission is None} == _OPEN


def test_a_route_without_a_rule_is_refused() -> None:
    router = APIRouter()

    @router.get("/forgotten")
    def forgotten() -> None: ...

    with pytest.raises(RuntimeError, match="/forgotten"):
        route_rules([router])


@pytest.mark.parametrize("role", list(Role))
def test_every_operation_against_a_role(signed_in: Clients, role: Role) -> None:
    client = signed_in(role.value)
    for rule in rules_of(client):
        if rule.path == "/api/v1/session":
            continue
        status = call(client, rule.method, rule.path)
        may = role in _ROLES_BY_PERMISSION[rule.permission]
        assert (status == 403) == (not may), (rule, status)
        assert status != 401 or rule.permission is None, (rule, status)


def test_nobody_may_do_anything_but_sign_in(make_client: Callable[..., TestClient]) -> None:
    client = make_client()
    for rule in rules_of(client):
        status = call(client, rule.method, rule.path)
        if rule.permission is not None:
            # A page leads to the sign-in page.
            assert status == (401 if rule.path.startswith(("/api/", "/metrics")) else 200), (rule, status)


def test_the_wall_names_commands_and_the_data_folder_to_operators_alone(signed_in: Clients) -> None:
    assert "livewitness demo --data /" in signed_in("operator").get("/").text
    for name in ("viewer", "moderator", "adjudicator", "flowers"):
        shown = signed_in(name).get("/")
        assert shown.status_code == 200
        assert "<pre>" not in shown.text


def test_a_page_leads_strangers_to_the_sign_in_page(make_client: Callable[..., TestClient], signed_in: Clients) -> None:
    for page in PAGES:
        answer = make_client().get(page, follow_redirects=False)
        way_back = "" if page == "/" else "?" + urlencode({"next": page})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in" + way_back)
    refused = signed_in("viewer").get("/search")
    assert "无权查看" in refused.text


def test_health_tells_strangers_nothing_but_the_state(make_client: Callable[..., TestClient]) -> None:
    assert set(make_client().get("/health").json()) == {"status", "version"}


def test_another_shops_streams_do_not_exist(signed_in: Clients) -> None:
    client = signed_in("flowers")
    assert [s["name"] for s in client.get("/api/v1/streams").json()["streams"]] == ["rose"]
    assert client.get("/api/v1/streams/rose").status_code == 200
    for path in ("", "/utterances", "/timeline", "/media?start=0&end=1"):
        assert client.get(f"/api/v1/streams/tea{path}").status_code == 404, path
    assert client.get("/api/v1/streams", params={"shop": "茶店"}).status_code == 404
    assert client.get("/api/v1/search", params={"q": "三天祛斑", "shop": "茶店"}).status_code == 404
    posted = client.post("/api/v1/streams/tea/timeline", json={"kind": "note", "text": "x"})
    assert posted.status_code == 404
    assert client.post("/api/v1/clips", json={"stream": "tea", "start": 0, "end": 1}).status_code == 404


def test_search_stays_in_the_shop(signed_in: Clients) -> None:
    found = signed_in("flowers").get("/api/v1/search", params={"q": "三天祛斑"}).json()
    assert {hit["stream"] for hit in found["hits"]} == {"rose"}
    everywhere = signed_in("adjudicator").get("/api/v1/search", params={"q": "三天祛斑"}).json()
    assert {hit["stream"] for hit in everywhere["hits"]} == {"rose", "tea"}
    other = signed_in("flowers").get("/api/v1/search", params={"q": "三天祛斑", "stream": "tea"}).json()
    assert other.get("hits", []) == []


def test_a_page_without_its_token_changes_nothing(signed_in: Clients) -> None:
    client = signed_in("moderator")
    del client.headers["X-CSRF-Token"]
    refused = client.post("/api/v1/streams/rose/timeline", json={"kind": "note", "text": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_token")
    wrong = client.post(
        "/api/v1/streams/rose/timeline", json={"kind": "note", "text": "x"}, headers={"X-CSRF-Token": "x"}
    )
    assert wrong.status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("packages", {"stream": "tea", "start": 1, "end": 2}),
        ("masked", {"stream": "tea", "start": 1, "end": 2}),
        ("negatives", {"query": "祛斑", "stream": "tea"}),
        ("negatives", {"query": "祛斑", "shop": "茶店"}),
    ],
)
def test_nothing_of_one_shop_goes_into_anothers_case(signed_in: Clients, path: str, body: dict[str, Any]) -> None:
    platform, flowers = signed_in("adjudicator"), signed_in("flowers")
    number = f"花案{abs(hash((path, str(body))))}"
    assert platform.post("/api/v1/cases", json={"number": number, "shop": "花店"}).status_code == 201
    assert flowers.get(f"/api/v1/cases/{number}").status_code == 200
    refused = platform.post(f"/api/v1/cases/{number}/{path}", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "case_shop")
    unknown = flowers.post(f"/api/v1/cases/{number}/{path}", json=body)
    assert unknown.status_code == 404, "for the shop's own people there is no such stream"
    assert platform.get(f"/api/v1/cases/{number}/exports").json()["jobs"] == []


def test_what_the_platform_holds_a_shop_does_not_lift(signed_in: Clients) -> None:
    platform, flowers = signed_in("adjudicator"), signed_in("flowers")
    wanted = {"case": "争议-1", "stream": "rose", "reason": "投诉"}
    theirs = platform.post("/api/v1/holds", json=wanted).json()["hold"]
    own = flowers.post("/api/v1/holds", json=wanted).json()["hold"]
    refused = flowers.post(f"/api/v1/holds/{theirs}/lift", json={"reason": "不要了"})
    assert (refused.status_code, refused.json()["code"]) == (403, "platforms_own")
    assert theirs in {hold["hold"] for hold in platform.get("/api/v1/holds").json()["holds"]}
    assert flowers.post(f"/api/v1/holds/{own}/lift", json={"reason": "和解"}).status_code == 200
    assert platform.post(f"/api/v1/holds/{theirs}/lift", json={"reason": "结案"}).status_code == 200


def test_what_the_platform_asked_for_a_shop_does_not_answer(signed_in: Clients) -> None:
    platform, flowers = signed_in("moderator"), signed_in("flowers")
    address = "/api/v1/streams/rose/measures"
    theirs = platform.post(address, json={"kind": "warn", "reason": "祛斑"}).json()["id"]
    own = flowers.post(address, json={"kind": "warn", "reason": "祛斑"}).json()["id"]
    refused = flowers.post(f"{address}/{theirs}/answer", json={"answer": "已处理"})
    assert (refused.status_code, refused.json()["code"]) == (403, "platforms_own")
    assert flowers.post(f"{address}/{own}/answer", json={"answer": "已处理"}).status_code == 200
    assert platform.post(f"{address}/{theirs}/answer", json={"answer": "已处理"}).status_code == 200
