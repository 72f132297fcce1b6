"""Live events over a real server: from any cursor, soon after the commit, nothing lost and nothing twice."""

import json
import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.auth.access import COOKIE
from api.auth.credentials import accept_link, change, invite, new_key, sign_in, sign_out
from api.context import ApiContext, Limits
from core.access import LOCAL, Role
from core.clock import utc_now
from core.records import Stream
from livewitness.service import Service
from store import api_keys, outbox, streams
from store.engine import Database, open_database
from store.pruning import prune
from tests.alerting import an_alert


class NoSearch:
    def search(self, request):
        raise AssertionError(request)


@dataclass
class Served:
    db: Database
    port: int
    service: Service
    listeners: list["Listener"] = field(default_factory=list)

    def get(self, query: str = "", **headers: str) -> "Listener":
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", f"/api/v1/events{query}", headers=headers)
        self.listeners.append(Listener(connection, connection.getresponse()))
        return self.listeners[-1]

    def tell(self, *numbers: int, stream: str = "s") -> None:
        for number in numbers:
            with self.db.write() as c:
                outbox.append(c, "alert", an_alert(f"a{number}", stream))


@dataclass
class Listener:
    connection: HTTPConnection
    response: HTTPResponse

    def messages(self) -> Iterator[dict[str, str]]:
        fields: dict[str, str] = {}
        while line := self.response.readline().decode():
            if line == "\n":
                yield fields
                fields = {}
            else:
                name, _, value = line.rstrip("\n").partition(": ")
                fields[name or "comment"] = value

    def alerts(self, count: int) -> list[dict[str, str]]:
        found = []
        for message in self.messages():
            if "data" in message:
                found.append(message)
            if len(found) == count:
                return found
        raise AssertionError(f"ended after {found}")

    def close(self) -> None:
        # An answer without a length holds the socket itself.
        self.response.close()
        self.connection.close()


@contextmanager
def serving(db: Database, folder: Path, limits: Limits, accounts: bool = False) -> Iterator[Served]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    context = ApiContext(db, folder, NoSearch(), limits=limits, accounts=accounts)
    service = Service(create_app(context), "127.0.0.1", port, context.stopping)
    thread = threading.Thread(target=service.run)
    thread.start()
    while not service.started:
        assert thread.is_alive()
        time.sleep(0.01)
    running = Served(db, port, service)
    try:
        yield running
    finally:
        service.should_exit = True
        thread.join(8)
        for listener in running.listeners:
            listener.close()
        assert not thread.is_alive(), "the server did not end"


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Database]:
    db = open_database(tmp_path / "livewitness.db")
    with db.write() as c:
        for name in "st":
            streams.open_stream(c, Stream(name=name, source="x"))
    yield db
    db.close()


@pytest.fixture
def served(told: Database, tmp_path: Path) -> Iterator[Served]:
    with serving(told, tmp_path, Limits(heartbeat_s=0.2, event_clients=4)) as running:
        yield running


def ids(messages: list[dict[str, str]]) -> list[str]:
    return [json.loads(m["data"])["alert_id"] for m in messages]


def test_an_event_arrives_within_300_ms_of_its_commit(served: Served) -> None:
    listener = served.get()
    assert listener.response.headers["Content-Type"].startswith("text/event-stream")
    delays = []
    for number in range(5):
        threading.Timer(0.15, served.tell, [number]).start()
        begun = time.monotonic()
        (message,) = listener.alerts(1)
        delays.append(time.monotonic() - begun - 0.15)
        assert message["event"] == "alert"
        assert json.loads(message["data"])["status"] == "confirmed"
    assert sorted(delays)[2] < 0.3, delays
    listener.close()


def _tell_from_another_process(path: Path) -> None:
    db = open_database(path)
    with db.write() as c:
        outbox.append(c, "alert", an_alert("elsewhere"))
    db.close()


def test_what_another_process_wrote_arrives_too(served: Served) -> None:
    listener = served.get()
    writer = multiprocessing.get_context("spawn").Process(target=_tell_from_another_process, args=(served.db.path,))
    writer.start()
    assert ids(listener.alerts(1)) == ["elsewhere"]
    writer.join()


