"""What goes out of a case, and what takes long to make: orders with a state, bounded; each result verified."""

import io
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.context import ApiContext
from api.errors import BusyError
from api.export_desk import ExportDesk, ExportOrder
from core.errors import BadInputError
from core.records import ModelIdentity
from index.search import Searcher
from store.engine import Database
from tests.api.light import NoSearch
from tests.api.test_cases import PNG, opened, url


@pytest.fixture(scope="module")
def client(db: Database, data: Path, searcher: Searcher) -> Iterator[TestClient]:
    context = ApiContext(db, data, searcher, embedder=ModelIdentity("embedder", "e" * 64))
    with TestClient(create_app(context), base_url="http://127.0.0.1:8000") as made:
        yield made


def settled(client: TestClient, number: str, job: dict) -> dict:
    """The job, once it is done or has failed."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = next(j for j in client.get(url(number, "/exports")).json()["jobs"] if j["id"] == job["id"])
        if found["state"] in {"done", "failed"}:
            return found
        time.sleep(0.1)
    raise AssertionError(found)


@pytest.mark.slow
def test_masked_and_negative_exhibits_and_the_whole_case(client: TestClient) -> None:
    case = opened(client, "整卷 1")
    client.post(url(case, "/files"), params={"title": "订单"}, content=PNG)
    asked = {"stream": "s", "start": 7, "end": 9, "title": "三天祛斑", "mute": [{"start": 8, "end": 8.5}]}
    asked["boxes"] = [{"x": 0, "y": 0, "width": 40, "height": 40}]
    answer = client.post(url(case, "/masked"), json=asked)
    assert answer.status_code == 202, answer.text
    found = client.post(url(case, "/negatives"), json={"query": "三天祛斑"})
    nothing = client.post(url(case, "/negatives"), json={"query": "量子纠缠保险箱", "stream": "s", "threshold": 5})
    masked = settled(client, case, answer.json())
    assert (masked["state"], masked["error"]) == ("done", None)
    refused = settled(client, case, found.json())
    assert (refused["state"], refused["error"]["code"]) == ("failed", "negative_found")
    assert settled(client, case, nothing.json())["state"] == "done"
    exhibits = client.get(url(case)).json()["exhibits"]
    assert [e["kind"] for e in exhibits] == ["received", "package", "package", "negative"]
    assert exhibits[2]["id"] == masked["made"]
    for exhibit in exhibits[1:]:
        verdict = client.post(url(case, f"/exhibits/{exhibit['id']}/verification")).json()
        assert verdict["holds"], verdict
    assert exhibits[2]["about"]["edition"] == "masked"

    order = client.post(url(case, "/exports"), json={"reason": "移送"}).json()
    assert (order["kind"], order["state"] in {"queued", "running", "done"}) == ("case", True)
    made = settled(client, case, order)["made"]
    kept = client.get(url(case, "/exports")).json()["files"][0]
    assert (kept["name"], kept["exhibits"], kept["packages"]) == (made, 4, 3)
    file = client.get(url(case, f"/exports/{made}/file"))
    assert file.headers["Content-Disposition"].startswith("attachment")
    names = zipfile.ZipFile(io.BytesIO(file.content)).namelist()
    assert {"case.json", "history.jsonl", "SHA256SUMS", "SEAL.sig"} <= set(names)
    verdict = client.post(url(case, f"/exports/{made}/verification")).json()
    assert (verdict["holds"], verdict["facts"]["packages"]) == (True, 3)


def test_a_closed_case_takes_no_more_but_goes_out(client: TestClient) -> None:
    case = opened(client, "已结")
    client.put(url(case, "/decision"), json={"state": "closed", "outcome": "退款"})
    assert client.post(url(case, "/negatives"), json={"query": "x"}).status_code == 409
    assert client.post(url(case, "/masked"), json={"stream": "s", "start": 7, "end": 9}).status_code == 409
    order = client.post(url(case, "/exports"), json={}).json()
    assert settled(client, case, order)["state"] == "done"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/masked", {"stream": "无此流", "start": 1, "end": 2}),
        ("/masked", {"stream": "s", "start": 0, "end": 5000}),
        (
            "/masked",
            {"stream": "s", "start": 1, "end": 2, "boxes": [{"x": 1, "y": 1, "width": 1, "height": 1, "end": 2}]},
        ),
        ("/negatives", {"query": ""}),
        ("/negatives", {"query": "祛斑", "from": "昨天"}),
        ("/negatives", {"query": "祛斑", "stream": "无此流"}),
        ("/exports/0123456789abcdef/verification", None),
    ],
)
def test_wrong_orders_are_refused_at_once(client: TestClient, path: str, body: dict | None) -> None:
    case = re.sub(r"\W", "", f"错{path}{body}")
    assert client.post(url(case, path), json=body).status_code in {404, 422}
    answer = client.post(url(opened(client, case), path), json=body)
    assert answer.status_code in {400, 404, 422}, answer.text
    assert answer.json()["zh"]


def test_exports_wait_in_turn_and_only_a_few_of_one_person(tmp_path) -> None:
    desk = ExportDesk(ApiContext(None, tmp_path, NoSearch()))
    hold = threading.Event()
    order = ExportOrder("1", "case", "甲", "小梅")
    first = desk.submit(order, lambda: "a" if hold.wait(20) else "")
    second = desk.submit(order, lambda: (_ for _ in ()).throw(BadInputError("x", "坏了。", "Broken.")))
    third = desk.submit(order, lambda: str(1 // 0))
    with pytest.raises(BusyError):
        desk.submit(order, str)
    other = desk.submit(replace(order, by="别人", case="2"), lambda: "b")
    assert [job.as_json()["state"] for job in (second, other)] == ["queued", "queued"]
    hold.set()
    assert (first.future.result(20), other.future.result(20)) == ("a", "b")
    assert second.as_json()["error"]["code"] == "x"
    assert third.as_json()["error"]["code"] == "internal"
    assert [job.id for job in desk.jobs("1")] == [third.id, second.id, first.id]


def test_a_service_that_ends_begins_no_more_exports(tmp_path) -> None:
    context = ApiContext(None, tmp_path, NoSearch())
    context.stopping.set()
    job = ExportDesk(context).submit(ExportOrder("1", "case", "甲", "小梅"), lambda: "a")
    assert job.future.exception(20).code == "service_ending"
