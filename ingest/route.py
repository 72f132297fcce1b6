"""How ffmpeg reaches a source: always through a port of ours on loopback, or to an address that was checked."""

import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit, urlunsplit

from core.egress import Egress
from core.errors import BadInputError
from ingest.forward_proxy import ForwardProxy
from ingest.relay import TcpRelay
from ingest.rtsp import Messages, names_of
from ingest.sources import Source

PORTS = {"http": 80, "https": 443, "rtmp": 1935, "rtmps": 443, "rtsp": 554, "rtsps": 322, "srt": 9000}
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


def _nothing() -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Route:
    """What ffmpeg is started with.

    ``url`` and ``options`` of its input, its ``environment``, the only TCP ``ports`` it needs to connect to, and
    ``notes``: why the guard did not connect, so far.
    """

    url: str
    options: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    notes: Callable[[], list[str]] = _nothing


def endpoint(source: Source) -> tuple[str, int]:
    """Host and port of a live source."""
    parts = urlsplit(source.location)
    return parts.hostname or "", parts.port or PORTS[parts.scheme.lower()]


def naming(egress: Egress, source: Source) -> Egress:
    """``egress``, with the host and port of a source that the operator wrote down."""
    return egress.naming(*endpoint(source)) if source.live else egress


@contextmanager
def open_route(source: Source, egress: Egress) -> Iterator[Route]:
    """The way to ``source`` while this is open. Raises `EgressError` and `BadInputError` where there is none."""
    match source.kind:
        case "file":
            yield Route(f"file:{source.location}", environment=plain_environment())
        case "hls" | "http":
            with ForwardProxy(egress) as proxy:
                environment = {**plain_environment(), "http_proxy": proxy.url, **certificates()}
                yield Route(source.location, {}, environment, (proxy.port,), lambda: proxy.notes)
        case "srt":
            yield Route(_pinned(source, egress), environment=plain_environment())
        case "rtmp" | "rtsp":
            yield from _relayed(source, egress)


def _relayed(source: Source, egress: Egress) -> Iterator[Route]:
    host, port = endpoint(source)
    scheme = urlsplit(source.location).scheme.lower()
    tls = ssl.create_default_context() if scheme.endswith("s") else None
    there = f"{scheme}://{_bracketed(host)}:{port}"
    options = {"rtmp_tcurl": f"{there}/{rtmp_app(source)}"} if source.kind == "rtmp" else {}
    relay = TcpRelay(egress, host, port, tls)
    if source.kind == "rtsp":
        names = names_of(source.location, relay.port)
        relay.changes = lambda: (Messages(names, to_server=True), Messages(names, to_server=False))
    with relay:
        url = _with_host(source.location, f"127.0.0.1:{relay.port}", scheme=source.kind)
        yield Route(url, options, plain_environment(), (relay.port,), lambda: relay.notes)


def plain_environment() -> dict[str, str]:
    """What of our environment ffmpeg needs: no secrets of ours, no proxies of anybody's that lead past the guard."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def certificates() -> dict[str, str]:
    """Where ffmpeg finds the system's certificate authorities: the place built into a static binary may be another."""
    paths = ssl.get_default_verify_paths()
    found = {paths.openssl_cafile_env: paths.cafile, paths.openssl_capath_env: paths.capath}
    return {name: place for name, place in found.items() if place and name not in os.environ}


def rtmp_app(source: Source) -> str:
    """The application in an RTMP address as ffmpeg takes it: the first one or two parts of the path."""
    parts = urlsplit(source.location)
    path = (parts.path + (f"?{parts.query}" if parts.query else "")).removeprefix("/")
    app, slash, rest = path.partition("/")
    if app == "ondemand" and slash:
        return app
    instance, slash, _ = rest.partition("/")
    return f"{app}/{instance}" if slash and ":" not in instance else app


def _pinned(source: Source, egress: Egress) -> str:
    parts = urlsplit(source.location)
    mode = parse_qs(parts.query, keep_blank_values=True).get("mode", ["caller"])
    if mode != ["caller"]:
        raise BadInputError(
            "bad_source", "SRT 来源只能是 mode=caller。", "An SRT source is called; other modes are not taken."
        )
    host, port = endpoint(source)
    return _with_host(source.location, f"{_bracketed(egress.addresses(host, port)[0])}:{port}", scheme="srt")


def _with_host(location: str, host: str, *, scheme: str) -> str:
    parts = urlsplit(location)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit((scheme, f"{user}{at}{host}", parts.path, parts.query, parts.fragment))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