def test_replay_begins_after_any_cursor_and_goes_on_live(served: Served) -> None:
    served.tell(*range(450))
    everything = served.get("?after=0")
    assert ids(everything.alerts(450)) == [f"a{n}" for n in range(450)]
    some = served.get("?after=0", **{"Last-Event-ID": "447"})
    assert ids(some.alerts(3)) == ["a447", "a448", "a449"]
    served.tell(450)
    assert ids(some.alerts(1)) == ids(everything.alerts(1)) == ["a450"]


def test_reconnecting_loses_nothing_and_doubles_nothing(served: Served) -> None:
    writer = threading.Thread(target=served.tell, args=range(200))
    writer.start()
    seen: list[str] = []
    last = "0"
    while len(seen) < 200:
        listener = served.get(**{"Last-Event-ID": last})
        for message in listener.alerts(min(17, 200 - len(seen))):
            seen += ids([message])
            last = message["id"]
        listener.close()
    writer.join()
    assert seen == [f"a{n}" for n in range(200)]


def test_one_stream_can_be_followed(served: Served) -> None:
    listener = served.get("?stream=t&after=0")
    served.tell(1, 2)
    served.tell(3, stream="t")
    served.tell(4)
    served.tell(5, stream="t")
    assert ids(listener.alerts(2)) == ["a3", "a5"]


def test_a_quiet_stream_shows_that_it_lives(served: Served) -> None:
    listener = served.get()
    beats = [m for m, _ in zip(listener.messages(), range(4), strict=False)]
    assert beats[0] == {"retry": "1000"}
    assert all("comment" in beat for beat in beats[1:])


def test_a_cursor_of_another_database_is_told_and_everything_replayed(served: Served) -> None:
    served.tell(1)
    listener = served.get(**{"Last-Event-ID": "999"})
    reset, first = listener.alerts(2)
    assert (reset["event"], reset["id"]) == ("reset", "0")
    assert json.loads(reset["data"]) == {"event": "reset", "reason": "other_database"}
    assert ids([first]) == ["a1"]


def test_whoever_was_away_longer_than_events_are_kept_is_told(served: Served) -> None:
    served.tell(1, 2, 3)
    with served.db.write() as c:
        assert prune(c, utc_now() + timedelta(days=1)) == 2
    served.tell(4)
    for listener in (served.get(**{"Last-Event-ID": "1"}), served.get("?after=0")):
        reset, *rest = listener.alerts(3)
        assert (reset["event"], reset["id"]) == ("reset", "2")
        assert json.loads(reset["data"])["reason"] == "pruned"
        assert ids(rest) == ["a3", "a4"]
    missed_nothing = served.get(**{"Last-Event-ID": "2"})
    assert ids(missed_nothing.alerts(2)) == ["a3", "a4"]


