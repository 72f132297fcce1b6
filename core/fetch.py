"""HTTP requests of our own to addresses that others name: every connection goes through `core.egress`.

Plain HTTP/1.1 by the standard library over a socket that was checked and pinned; TLS is checked against the name.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urljoin

from core.egress import Egress, Target, parse_target
from core.errors import BadInputError, SourceError

ANSWER_S = 10.0
IDLE_S = 30.0
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
        with self._open(target, ANSWER_S) as sock:
            too_late = threading.Event()
            late = threading.Timer(ANSWER_S, _cut, [sock, too_late])
            late.daemon = True
            late.start()
            try:
                response = _send(target, sock, method, headers or {}, body)
                data = response.read(most + 1)
            except (OSError, http.client.HTTPException) as error:
                raise _no_answer(target, error) from error
            finally:
                late.cancel()
        if too_late.is_set():
            raise _no_answer(target, TimeoutError("timed out"))
        if len(data) > most:
            raise _too_much(target, most)
        if response.length:
            raise _short(target)
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, data)

    def download(self, url: str, output: BinaryIO, *, most: int, given_up: Callable[[], bool]) -> int:
        """Write what ``url`` holds to ``output``, following redirects, each checked anew; how many bytes.

        Ends early when ``given_up`` says so. Raises as `ask` does.
        """
        for _ in range(MOST_HOPS + 1):
            target = parse_target(url)
            with self._open(target, IDLE_S) as sock:
                try:
                    response = _send(target, sock, "GET", {}, b"")
                    if response.status not in _REDIRECTS:
                        return _copied(response, target, output, most=most, given_up=given_up)
                except (OSError, http.client.HTTPException) as error:
                    raise _no_answer(target, error) from error
                url = _onward(url, response, target)
        raise SourceError("fetch_hops", f"{url} 一再转向。", f"{url} redirects again and again.")

    @contextmanager
    def _open(self, target: Target, timeout_s: float) -> Iterator[socket.socket]:
        try:
            sock = self.egress.connect(target.host, target.port)
        except OSError as error:
            raise _no_answer(target, error) from error
        with sock:
            sock.settimeout(timeout_s)
            if target.scheme == "http":
                yield sock
                return
            try:
                wrapped = (self.tls or ssl.create_default_context()).wrap_socket(sock, server_hostname=target.host)
            except OSError as error:
                raise _no_answer(target, error) from error
            with wrapped:
                yield wrapped


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
    response: http.client.HTTPResponse, target: Target, output: BinaryIO, *, most: int, given_up: Callable[[], bool]
) -> int:
    if response.status != 200:
        raise SourceError(
            "fetch_status", f"{target.host} 回答 {response.status}。", f"{target.host} answered {response.status}."
        )
    if (response.length or 0) > most:
        raise _too_much(target, most)
    size = 0
    while not given_up() and (chunk := response.read1(_CHUNK)):
        size += len(chunk)
        if size > most:
            raise _too_much(target, most)
        output.write(chunk)
    if response.length and not given_up():
        raise _short(target)
    return size


def _short(target: Target) -> SourceError:
    return SourceError("fetch_short", f"{target.host} 中途断开。", f"{target.host} stopped midway.")


def _cut(sock: socket.socket, too_late: threading.Event) -> None:
    """End a connection under whoever waits for it: a server that drips a byte at a time must not hold a thread."""
    too_late.set()
    try:
        sock.shutdown(socket.SHUT_RDWR)
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
