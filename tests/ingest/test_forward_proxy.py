"""The proxy on its own: who may use it, what it forwards, and that it stays within bounds."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.egress import Egress
from core.errors import BadInputError
from ingest.forward_proxy import ForwardProxy, forwarded, parse_request, plain_target, returned, tunnel_target
from ingest.loopback import MAX_CONNECTIONS
from tests.ingest.canary import Server


def asked(proxy, request, *, credentials=True):
    """What the proxy answers to the bytes of a request."""
    line = f"Proxy-Authorization: {proxy._credentials.decode()}\r\n" if credentials else ""
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as connection:
        connection.sendall(request.replace("\r\n", f"\r\n{line}", 1).encode("latin-1"))
        answer = b""
        while data := connection.recv(65536):
            answer += data
    return answer


@pytest.fixture
def server():
    with Server({"/a.ts": b"media", "/%E5%90%8D%20.ts": b"named"}) as running:
        yield running


@pytest.fixture
def proxy(server):
    with ForwardProxy(Egress().naming("127.0.0.1", server.port)) as running:
        yield running


def test_only_who_holds_the_credentials_is_served(proxy, server):
    request = f"GET {server.url('/a.ts')} HTTP/1.1\r\n\r\n"
    assert asked(proxy, request, credentials=False).startswith(b"HTTP/1.1 407 ")
    assert server.hits == []
    assert asked(proxy, request).endswith(b"\r\n\r\nmedia")
    with ForwardProxy(Egress()) as other:
        assert other.url != proxy.url


def test_names_in_other_writing_reach_the_server_in_ascii(proxy, server):
    path = "/名 .ts#part".encode().decode("latin-1")
    assert asked(proxy, f"GET {server.url(path)} HTTP/1.1\r\n\r\n").endswith(b"named")
    assert server.hits == ["/%E5%90%8D%20.ts"]


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("POST {url} HTTP/1.1", 405),
        ("GET /a.ts HTTP/1.1", 403),
        ("GET https://127.0.0.1:{port}/a.ts HTTP/1.1", 403),
        ("GET http://127.0.0.1:1/a.ts HTTP/1.1", 403),
        ("CONNECT 127.0.0.1:22 HTTP/1.1", 403),
        ("CONNECT 127.0.0.1:{port}/x HTTP/1.1", 403),
        ("GET httpproxy://127.0.0.1:{port}/a.ts HTTP/1.1", 403),
        ("GET {url}", 400),
        ("nonsense", 400),
        ("GET {url} HTTP/1.1\r\nX: " + "a" * 20_000, 400),
    ],
)
def test_what_is_not_forwarded_gets_an_error_and_reaches_nobody(proxy, server, request_line, status):
    line = request_line.format(url=server.url("/a.ts"), port=server.port)
    assert asked(proxy, f"{line}\r\n\r\n").startswith(f"HTTP/1.1 {status} ".encode())
    assert server.hits == []


def test_a_refusal_is_noted_with_its_reason(proxy):
    asked(proxy, "GET http://127.0.0.1:1/a.ts HTTP/1.1\r\n\r\n")
    assert "internal address" in proxy.notes[0]


def test_connections_are_bounded_and_leaving_ends_them(server):
    with ForwardProxy(Egress()) as proxy:
        held = [socket.create_connection(("127.0.0.1", proxy.port), 5) for _ in range(MAX_CONNECTIONS)]
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as one_more:
            assert one_more.recv(1) == b""
    for connection in held:
        with connection:
            assert connection.recv(1) == b""


def test_what_is_meant_for_the_proxy_goes_no_further():
    lines = [b"GET http://a.example/x HTTP/1.1", b"Host: b.example", b"Proxy-Authorization: Basic x"]
    head = b"\r\n".join([*lines, b"Connection: keep-alive", b"Range: bytes=0-"])
    sent = forwarded(parse_request(head), plain_target("http://a.example:8080/x?y=1"))
    assert sent == b"GET /x?y=1 HTTP/1.1\r\nHost: a.example:8080\r\nrange: bytes=0-\r\nConnection: close\r\n\r\n"


def test_an_answer_is_the_only_one_of_its_connection_and_cannot_ask_for_our_credentials():
    assert returned(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nX: 1") == (
        b"HTTP/1.1 200 OK\r\nX: 1\r\nConnection: close\r\n\r\n"
    )
    with pytest.raises(ConnectionError):
        returned(b"HTTP/1.1 407 x")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_none(data):
    try:
        request = parse_request(data)
    except ValueError:
        return
    try:
        target = plain_target(request.target)
    except BadInputError:
        return
    head = forwarded(request, target).split(b"\r\n")[0]
    assert head.count(b" ") == request.method.count(" ") + 2 and head.isascii() == request.method.isascii()


@given(st.text(max_size=30))
def test_a_tunnel_leads_to_a_host_and_a_port(text):
    try:
        host, port = tunnel_target(text)
    except BadInputError:
        return
    assert host and 0 < port < 65536 and "@" not in host and "/" not in host