def test_what_several_ask_for_at_once_is_read_once(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []

    def counted(connection, cursor, *given, **more):
        reads.append(cursor)
        return after(connection, cursor, *given, **more)

    after = outbox.after
    monkeypatch.setattr("api.events.outbox.after", counted)
    listeners = [served.get() for _ in range(4)]
    for listener in listeners:
        next(listener.messages())
    reads.clear()
    for number in range(5):
        served.tell(number)
        for listener in listeners:
            assert ids(listener.alerts(1)) == [f"a{number}"]
    assert len(reads) < 15, "not four times five: each event is read once for all"


def test_listeners_are_bounded_and_places_come_back(served: Served) -> None:
    listeners = [served.get() for _ in range(4)]
    refused = served.get()
    assert refused.response.status == 429
    assert json.loads(refused.response.read())["code"] == "event_clients"
    for listener in listeners:
        listener.close()
    deadline = time.monotonic() + 5
    while served.get().response.status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


PASSWORD = "correct horse 电池 staple"


@pytest.fixture
def guarded(told: Database, tmp_path: Path) -> Iterator[Served]:
    """A service with accounts and eight places for listeners."""
    for name in ("李四", "王五"):
        accept_link(told, invite(told, name, Role.MODERATOR, ""), PASSWORD)
    with serving(told, tmp_path, Limits(heartbeat_s=0.2, event_clients=8), accounts=True) as running:
        yield running


def session_of(db: Database, name: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={sign_in(db, name, PASSWORD).secret}"}


def test_whoever_is_shut_out_hears_nothing_more(guarded: Served) -> None:
    db = guarded.db
    key = {"Authorization": f"Bearer {new_key(db, LOCAL, 'program', role=Role.VIEWER, days=1)}"}
    session = session_of(db, "李四")
    by_key, by_session, other = guarded.get(**key), guarded.get(**session), guarded.get(**session_of(db, "王五"))
    guarded.tell(1)
    for listener in (by_key, by_session, other):
        assert ids(listener.alerts(1)) == ["a1"]
    with db.write() as c:
        api_keys.revoke_api_key(c, "program", utc_now())
    sign_out(db, session["Cookie"].partition("=")[2])
    for listener in (by_key, by_session):
        # The answer ends, and with it the messages.
        assert [m for m in listener.messages() if "data" in m] == []
    guarded.tell(2)
    assert ids(other.alerts(1)) == ["a2"]
    assert guarded.get(**session).response.status == 401


def test_a_listener_whose_role_changes_begins_anew(guarded: Served) -> None:
    accept_link(guarded.db, invite(guarded.db, "主管", Role.ADMIN, ""), PASSWORD)
    listener = guarded.get(**session_of(guarded.db, "李四"))
    change(guarded.db, "李四", Role.VIEWER, "", active=True)
    assert [m for m in listener.messages() if "data" in m] == []


def test_one_person_takes_a_fourth_of_the_places(guarded: Served) -> None:
    mine = [guarded.get(**session_of(guarded.db, "李四")) for _ in range(3)]
    assert [listener.response.status for listener in mine] == [200, 200, 429]
    assert json.loads(mine[2].response.read())["code"] == "event_clients_mine"
    assert guarded.get(**session_of(guarded.db, "王五")).response.status == 200


@pytest.mark.parametrize("wrong", ["abc", "-1", "1.5", "１"])
def test_a_bad_cursor_is_refused_in_words(served: Served, wrong: str) -> None:
    listener = served.get(**{"Last-Event-ID": wrong.encode().decode("latin-1")})
    assert listener.response.status == 422
    assert json.loads(listener.response.read())["zh"]
    assert served.get("?after=-1").response.status == 422


def test_the_service_ends_while_somebody_listens(told: Database, tmp_path: Path) -> None:
    with serving(told, tmp_path, Limits()) as running:
        listener = running.get()
        next(listener.messages())
        begun = time.monotonic()
        running.service.should_exit = True
        assert list(listener.messages()) == []
        assert time.monotonic() - begun < 4


def listed(client: TestClient, **query: object) -> dict:
    return client.get("/api/v1/events/list", params=query).json()


def test_programs_that_ask_now_and_then_get_pages_and_are_told_of_a_reset(told: Database, tmp_path: Path) -> None:
    client = TestClient(create_app(ApiContext(told, tmp_path, NoSearch())), base_url="http://127.0.0.1:8000")
    assert listed(client) == {"events": [], "next": 0, "reset": None}
    with told.write() as c:
        for number, stream in enumerate("stst"):
            outbox.append(c, "alert", an_alert(f"a{number}", stream))
    first = listed(client, limit=3)
    rest = listed(client, limit=3, after=first["next"])
    events = first["events"] + rest["events"]
    assert [(e["cursor"], e["alert_id"]) for e in events] == [(1, "a0"), (2, "a1"), (3, "a2"), (4, "a3")]
    assert (rest["next"], rest["reset"]) == (4, None)
    assert [e["alert_id"] for e in listed(client, stream="t")["events"]] == ["a1", "a3"]
    assert listed(client, stream="s", after=3) == {"events": [], "next": 4, "reset": None}
    with told.write() as c:
        prune(c, utc_now() + timedelta(days=1))
    late = listed(client, after=1)
    assert (late["reset"], [e["cursor"] for e in late["events"]], late["next"]) == ("pruned", [4], 4)
    other = listed(client, after=99)
    assert (other["reset"], other["next"]) == ("other_database", 4)
    assert listed(client, after=4)["reset"] is None
