"""The only way of ffmpeg to HTTP and HTTPS: a forward proxy (RFC 9110, 7.6) on loopback that checks each target.

Playlists, segments, keys, init segments and what redirects lead to are requests of their own and are checked
one by one; the name is resolved here, once, and the connection goes to the checked address. HTTPS passes
through as a tunnel (CONNECT): ffmpeg itself verifies the certificate against the name.
"""

import base64
import hmac
import secrets
import socket
import time
from dataclasses import dataclass
from urllib.parse import quote

from core.egress import Egress, EgressError, Target, parse_target
from core.errors import BadInputError
from ingest.loopback import IDLE_S, LoopbackServer, pump

_HEAD_S = 10.0
_MAX_REQUEST_HEAD = 16 * 1024
_MAX_ANSWER_HEAD = 64 * 1024
_CHUNK = 64 * 1024
_NOT_FORWARDED = frozenset(
    {"host", "connection", "proxy-connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
    | {"content-length", "proxy-authorization"}
)
_NOT_RETURNED = frozenset(
    {b"connection", b"proxy-connection", b"keep-alive", b"proxy-authenticate", b"upgrade", b"alt-svc"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request to the proxy. ``headers``: names in lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]


def parse_request(head: bytes) -> Request:
    """Take a request head apart. Raises ``ValueError`` for what is none.

    A blank inside the target is kept (playlists hold such names, ffmpeg sends them as they are).
    """
    line, *rest = head.decode("latin-1").split("\r\n")
    method, _, tail = line.partition(" ")
    target, _, version = tail.rpartition(" ")
    if not target or not version.startswith("HTTP/1."):
        raise ValueError(f"no request line: {line[:80]!r}")
    headers = []
    for field in filter(None, rest):
        name, colon, value = field.partition(":")
        if not colon or not name or name != name.strip() or any(c < " " and c != "\t" for c in value):
            raise ValueError(f"no header: {field[:80]!r}")
        headers.append((name.lower(), value.strip()))
    return Request(method, target, tuple(headers))


def plain_target(url: str) -> Target:
    """Where ``http://host[:port]/path`` leads, its path made of ASCII. Raises `BadInputError`.

    ``url`` holds bytes as Latin-1. Only the path may hold odd characters; the host is as strict as everywhere.
    """
    scheme, separator, rest = url.partition("://")
    cut = min((i for i in map(rest.find, "/?#") if i >= 0), default=len(rest))
    target = parse_target(f"{scheme}{separator}{rest[:cut]}/")
    path = rest[cut:].partition("#")[0]
    path = path if path.startswith("/") else f"/{path}"
    if target.scheme != "http":
        raise BadInputError("egress_scheme", "代理只转发 http。", "Only http is forwarded in the plain.")
    quoted = quote(path.encode("latin-1"), safe="/?:@!$&'()*+,;=%-._~[]|")
    return Target(target.scheme, target.host, target.port, quoted)


def tunnel_target(text: str) -> tuple[str, int]:
    """Host and port of a CONNECT. Raises `BadInputError`."""
    target = parse_target(f"https://{text}/")
    if set("/?#") & set(text):
        raise BadInputError("egress_address", "CONNECT 只接受主机和端口。", "Not a usable web address for a tunnel.")
    return target.host, target.port


def forwarded(request: Request, target: Target) -> bytes:
    """The request as the server gets it: one request per connection, nothing that is meant for the proxy."""
    fields = [(name, value) for name, value in request.headers if name not in _NOT_FORWARDED]
    lines = [f"{request.method} {target.path} HTTP/1.1", f"Host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in fields]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def returned(head: bytes) -> bytes:
    """The head of an answer as ffmpeg gets it. Raises ``ConnectionError`` for one that asks for our own credentials."""
    status, *fields = head.split(b"\r\n")
    if status.split(b" ")[1:2] == [b"407"]:
        raise ConnectionError("the server plays a proxy")
    kept = [field for field in fields if field.partition(b":")[0].strip().lower() not in _NOT_RETURNED]
    return b"\r\n".join([status, *filter(None, kept), b"Connection: close", b"", b""])


class ForwardProxy(LoopbackServer):
    """Context manager: a proxy that only who knows `url` can use, and only for what ``egress`` allows."""

    def __init__(self, egress: Egress) -> None:
        super().__init__()
        self._egress = egress
        self._token = secrets.token_urlsafe(24)
        pair = base64.b64encode(f"ffmpeg:{self._token}".encode()).decode()
        self._credentials = f"Basic {pair}".encode()

    @property
    def url(self) -> str:
        """Address with credentials, made anew for each proxy: not for command lines, which everybody can list."""
        return f"http://ffmpeg:{self._token}@127.0.0.1:{self.port}"

    def serve(self, client: socket.socket) -> None:
        """One request: a tunnel, a forwarded GET, or an error."""
        client.settimeout(_HEAD_S)
        try:
            request = parse_request(_read_head(client))
        except ValueError:
            _answer(client, "400 Bad Request")
            return
        client.settimeout(IDLE_S)
        given = next((v for k, v in request.headers if k == "proxy-authorization"), "").encode("latin-1")
        if not hmac.compare_digest(given, self._credentials):
            _answer(client, "407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="livewitness"')
            return
        try:
            self._serve(client, request)
        except (EgressError, BadInputError) as error:
            self.note(request.target[:200], error)
            _answer(client, "403 Forbidden")

    def _serve(self, client: socket.socket, request: Request) -> None:
        if request.method == "CONNECT":
            host, port = tunnel_target(request.target)
        elif request.method == "GET":
            target = plain_target(request.target)
            host, port = target.host, target.port
        else:
            _answer(client, "405 Method Not Allowed")
            return
        upstream = self._connected(client, host, port)
        if upstream is None:
            return
        with self.held(upstream):
            upstream.settimeout(IDLE_S)
            if request.method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                pump(client, upstream)
            else:
                upstream.sendall(forwarded(request, target))
                _relay_answer(client, upstream)

    def _connected(self, client: socket.socket, host: str, port: int) -> socket.socket | None:
        try:
            return self._egress.connect(host, port)
        except OSError as error:
            self.note(f"{host}:{port}", error)
            _answer(client, "502 Bad Gateway")
            return None


def _read_head(client: socket.socket) -> bytes:
    """Bytes up to the blank line. Raises ``ValueError`` when it does not come within bounds of size and time."""
    head = b""
    until = time.monotonic() + _HEAD_S
    while b"\r\n\r\n" not in head:
        data = client.recv(_MAX_REQUEST_HEAD)
        head += data
        if not data or len(head) > _MAX_REQUEST_HEAD or time.monotonic() > until:
            raise ValueError("no request")
    return head.partition(b"\r\n\r\n")[0]


def _answer(client: socket.socket, status: str, *fields: str) -> None:
    lines = [f"HTTP/1.1 {status}", *fields, "Content-Length: 0", "Connection: close", "", ""]
    client.sendall("\r\n".join(lines).encode("ascii"))


class _Head:
    """Turns the head of an answer while it passes, and nothing after it."""

    def __init__(self) -> None:
        self._held = b""
        self._passed = False

    def __call__(self, data: bytes) -> bytes:
        if self._passed:
            return data
        self._held += data
        head, end, rest = self._held.partition(b"\r\n\r\n")
        if not end:
            if len(self._held) > _MAX_ANSWER_HEAD:
                raise ConnectionError("the head of the answer does not end")
            return b""
        self._passed = True
        return returned(head) + rest


def _relay_answer(client: socket.socket, upstream: socket.socket) -> None:
    """Pass one answer on until the server closes. Whatever else ffmpeg sends ends it: it was told to close."""

    def nothing_more(_data: bytes) -> bytes:
        raise ConnectionError("a second request on one connection")

    pump(client, upstream, up=nothing_more, down=_Head())
