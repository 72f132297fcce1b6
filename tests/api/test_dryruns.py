"""Dry runs: a few at a time for each person, given up when asked, told in words when they fail."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from core.errors import BadInputError
from core.shapes import Json
from tests.api.light import light_service
from tests.api.test_packs import pack

COUNTS = {"utterances": 2, "new": 1, "gone": 0, "changed": 0}


class Trial:
    """Stands for the process that reads what was said; holds on until told."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked: list[tuple[bytes, str]] = []

    def __call__(self, file: Path, stream: str, given_up: Callable[[], bool]) -> Json:
        self.asked.append((file.read_bytes(), stream))
        while not self.go.wait(0.01):
            if given_up():
                return {}
        if stream == "t":
            raise BadInputError("broken", "坏了。", "It broke.")
        return COUNTS | {"changes": [{"change": "new"}]}


@pytest.fixture
def trial() -> Trial:
    return Trial()


@pytest.fixture
def client(tmp_path: Path, trial: Trial) -> Iterator[TestClient]:
    with light_service(tmp_path, dry_run=trial) as (client, _):
        yield client
        trial.go.set()


@pytest.fixture
def draft(client: TestClient, tmp_path: Path) -> str:
    return client.post("/api/v1/packs", content=pack()).json()["id"]


def ended(client: TestClient, number: int) -> Json:
    deadline = time.monotonic() + 5
    while (run := client.get(f"/api/v1/dry-runs/{number}").json())["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline, run
        time.sleep(0.01)
    return run


def test_a_dry_run_tells_what_would_change(client: TestClient, draft: str, trial: Trial) -> None:
    begun = client.post("/api/v1/dry-runs", json={"draft": draft, "stream": "s"})
    assert begun.status_code == 202
    assert begun.json()["state"] in ("waiting", "running")
    trial.go.set()
    done = ended(client, begun.json()["number"])
    assert (done["state"], done["error"]) == ("done", None)
    assert done["result"] == COUNTS | {"changes": [{"change": "new"}]}
    assert trial.asked == [(pack(), "s")]
    assert client.get("/api/v1/dry-runs").json()["runs"][0]["result"] == COUNTS


def test_two_wait_for_one_person_and_a_waiting_one_can_be_taken_back(
    client: TestClient, draft: str, trial: Trial
) -> None:
    numbers = [client.post("/api/v1/dry-runs", json={"draft": draft}).json()["number"] for _ in range(2)]
    third = client.post("/api/v1/dry-runs", json={"draft": draft})
    assert (third.status_code, third.json()["code"]) == (429, "dry_runs_busy")
    assert int(third.headers["Retry-After"]) > 0
    for number in reversed(numbers):
        client.delete(f"/api/v1/dry-runs/{number}")
        assert ended(client, number)["state"] == "cancelled"
    trial.go.set()
    assert ended(client, client.post("/api/v1/dry-runs", json={"draft": draft}).json()["number"])["state"] == "done"


def test_what_goes_wrong_is_told(client: TestClient, draft: str, trial: Trial) -> None:
    trial.go.set()
    number = client.post("/api/v1/dry-runs", json={"draft": draft, "stream": "t"}).json()["number"]
    failed = ended(client, number)
    assert (failed["state"], failed["error"]["zh"]) == ("failed", "坏了。")
    assert client.post("/api/v1/dry-runs", json={"draft": "0" * 16}).status_code == 404
    assert client.post("/api/v1/dry-runs", json={"draft": draft, "stream": "none"}).status_code == 404
    assert client.get("/api/v1/dry-runs/99").status_code == 404


def test_a_service_without_them_says_so(tmp_path: Path) -> None:
    with light_service(tmp_path) as (client, _):
        made = client.post("/api/v1/packs", content=pack()).json()["id"]
        assert client.post("/api/v1/dry-runs", json={"draft": made}).json()["code"] == "dry_runs_elsewhere"
