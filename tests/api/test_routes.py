"""What the service answers: streams, words, findings, search, health."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from core.errors import Sentence
from core.health import CheckResult


def test_streams_and_one_of_them(client: TestClient) -> None:
    listed = client.get("/api/v1/streams").json()
    assert [s["name"] for s in listed["streams"]] == ["s"]
    assert listed["next"] is None
    one = client.get("/api/v1/streams/s").json()
    assert one["shop"] == "花店"
    assert one["recorded_seconds"] == pytest.approx(40, abs=0.2)
    assert [e["epoch"] for e in one["epochs"]] == [0, 1]
    assert client.get("/api/v1/streams", params={"shop": "别家"}).json()["streams"] == []


def test_words_come_in_pages(client: TestClient) -> None:
    first = client.get("/api/v1/streams/s/utterances", params={"limit": 2}).json()
    rest = client.get("/api/v1/streams/s/utterances", params={"limit": 2, "from": first["next"]}).json()
    texts = [u["text"] for u in first["utterances"] + rest["utterances"]]
    assert texts == ["大家晚上好欢迎来到直播间", "这款面霜三天祛斑不反弹", "今天的包邮价格是九十九元"]
    assert rest["next"] is None
    inside = client.get("/api/v1/streams/s/utterances", params={"from": 7, "to": 8}).json()["utterances"]
    assert [u["words"][0]["start"] for u in inside] == [7.0]


def test_findings_come_in_pages_and_by_class(client: TestClient) -> None:
    first = client.get("/api/v1/alerts", params={"limit": 2, "stream": "s"}).json()
    rest = client.get("/api/v1/alerts", params={"limit": 2, "after": first["next"]}).json()
    assert [f["alert_id"] for f in first["alerts"] + rest["alerts"]] == ["a0", "a1", "a2"]
    assert rest["next"] is None
    assert first["alerts"][0]["legal_basis"] == [{"law": "化妆品监督管理条例", "article": "第十六条"}]
    assert client.get("/api/v1/alerts", params={"category": "price_fraud"}).json()["alerts"] == []
    assert client.get("/api/v1/alerts", params={"category": "nonsense"}).status_code == 422


def test_search_lands_on_the_word(client: TestClient) -> None:
    found = client.get("/api/v1/search", params={"q": "三天祛斑"}).json()
    best = found["hits"][0]
    assert best["rank"] == 1
    assert best["matched"] == "三天祛斑"
    assert best["start"] == pytest.approx(7.8, abs=0.3)
    assert {"score", "stream", "end", "wall_time", "text", "why", "clip"} <= best.keys()
    assert found["searched"]["streams"] == 1
    assert found["searched"]["seconds"] == pytest.approx(40, abs=0.2)


def test_search_takes_filters(client: TestClient) -> None:
    near = client.get("/api/v1/search", params={"q": "三天祛斑", "stream": "s", "from": "0:05", "to": "10"}).json()
    assert [h["text"] for h in near["hits"]] == ["这款面霜三天祛斑不反弹"]
    none = client.get("/api/v1/search", params={"q": "三天祛斑", "shop": "别家"}).json()
    assert none["hits"] == []
    for wrong, status in [
        ({"q": ""}, 422),
        ({"q": "。。。"}, 422),
        ({"q": "祛斑", "from": "昨天"}, 400),
        ({"q": "祛斑", "stream": "无此流"}, 404),
        ({"q": "祛斑", "limit": 0}, 422),
        ({"q": "x" * 1001}, 422),
        ({}, 422),
    ]:
        answer = client.get("/api/v1/search", params=wrong)
        assert answer.status_code == status, wrong
        assert answer.json()["zh"]


def test_health_is_what_the_checks_say(build: Callable[..., TestClient]) -> None:
    sound = build().get("/health")
    assert (sound.status_code, sound.json()["status"]) == (200, "ok")
    calls = []

    def full_disk() -> list[CheckResult]:
        calls.append(1)
        return [CheckResult("disk", False, Sentence("磁盘将满", "disk nearly full"), Sentence("清理", "free some"))]

    client = build(checks=full_disk)
    for _ in range(3):
        answer = client.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "degraded")
        assert answer.json()["checks"][0]["repair_en"] == "free some"
    assert len(calls) == 1, "checks read the disk; they are not run for every visitor"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/streams/无此流", 404, "stream_unknown"),
        ("GET", "/api/v1/streams/无此流/utterances", 404, "stream_unknown"),
        ("GET", "/api/v1/none", 404, "request_path"),
        ("DELETE", "/api/v1/streams", 405, "request_method"),
        ("GET", "/api/v1/streams?limit=x", 422, "request_invalid"),
        ("GET", "/api/v1/streams/s/utterances?from=nan", 422, "request_invalid"),
        ("GET", "/api/v1/streams/s/utterances?from=1e300", 422, "request_invalid"),
        ("GET", "/static/none.js", 404, "request_path"),
    ],
)
def test_errors_have_one_shape(client: TestClient, method: str, path: str, status: int, code: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json().keys() == {"code", "zh", "en", "hint_zh", "hint_en"}


def test_a_defect_of_ours_shows_no_traceback(build: Callable[..., TestClient]) -> None:
    def broken() -> list[CheckResult]:
        raise RuntimeError("secret detail")

    answer = build(checks=broken, raises=False).get("/health")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "secret" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
