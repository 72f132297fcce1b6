"""Search over HTTP: every filter reaches it, and hits come as JSON or as CSV."""

import csv
import io
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.context import ApiContext, Limits
from index.search import SearchAnswer, SearchRequest
from store.engine import open_database
from store.scope import Extent

SEARCH = "/api/v1/search"


class Remembers:
    """Takes note of what it is asked."""

    def __init__(self) -> None:
        self.asked: list[SearchRequest] = []

    def search(self, request: SearchRequest) -> SearchAnswer:
        self.asked.append(request)
        return SearchAnswer(request.query, (), Extent(0, 0, 0, 0, 0, 0, 0))


@pytest.fixture
def asking(tmp_path: Path):
    db = open_database(tmp_path / "livewitness.db")
    searcher = Remembers()
    yield TestClient(create_app(ApiContext(db, tmp_path, searcher)), base_url="http://127.0.0.1:8000"), searcher
    db.close()


@pytest.mark.parametrize(
    ("parameters", "field", "value"),
    [
        ({"stream": "s"}, "stream", "s"),
        ({"shop": "花店"}, "shop", "花店"),
        ({"host": "小美"}, "host", "小美"),
        ({"product": "面霜"}, "product", "面霜"),
        ({"category": "cosmetic_special"}, "category", "cosmetic_special"),
        ({"alerted": "true"}, "alerted", True),
        ({"alerted": "false"}, "alerted", False),
        ({"near": "2026-11-11 20:31"}, "near", datetime(2026, 11, 11, 20, 31, tzinfo=UTC)),
        ({"near": "2026-11-11T20:31+08:00"}, "near", datetime(2026, 11, 11, 12, 31, tzinfo=UTC)),
        ({"within": "5"}, "within_minutes", 5.0),
        ({"from": "2026-11-11"}, "from_", datetime(2026, 11, 11, tzinfo=UTC)),
        ({"stream": "s", "to": "1:23"}, "to", 83.0),
        ({"limit": "7"}, "limit", 7),
        ({}, "query", '三天祛斑 | "假一赔十" -面膜'),
    ],
)
def test_every_filter_reaches_the_search(asking: Any, parameters: dict[str, str], field: str, value: object) -> None:
    client, searcher = asking
    answer = client.get(SEARCH, params={"q": '三天祛斑 | "假一赔十" -面膜'} | parameters)
    assert answer.status_code == 200, answer.text
    assert getattr(searcher.asked[0], field) == value


@pytest.mark.parametrize(
    "wrong", [{"near": "83.5"}, {"category": "no_class"}, {"alerted": "perhaps"}, {"within": "0"}, {"format": "xls"}]
)
def test_wrong_filters_get_a_sentence(asking: Any, wrong: dict[str, str]) -> None:
    client, searcher = asking
    answer = client.get(SEARCH, params={"q": "祛斑"} | wrong)
    assert answer.status_code in {400, 422}
    assert answer.json()["zh"]
    assert not searcher.asked


def test_hits_as_csv(client: TestClient) -> None:
    answer = client.get(SEARCH, params={"q": "三天祛斑", "format": "csv", "limit": 1})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["stream"], row["matched"], row["text"]) == ("s", "三天祛斑", "这款面霜三天祛斑不反弹")


def test_only_what_has_an_alert_of_a_class(client: TestClient) -> None:
    found = client.get(SEARCH, params={"q": "三天祛斑", "category": "cosmetic_special", "alerted": "true"}).json()
    none = client.get(SEARCH, params={"q": "三天祛斑", "category": "price_fraud"}).json()
    assert found["hits"][0]["text"] == "这款面霜三天祛斑不反弹"
    assert none["hits"] == []


class Slow:
    """A search that holds on until told."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.running = self.most = 0
        self.lock = threading.Lock()

    def search(self, request: SearchRequest) -> SearchAnswer:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.go.wait(10)
        with self.lock:
            self.running -= 1
        return SearchAnswer(request.query, (), Extent(0, 0, 0, 0, 0, 0, 0))


def test_searches_take_turns_and_too_many_are_turned_away(tmp_path: Path) -> None:
    db, slow = open_database(tmp_path / "livewitness.db"), Slow()
    limits = Limits(searches_at_once=2, searches_waiting=3, searches_burst=100)
    client = TestClient(create_app(ApiContext(db, tmp_path, slow, limits=limits)), base_url="http://127.0.0.1:8000")
    answers: list[Any] = []
    with client:
        asking = [
            threading.Thread(target=lambda: answers.append(client.get(SEARCH, params={"q": "祛斑"}))) for _ in range(9)
        ]
        for thread in asking:
            thread.start()
        deadline = time.monotonic() + 10
        while len(answers) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        refused = [(answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) for answer in answers]
        assert refused == [(429, "search_busy", "1")] * 4
        slow.go.set()
        for thread in asking:
            thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 4
    assert slow.most == 2
    db.close()


def test_a_flood_from_one_address_is_turned_away_at_the_door(asking: Any) -> None:
    client, searcher = asking
    door = client.app.state.search_door
    own = {"type": "http", "path": SEARCH, "client": ("10.1.2.3", 1)}
    refused = [door.refusal(own) for _ in range(200)]
    assert refused[:90] == [None] * 90, "three times what one visitor may"
    assert refused[-1].http_status == 429
    assert door.refusal(own | {"client": ("10.1.2.4", 1)}) is None
    assert door.refusal(own | {"path": "/api/v1/alerts"}) is None
    assert client.get(SEARCH, params={"q": "祛斑"}).status_code == 200
    assert len(searcher.asked) == 1
