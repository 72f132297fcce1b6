"""Requests of our own: only through the guard, bounded in size, each redirect checked anew."""

import io
import itertools
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import core.fetch
from core.egress import Egress, EgressError
from core.errors import BadInputError, SourceError
from core.fetch import Fetcher


class Handler(BaseHTTPRequestHandler):
    asked: list[tuple[str, str, bytes]]

    def do_POST(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).asked.append((self.command, self.path, body))
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        if self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            threading.Event().wait(1)
            return
        if self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"ten bytes.")
            return
        self.send_response(404 if self.path == "/none" else 200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    Handler.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_address[1]}"
        served.shutdown()


OPEN = Fetcher(Egress(allow_internal=True))


def fetched(url: str, most: int = 100) -> bytes:
    output = io.BytesIO()
    assert OPEN.download(url, output, most=most, given_up=lambda: False) == len(output.getvalue())
    return output.getvalue()


def test_an_answer_comes_whole(server: str) -> None:
    answer = OPEN.ask("POST", f"{server}/token", headers={"Content-Type": "text/plain"}, body=b"code=1", most=5)
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "5", b"hello")
    assert Handler.asked[-1] == ("POST", "/token", b"code=1")


def test_internal_addresses_are_refused_before_anything_is_sent(server: str) -> None:
    Handler.asked.clear()
    with pytest.raises(EgressError):
        Fetcher(Egress()).ask("GET", server, most=10)
    with pytest.raises(BadInputError):
        OPEN.ask("GET", "file:///etc/passwd", most=10)
    assert Handler.asked == []


def test_redirects_are_followed_when_downloading_only_and_checked_each(server: str) -> None:
    assert fetched(f"{server}/to/{server}/a.mp4") == b"hello"
    assert OPEN.ask("GET", f"{server}/to/{server}/a", most=10).status == 302
    with pytest.raises(BadInputError):
        fetched(f"{server}/to/file:///etc/passwd")
    with pytest.raises(SourceError, match="fetch_hops"):
        fetched(server + f"/to/{server}" * 9 + "/a")


def test_a_redirect_inside_is_refused(server: str) -> None:
    port = int(server.rpartition(":")[2])
    named = Fetcher(Egress().naming("127.0.0.1", port))
    with pytest.raises(EgressError):
        named.download(f"{server}/to/http://10.0.0.1/", io.BytesIO(), most=10, given_up=lambda: False)


def test_a_redirect_to_nowhere_is_told(server: str) -> None:
    with pytest.raises(SourceError):
        fetched(f"{server}/to/http://[")


def test_sizes_are_bounded(server: str) -> None:
    with pytest.raises(BadInputError, match="fetch_size"):
        OPEN.ask("GET", server, most=4)
    with pytest.raises(BadInputError, match="fetch_size"):
        fetched(server, most=4)


def test_what_is_no_answer_is_told(server: str, monkeypatch) -> None:
    with pytest.raises(SourceError, match="fetch_status"):
        fetched(f"{server}/none")
    with pytest.raises(SourceError, match="fetch_short"):
        fetched(f"{server}/short")
    with pytest.raises(SourceError, match="fetch_failed"):
        OPEN.ask("GET", "http://127.0.0.1:9", most=10)
    monkeypatch.setattr(core.fetch, "ANSWER_S", 0.2)
    with pytest.raises(SourceError, match="fetch_failed"):
        OPEN.ask("GET", f"{server}/drip", most=10)


def test_a_download_is_given_up(server: str) -> None:
    output = io.BytesIO()
    assert OPEN.download(server, output, most=10, given_up=lambda: True) == 0


@contextmanager
def dripping(*pieces: Iterable[bytes]) -> Iterator[int]:
    """A server that sends something every 50 ms, so that no silence is ever long; its port."""
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection:
            for piece in itertools.chain(*pieces):
                try:
                    connection.sendall(piece)
                except OSError:
                    return
                if over.wait(0.05):
                    return

    def serve(listening: socket.socket) -> None:
        while not over.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]
        over.set()
        listening.shutdown(socket.SHUT_RDWR)


def took_s(url: str, within: float) -> float:
    begun = time.monotonic()
    with pytest.raises(SourceError, match="fetch_failed"):
        fetched(url, most=10_000)
    assert time.monotonic() - begun < within
    return time.monotonic() - begun


def test_headers_that_never_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.fetch, "IDLE_S", 0.4)
    with dripping([b"HTTP/1.1 200 OK\r\n"], (b"X: y\r\n" for _ in range(90))) as port:
        took_s(f"http://127.0.0.1:{port}/", 3)
    with dripping(itertools.repeat(b"H")) as port:
        took_s(f"http://127.0.0.1:{port}/", 3)


def test_a_handshake_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.fetch, "IDLE_S", 0.4)
    monkeypatch.setattr(core.fetch, "ANSWER_S", 0.4)
    # A record of TLS that announces 16 KiB and brings one byte at a time.
    with dripping([b"\x16\x03\x03\x40\x00"], itertools.repeat(b"\x02")) as port:
        took_s(f"https://127.0.0.1:{port}/", 3)
        with pytest.raises(SourceError, match="fetch_failed"):
            OPEN.ask("GET", f"https://127.0.0.1:{port}/", most=10)


@pytest.mark.parametrize("length", ["Content-Length: 9000\r\n", "", "Transfer-Encoding: chunked\r\n"])
def test_a_download_has_an_end_however_slowly_it_comes(monkeypatch: pytest.MonkeyPatch, length: str) -> None:
    monkeypatch.setattr(core.fetch, "DOWNLOAD_S", 0.6)
    head = f"HTTP/1.1 200 OK\r\n{length}\r\n".encode()
    with dripping([head], itertools.repeat(b"1" if "chunked" in length else b"x")) as port:
        assert took_s(f"http://127.0.0.1:{port}/", 4) > 0.5


def test_what_comes_in_time_is_not_cut(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.fetch, "IDLE_S", 0.3)
    body = b"x" * 20
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with dripping([head], (body[i : i + 1] for i in range(len(body)))) as port:
        assert fetched(f"http://127.0.0.1:{port}/") == body, "the deadline of the headers is none of the body's"


def test_a_disk_that_is_full_is_not_the_servers_fault(server: str) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        OPEN.download(server, Full(), most=10, given_up=lambda: False)
