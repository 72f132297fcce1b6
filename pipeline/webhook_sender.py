"""Sends one webhook request: signed, bounded in time and size, to a checked address, following no redirect."""

import hashlib
import hmac
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpcore2

from core.egress import Resolver, Target, addresses_of, parse_target, system_resolver
from core.errors import LiveWitnessError

TIMEOUT_S = 10.0
_SocketOptions = Iterable[Any] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """``error`` is empty when the target took the event (any 2xx)."""

    error: str = ""

    @property
    def taken(self) -> bool:
        """Whether the event is delivered."""
        return not self.error


@dataclass(frozen=True, slots=True)
class Post:
    """A request to make."""

    url: str
    headers: dict[str, str]
    body: bytes


Send = Callable[[Post], Outcome]
"""Makes one request; never raises for what the network or the target does."""


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """``sha256=`` and the hexadecimal HMAC-SHA256 (RFC 2104) of ``timestamp`` + ``.`` + body."""
    signed = str(timestamp).encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


class _Deadline:
    """Time left for a whole request: a target that drips a byte at a time must not hold a worker."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore2.TimeoutException("no answer in time")
        return left


class _BoundedStream(httpcore2.NetworkStream):
    """A connection on which every step has only what is left of the deadline."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there."""
        del timeout
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of ``buffer``."""
        del timeout
        self._inner.write(buffer, self._deadline.left())

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Begin TLS; the certificate is checked against the name, not the address."""
        del timeout
        return _BoundedStream(
            self._inner.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline
        )

    def get_extra_info(self, info: str) -> object:
        """What the connection knows of itself."""
        return self._inner.get_extra_info(info)


class _GuardedBackend(httpcore2.NetworkBackend):
    """Connects to checked addresses only; the one place of a request where a name becomes an address."""

    def __init__(self, deadline: _Deadline, allow_internal: bool, resolve: Resolver) -> None:
        self._deadline = deadline
        self._allow_internal = allow_internal
        self._resolve = resolve
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _SocketOptions = None,
    ) -> httpcore2.NetworkStream:
        """Try the host's addresses in turn. Raises `EgressError` before anything is sent to a refused host."""
        del timeout
        found = addresses_of(host, port, allow_internal=self._allow_internal, resolve=self._resolve)
        for last, address in enumerate(found, 1 - len(found)):
            try:
                stream = self._inner.connect_tcp(address, port, self._deadline.left(), local_address, socket_options)
            except httpcore2.ConnectError:
                if last == 0:
                    raise
            else:
                return _BoundedStream(stream, self._deadline)
        raise httpcore2.ConnectError(host)


class WebhookSender:
    """Makes webhook requests. Thread-safe: each request has a connection of its own."""

    def __init__(
        self, *, allow_internal: bool = False, timeout_s: float = TIMEOUT_S, resolve: Resolver = system_resolver
    ) -> None:
        self._allow_internal = allow_internal
        self._timeout_s = timeout_s
        self._resolve = resolve
        self._tls = httpcore2.default_ssl_context()

    def __call__(self, post: Post) -> Outcome:
        """Send ``post``; only the status of the answer is read."""
        try:
            status = self._status(parse_target(post.url), post)
        except LiveWitnessError as error:
            return Outcome(f"{error.code}: {error.sentence.en}")
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as error:
            return Outcome(f"{type(error).__name__}: {error}"[:300])
        return Outcome() if 200 <= status < 300 else Outcome(f"HTTP {status}")

    def _status(self, target: Target, post: Post) -> int:
        backend = _GuardedBackend(_Deadline(self._timeout_s), self._allow_internal, self._resolve)
        own = {"Host": target.authority, "Content-Length": str(len(post.body)), "Connection": "close"}
        headers = [(k.encode("ascii"), v.encode("utf-8")) for k, v in (own | post.headers).items()]
        url = httpcore2.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.path.encode(),
        )
        with (
            httpcore2.ConnectionPool(ssl_context=self._tls, network_backend=backend) as pool,
            pool.stream("POST", url, headers=headers, content=post.body) as response,
        ):
            return int(response.status)
