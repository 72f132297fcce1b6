"""HTTP requests of our own to addresses that others name: every connection goes through `core.egress`.

Plain HTTP/1.1 by the standard library over a socket that was checked and pinned; TLS is checked against the name.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urljoin

from core.egress import Egress, Target, parse_target
from core.errors import BadInputError, SourceError

ANSWER_S = 10.0
"""For a whole answer, from connecting to its last byte."""
IDLE_S = 30.0
"""For the headers of a download, connecting included; so long may it be silent after that."""
DOWNLOAD_S = 24 * 3600.0
"""For a download with all its redirects."""
MOST_HOPS = 5
_CHUNK = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Makes requests through one guard. ``tls``: whom to trust, the system's authorities where none is given."""

    egress: Egress
    tls: ssl.SSLContext | None = None

    def ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"", most: int
    ) -> Answer:
        """One request, answered whole within `ANSWER_S`; redirects are not followed.

        Raises `EgressError`, `BadInputError` for an address that may not be asked, `SourceError` for no answer or one
        above ``most`` bytes.
        """
        target = parse_target(url)
        with _Deadline(ANSWER_S) as deadline, self._open(target, ANSWER_S, deadline) as sock:
            try:
                response = _send(target, sock, method, headers or {}, body)
                data = response.read(most + 1)
            except (OSError, http.client.HTTPException) as error:
                raise _no_answer(target, error) from error
            deadline.check(target)
        if len(data) > most:
            raise _too_much(target, most)
        if response.length:
            raise _short(target)
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, data)

    def download(self, url: str, output: BinaryIO, *, most: int, given_up: Callable[[], bool]) -> int:
        """Write what ``url`` holds to ``output``, following redirects, each checked anew; how many bytes.

        Ends early when ``given_up`` says so. Raises as `ask` does; `SourceError` also after `DOWNLOAD_S`.
        """
        until = time.monotonic() + DOWNLOAD_S
        for _ in range(MOST_HOPS + 1):
            target = parse_target(url)
            headers = _Deadline(min(IDLE_S, until - time.monotonic()))
            with headers, self._open(target, IDLE_S, headers) as sock:
                response = self._headers(target, sock, headers)
                if response.status not in _REDIRECTS:
                    with _Deadline(until - time.monotonic()) as whole:
                        whole.covers(sock)
                        return _copied(response, target, output, whole, most=most, given_up=given_up)
                url = _onward(url, response, target)
        raise SourceError("fetch_hops", f"{url} 一再转向。", f"{url} redirects again and again.")

    def _headers(self, target: Target, sock: socket.socket, deadline: "_Deadline") -> http.client.HTTPResponse:
        try:
            response = _send(target, sock, "GET", {}, b"")
        except (OSError, http.client.HTTPException) as error:
            raise _no_answer(target, error) from error
        deadline.met(target)
        return response

    @contextmanager
    def _open(self, target: Target, timeout_s: float, deadline: "_Deadline") -> Iterator[socket.socket]:
        try:
            sock = self.egress.connect(target.host, target.port)
        except OSError as error:
            raise _no_answer(target, error) from error
        with sock:
            sock.settimeout(timeout_s)
            deadline.covers(sock)
            if target.scheme == "http":
                yield sock
                return
            try:
                context = self.tls or ssl.create_default_context()
                wrapped = context.wrap_socket(sock, server_hostname=target.host, do_handshake_on_connect=False)
            except OSError as error:
                raise _no_answer(target, error) from error
            with wrapped:
                deadline.covers(wrapped)
                try:
                    wrapped.do_handshake()
                except OSError as error:
                    raise _no_answer(target, error) from error
                yield wrapped


class _Deadline:
    """Ends a connection under whoever waits for it: a server that drips a byte at a time must not hold a thread."""

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._sock: socket.socket | None = None
        self._passed = False
        self._timer = threading.Timer(max(0.0, seconds), self._end)
        self._timer.daemon = True

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._sock = None

    def covers(self, sock: socket.socket) -> None:
        """This is the connection that ends; at once where it is late already."""
        with self._lock:
            self._sock = sock
            if self._passed:
                _cut(sock)

    def check(self, target: Target) -> None:
        """Raises `SourceError` where the connection was ended: what came before that looks like an end."""
        if self._passed:
            raise _no_answer(target, TimeoutError("timed out"))

    def met(self, target: Target) -> None:
        """What it was for is there: it ends nothing any more. Raises `SourceError` where it was late."""
        self._timer.cancel()
        with self._lock:
            self._sock = None
        self.check(target)

    def _end(self) -> None:
        with self._lock:
            self._passed = True
            if self._sock is not None:
                _cut(self._sock)


def _onward(url: str, response: http.client.HTTPResponse, target: Target) -> str:
    try:
        return urljoin(url, response.headers.get("Location", ""))
    except ValueError as error:
        raise _no_answer(target, error) from error


def _send(
    target: Target, sock: socket.socket, method: str, headers: Mapping[str, str], body: bytes
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = sock
    own = {"Host": target.authority, "Connection": "close", "Accept-Encoding": "identity"}
    connection.request(method, target.path, body or None, own | dict(headers))
    return connection.getresponse()


def _copied(
    response: http.client.HTTPResponse,
    target: Target,
    output: BinaryIO,
    whole: _Deadline,
    *,
    most: int,
    given_up: Callable[[], bool],
) -> int:
    if response.status != 200:
        raise SourceError(
            "fetch_status", f"{target.host} 回答 {response.status}。", f"{target.host} answered {response.status}."
        )
    if (response.length or 0) > most:
        raise _too_much(target, most)
    size = 0
    while not given_up() and (chunk := _chunk(response, target)):
        size += len(chunk)
        if size > most:
            raise _too_much(target, most)
        output.write(chunk)
    whole.check(target)
    if response.length and not given_up():
        raise _short(target)
    return size


def _chunk(response: http.client.HTTPResponse, target: Target) -> bytes:
    try:
        return response.read1(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _no_answer(target, error) from error


def _short(target: Target) -> SourceError:
    return SourceError("fetch_short", f"{target.host} 中途断开。", f"{target.host} stopped midway.")


def _cut(sock: socket.socket) -> None:
    try:
        # Of the plain socket: that of TLS would forget its state under the thread that reads from it.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return


def _no_answer(target: Target, error: Exception) -> SourceError:
    reason = f"{type(error).__name__}: {error}"[:200]
    return SourceError(
        "fetch_failed", f"{target.host} 没有回答（{reason}）。", f"{target.host} did not answer ({reason})."
    )


def _too_much(target: Target, most: int) -> BadInputError:
    return BadInputError(
        "fetch_size", f"{target.host} 的内容超过 {most} 字节。", f"{target.host} holds more than {most} bytes."
    )
