"""Products, prices, comments and notes posted to a stream."""

from datetime import timedelta

import pytest

from core.clock import iso
from core.records import Product
from store import timeline
from tests.alerting import BEGUN
from tests.api.light import light_service

PATH = "/api/v1/streams/s/timeline"


@pytest.fixture
def service(tmp_path):
    with light_service(tmp_path) as running:
        yield running


def test_what_is_posted_is_listed_in_order_of_stream_time(service) -> None:
    client, _ = service
    posts = [
        {"kind": "price", "price": 99.9, "at": 12},
        {"kind": "product", "text": "补水面膜", "product_class": "cosmetics", "at": 10.5},
        {"kind": "comment", "text": "真的假的", "author": "小王", "wall_time": iso(BEGUN + timedelta(seconds=11))},
        {"kind": "note", "text": "主播换人"},
    ]
    answers = [client.post(PATH, json=post) for post in posts]
    assert [a.status_code for a in answers] == [201] * 4
    listed = client.get(PATH).json()["events"]
    assert [e["at"] for e in listed[:3]] == [10.5, 11.0, 12.0]
    assert [e["kind"] for e in listed] == ["product", "comment", "price", "note"]
    assert (listed[2]["price"], listed[0]["product_class"], listed[1]["author"]) == (99.9, "cosmetics", "小王")
    assert listed[3]["at"] > 0
    assert answers[0].json()["id"] == listed[2]["id"]


def test_pages_ranges_and_kinds(service) -> None:
    client, _ = service
    for at in range(5):
        client.post(PATH, json={"kind": "note", "text": str(at), "at": at})
    first = client.get(PATH, params={"limit": 2}).json()
    rest = client.get(PATH, params={"after": first["next"]}).json()
    assert [e["text"] for e in first["events"] + rest["events"]] == list("01234")
    assert rest["next"] is None
    assert [e["text"] for e in client.get(PATH, params={"from": 1, "to": 3}).json()["events"]] == ["1", "2"]
    assert client.get(PATH, params={"kind": "price"}).json()["events"] == []
    assert client.get("/api/v1/streams/t/timeline").json()["events"] == []


def test_a_posted_product_is_on_the_shelf(service) -> None:
    client, db = service
    client.post(PATH, json={"kind": "product", "text": "钙片", "at": 10})
    with db.read() as c:
        assert timeline.product_at(c, "s", 10_000) == Product("钙片")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"kind": "advert", "text": "x"},
        {"kind": "note"},
        {"kind": "note", "text": "  "},
        {"kind": "price", "at": 1},
        {"kind": "note", "text": "x", "price": 3},
        {"kind": "note", "text": "x", "at": -1},
        {"kind": "note", "text": "x", "at": 1, "wall_time": "2026-11-11T12:00:00Z"},
        {"kind": "note", "text": "x", "wall_time": "2026-11-11T12:00:00"},
        {"kind": "note", "text": "x", "colour": "red"},
        {"kind": "note", "text": "x" * 2001},
    ],
)
def test_what_does_not_fit_is_refused_in_words(service, wrong) -> None:
    client, _ = service
    answer = client.post(PATH, json=wrong)
    assert answer.status_code == 422, wrong
    assert answer.json()["zh"]
    assert client.get(PATH).json()["events"] == []


def test_an_unknown_stream_is_not_found(service) -> None:
    client, _ = service
    assert client.post("/api/v1/streams/none/timeline", json={"kind": "note", "text": "x"}).status_code == 404
    assert client.get("/api/v1/streams/none/timeline").status_code == 404
