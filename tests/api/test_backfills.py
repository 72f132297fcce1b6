"""Backfills over HTTP: from the archive folder or a public address, and from nowhere else."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from core.errors import NotFoundError
from core.shapes import Json
from evidence.audit import read_audit
from tests.api.light import light_service


class Queue:
    """Stands for the queue of the service."""

    def __init__(self) -> None:
        self.jobs: list[Json] = []

    def start(self, source: str, shop: str, product: str, by: str) -> Json:
        self.jobs.append({"number": len(self.jobs) + 1, "source": source, "shop": shop, "state": "waiting", "by": by})
        return self.jobs[-1]

    def all(self, before: int | None, limit: int) -> list[Json]:
        return [job for job in reversed(self.jobs) if before is None or job["number"] < before][:limit]

    def one(self, number: int) -> Json:
        if number > len(self.jobs):
            raise NotFoundError("backfill_unknown", "没有。", "None.")
        return self.jobs[number - 1]

    def cancel(self, number: int) -> Json:
        self.one(number)["state"] = "cancelled"
        return self.one(number)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    (folder / "双11").mkdir(parents=True)
    (folder / "双11" / "a.mp4").write_bytes(b"x")
    (folder / ".hidden").write_bytes(b"x")
    (tmp_path / "secret.mp4").write_bytes(b"x")
    (folder / "way-out").symlink_to(tmp_path / "secret.mp4")
    return folder


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def client(tmp_path: Path, archive: Path, queue: Queue) -> Iterator[TestClient]:
    (tmp_path / "data").mkdir()
    with light_service(tmp_path / "data", backfills=queue, archive=archive) as (client, _):
        yield client


def test_a_folder_of_the_archive_is_worked_through(client: TestClient, archive: Path, queue: Queue) -> None:
    begun = client.post("/api/v1/backfills", json={"path": "双11", "shop": "花店"})
    assert (begun.status_code, begun.json()["source"]) == (202, "双11")
    assert queue.jobs[0] == {
        "number": 1, "source": str(archive / "双11"), "shop": "花店", "state": "waiting", "by": "local",
    }  # fmt: skip
    client.post("/api/v1/backfills", json={"path": "双11/a.mp4"})
    first = client.get("/api/v1/backfills", params={"limit": 1}).json()
    rest = client.get("/api/v1/backfills", params={"limit": 1, "before": first["next"]}).json()
    assert [first["backfills"][0]["source"], rest["backfills"][0]["source"]] == ["双11/a.mp4", "双11"]
    assert rest["next"] is None
    assert client.post("/api/v1/backfills/1/cancel").json()["state"] == "cancelled"
    assert client.get("/api/v1/backfills/1").json()["state"] == "cancelled"
    assert client.get("/api/v1/backfills/7").status_code == 404


@pytest.mark.parametrize("path", ["../secret.mp4", "/etc/passwd", "way-out", "none", "双11/../../secret.mp4", "a\x00b"])
def test_nothing_outside_the_archive_is_to_be_had(client: TestClient, queue: Queue, path: str) -> None:
    answer = client.post("/api/v1/backfills", json={"path": path})
    assert (answer.status_code, answer.json()["code"]) == (404, "archive_path")
    assert client.get("/api/v1/archive", params={"folder": path}).status_code == 404
    assert queue.jobs == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1/a.mp4", "egress_internal"),
        ("http://169.254.169.254/a", "egress_internal"),
        ("file:///etc/passwd", "egress_address"),
        ("rtmp://1.1.1.1/app", "egress_address"),
        ("https://user:word@1.1.1.1/a.mp4", "egress_address"),
    ],
)
def test_internal_and_odd_addresses_are_refused(client: TestClient, queue: Queue, url: str, code: str) -> None:
    answer = client.post("/api/v1/backfills", json={"url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert queue.jobs == []


def test_an_address_is_taken(client: TestClient, queue: Queue, tmp_path: Path) -> None:
    assert client.post("/api/v1/backfills", json={"url": "https://1.1.1.1/a.mp4?sign=x"}).status_code == 202
    assert queue.jobs[0]["source"] == "https://1.1.1.1/a.mp4?sign=x"
    noted = json.loads(read_audit(tmp_path / "data")[-1])
    assert noted["detail"]["source"] == "https://1.1.1.1/a.mp4", "what opens it is not in the audit chain"
    for wrong in ({}, {"url": "https://1.1.1.1/a", "path": "双11"}):
        assert client.post("/api/v1/backfills", json=wrong).status_code == 422


def test_the_archive_can_be_looked_through(client: TestClient) -> None:
    top = client.get("/api/v1/archive").json()
    assert top == {
        "entries": [
            {"name": "双11", "path": "双11", "folder": True},
            {"name": "way-out", "path": "way-out", "folder": False},
        ],
        "more": False,
    }
    assert [entry["path"] for entry in client.get("/api/v1/archive?folder=双11").json()["entries"]] == ["双11/a.mp4"]


def test_names_that_are_no_text_are_left_out_of_the_archive(client: TestClient, archive: Path) -> None:
    (archive / "双11" / os.fsdecode("直播.mp4".encode("gbk"))).write_bytes(b"x")
    listed = client.get("/api/v1/archive?folder=双11").json()["entries"]
    assert [entry["name"] for entry in listed] == ["a.mp4"]


def test_a_service_that_does_none_says_so(tmp_path: Path) -> None:
    with light_service(tmp_path) as (client, _):
        assert client.get("/api/v1/backfills").json() == {"backfills": [], "next": None}
        assert client.post("/api/v1/backfills", json={"path": "x"}).json()["code"] == "backfills_elsewhere"
        assert client.get("/api/v1/archive").json()["code"] == "archive_unset"
