"""Who says where a request comes from: the proxies of the settings and nobody else. And how long it may take."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

import livewitness.service
from api.app import create_app
from api.context import ApiContext, Limits
from core.errors import UsageError
from core.settings import Settings
from evidence.audit import read_audit
from livewitness.doorway import doorway_of
from livewitness.service import Service
from store.engine import Database, open_database
from tests.api.light import NoSearch

LIMITS = Limits(sign_ins_burst=2, sign_ins_per_s=0.0001)


@dataclass(frozen=True)
class Attempt:
    """Attempts to sign in, from a loopback address that says it is another's."""

    port: int

    def __call__(self, peer: str, forwarded: str, name: str = "nobody") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, 10, source_address=(peer, 0))
        headers = {"Content-Type": "application/json", "X-Forwarded-For": forwarded, "X-Real-IP": forwarded}
        body = json.dumps({"name": name, "password": "x" * 20})
        connection.request("POST", "/api/v1/session", body, headers)
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "livewitness.db")
    yield database
    database.close()


@contextmanager
def serving(db: Database, proxies: tuple[str, ...]) -> Iterator[Attempt]:
    """A service behind these proxies."""
    context = ApiContext(db, db.path.parent, NoSearch(), accounts=True, limits=LIMITS)
    service = Service(create_app(context), "127.0.0.1", 0, context.stopping, proxies)
    thread = threading.Thread(target=service.run, daemon=True)
    thread.start()
    while not service.started:
        thread.join(0.02)
    yield Attempt(service.servers[0].sockets[0].getsockname()[1])
    service.should_exit = True
    thread.join(20)


def refused_from(db: Database) -> list[str]:
    entries = [json.loads(line) for line in read_audit(db.path.parent)]
    return [entry["from"] for entry in entries if entry["kind"] == "session.refused"]


def test_what_a_stranger_says_of_its_address_counts_for_nothing(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    with serving(db, ("127.0.0.1",)) as attempt:
        said = [attempt("127.0.0.2", f"203.0.113.{n}") for n in range(4)]
    assert said == [401, 401, 429, 429], "one address, whatever it says"
    assert refused_from(db) == ["127.0.0.2"] * 2


def test_a_known_proxy_says_where_requests_come_from(db: Database) -> None:
    with serving(db, ("127.0.0.0/31",)) as attempt:
        assert [attempt("127.0.0.1", f"203.0.113.{n}", f"n{n}") for n in range(4)] == [401] * 4
        # What the client itself wrote stands in front; the proxy adds the address that it saw.
        assert attempt("127.0.0.1", "198.51.100.1, 203.0.113.9", "n9") == 401
    assert refused_from(db) == [*(f"203.0.113.{n}" for n in range(4)), "203.0.113.9"]


def test_without_proxies_nobody_is_believed(db: Database) -> None:
    with serving(db, ()) as attempt:
        assert attempt("127.0.0.1", "203.0.113.1") == 401
    assert refused_from(db) == ["127.0.0.1"]


def test_proxies_are_addresses_and_networks() -> None:
    given = Settings(proxies=" 10.0.0.2, 10.1.0.0/16,::1 ,")
    assert doorway_of(given).proxies == ("10.0.0.2", "10.1.0.0/16", "::1")
    assert doorway_of(Settings()).proxies == ("127.0.0.1",)
    for wrong in ("*", "proxy.example", "10.0.0.1/8"):
        with pytest.raises(UsageError, match="LIVEWITNESS_PROXIES"):
            doorway_of(Settings(proxies=wrong))


def test_a_connection_without_a_request_is_closed(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(livewitness.service, "_HEADERS_S", 0.4)
    with serving(db, ()) as attempt:
        silent, drips, used = (socket.create_connection(("127.0.0.1", attempt.port), 10) for _ in range(3))
        used.sendall(b"GET /api/v1/session/ways HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert used.recv(4096).startswith(b"HTTP/1.1 200")
        used.sendall(b"GET / HTTP/1.1\r\nX-")
        begun = time.monotonic()
        with suppress(OSError):
            drips.sendall(b"GET / HTTP/1.1\r\n")
            while time.monotonic() - begun < 5:
                drips.sendall(b"X: y\r\n")
                time.sleep(0.05)
        assert time.monotonic() - begun < 4, "headers that never end"
        assert silent.recv(1) == b""
        assert used.recv(1) == b"", "nor a second request on a connection that was good for one"
        for connection in (silent, drips, used):
            connection.close()


def test_a_request_that_takes_its_time_is_served(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(livewitness.service, "_HEADERS_S", 0.2)
    body = json.dumps({"name": "nobody", "password": "x" * 20}).encode()
    head = f"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
    with serving(db, ()) as attempt, socket.create_connection(("127.0.0.1", attempt.port), 10) as slow:
        slow.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n")
        for byte in body:
            slow.sendall(bytes([byte]))
            time.sleep(0.02)
        assert slow.recv(4096).startswith(b"HTTP/1.1 401")
