"""Case folders: exhibits cut, received, ordered, verified; history out of the audit chain."""

import io
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.context import ApiContext, Limits
from api.errors import BusyError
from api.exhibits import ExhibitRoom, Stretch, draft
from core.errors import NotFoundError
from evidence.audit import local_actor
from evidence.package import Package
from store.cases import ExhibitKind
from tests.api.light import NoSearch

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


def url(case: str, rest: str = "") -> str:
    return f"/api/v1/cases/{case}{rest}"


def opened(client: TestClient, number: str) -> str:
    answer = client.post("/api/v1/cases", json={"number": number, "title": "祛斑霜无效", "shop": "花店"})
    assert answer.status_code == 201, answer.text
    return number


@pytest.mark.slow
def test_from_a_stretch_to_a_verified_package(client: TestClient) -> None:
    case = opened(client, "争议 2026-17")
    made = client.post(url(case, "/packages"), json={"stream": "s", "start": 7, "end": 9, "title": "三天祛斑"})
    assert made.status_code == 201, made.text
    exhibit = made.json()
    verdict = client.post(url(case, f"/exhibits/{exhibit['id']}/verification")).json()
    assert verdict["holds"], verdict
    file = client.get(url(case, f"/exhibits/{exhibit['id']}/file"))
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert "SHA256SUMS" in zipfile.ZipFile(io.BytesIO(file.content)).namelist()
    shown = client.get(url(case)).json()
    assert [e["sha256"] for e in shown["exhibits"]] == [exhibit["sha256"]]
    assert {"case.opened", "export", "case.verified", "case.downloaded"} <= {e["action"] for e in shown["history"]}


def test_received_files_are_hashed_and_told_by_their_bytes(client: TestClient) -> None:
    case = opened(client, "收件")
    kept = client.post(url(case, "/files"), params={"title": "订单截图"}, content=PNG)
    assert kept.status_code == 201, kept.text
    assert kept.json()["about"] == {"received": True}
    for wrong in (b"<svg onload=alert(1)>", b"MZ\x90", b""):
        refused = client.post(url(case, "/files"), params={"title": "x"}, content=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "upload_kind")


def test_files_are_bounded(build: Callable[..., TestClient]) -> None:
    client = build(Limits(upload_bytes=1000))
    case = opened(client, "大文件")
    assert client.post(url(case, "/files"), params={"title": "x"}, content=PNG + b"\0" * 1000).status_code == 413


def test_exhibits_are_ordered_commented_withdrawn(client: TestClient) -> None:
    case = opened(client, "排序")
    ids = [client.post(url(case, "/notes"), json={"title": name}).json()["id"] for name in ("甲", "乙")]
    assert client.put(url(case, "/order"), json={"exhibits": ids[::-1]}).status_code == 200
    assert client.put(url(case, "/order"), json={"exhibits": ids[:1]}).status_code == 422
    client.put(url(case, f"/exhibits/{ids[0]}"), json={"title": "甲", "comment": "先看这件"})
    assert client.delete(url(case, f"/exhibits/{ids[1]}")).status_code == 204
    (left,) = client.get(url(case)).json()["exhibits"]
    assert (left["title"], left["comment"]) == ("甲", "先看这件")


def test_a_closed_case_takes_nothing(client: TestClient) -> None:
    case = opened(client, "结案")
    client.put(url(case, "/decision"), json={"state": "closed", "outcome": "退一赔三"})
    refused = client.post(url(case, "/notes"), json={"title": "晚了"})
    assert (refused.status_code, refused.json()["code"]) == (409, "case_closed")
    assert client.get(url(case)).json()["outcome"] == "退一赔三"


def test_numbers_are_taken_once_and_unknown_ones_said(client: TestClient) -> None:
    opened(client, "一次")
    assert client.post("/api/v1/cases", json={"number": "一次"}).status_code == 409
    assert client.get(url("没有")).status_code == 404
    assert client.post("/api/v1/cases", json={"number": "../x"}).status_code == 422


def test_one_person_leaves_a_place_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = ExhibitRoom(ApiContext(None, tmp_path, NoSearch()))
    begun, over = threading.Semaphore(0), threading.Event()

    def slowly(*_: object) -> Package:
        begun.release()
        over.wait(20)
        raise NotFoundError("x", "没有", "none")

    def make(by: str) -> str:
        try:
            room.package(draft("案", ExhibitKind.PACKAGE, "x", "", by), Stretch("s", 0, 1, ""), local_actor())
        except (BusyError, NotFoundError) as error:
            return error.code
        return "made"

    monkeypatch.setattr("api.exhibits.export_package", slowly)
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(make, "小梅") for _ in range(2)]
        for _ in running:
            begun.acquire(timeout=10)
        assert make("小梅") == "export_busy"
        other = pool.submit(make, "老王")
        begun.acquire(timeout=10)
        assert make("老李") == "export_busy", "three in all"
        over.set()
        assert [future.result() for future in (*running, other)] == ["x"] * 3
    assert make("小梅") == "x", "places come back"
