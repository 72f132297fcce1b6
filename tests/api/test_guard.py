"""Who is answered, how much may be sent, and what browsers are told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from api.context import Limits
from api.guard import Guard, host_name


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000", "[::1]"])
def test_own_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "[::2]", "0.0.0.0", "", "[::1"]
)
def test_other_names_are_not(client: TestClient, host: str) -> None:
    answer = client.get("/health", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["code"] == "request_host"


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/health", "/static/app.js", "/none"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_cannot_make_clips(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/api/v1/clips", json={"stream": "s", "start": 1, "end": 2}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "request_origin"


def test_large_requests_are_refused(build: Callable[..., TestClient]) -> None:
    client = build(Limits(body_bytes=1000))
    assert client.post("/api/v1/clips", content=b"x" * 1001).status_code == 413

    def pieces() -> Iterator[bytes]:
        yield from (b"x" * 400 for _ in range(5))

    chunked = client.post("/api/v1/clips", content=pieces(), headers={"Content-Type": "application/json"})
    assert (chunked.status_code, chunked.json()["code"]) == (413, "request_body")
    assert client.get("/api/v1/search", params={"q": "x" * 5000}).status_code == 414


@given(st.text(max_size=60))
def test_host_names_never_fail(text: str) -> None:
    name = host_name(text)
    assert name == name.lower()
    assert host_name(f"localhost:{text}") == "localhost"


def test_searches_are_rationed(build: Callable[..., TestClient]) -> None:
    client = build(Limits(searches_burst=3, searches_per_s=0.1))
    answers = [client.get("/api/v1/search", params={"q": "包邮"}) for _ in range(5)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1


def scope_of(path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [(b"host", b"localhost")],
        "query_string": b"",
        "client": ("192.0.2.1", 1),
    }


async def answered(guard: Guard, path: str, receive: Callable[[], Awaitable[Message]]) -> int:
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await guard(scope_of(path), receive, send)
    return statuses[0]


def guarding(limits: Limits, hold: asyncio.Event) -> Guard:
    """A guard before an application that keeps what it was sent until it may go."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await hold.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return Guard(app, hosts=frozenset({"localhost"}), limits=limits, turned_away=lambda _: None)


FILES = "/api/v1/cases/1/files"


def test_a_body_that_does_not_end_is_given_up() -> None:
    async def run() -> None:
        async def drip() -> Message:
            await asyncio.sleep(0.02)
            return {"type": "http.request", "body": b"x", "more_body": True}

        guard = guarding(Limits(body_s=0.2), asyncio.Event())
        assert await answered(guard, FILES, drip) == 408
        assert await answered(guard, "/api/v1/cases", drip) == 408

    asyncio.run(run())


def test_large_bodies_together_take_so_much_memory_and_no_more() -> None:
    async def run() -> None:
        hold = asyncio.Event()
        guard = guarding(Limits(bodies_bytes=3_000_000), hold)

        async def large() -> Message:
            return {"type": "http.request", "body": b"x" * 1_000_000, "more_body": False}

        async def small() -> Message:
            return {"type": "http.request", "body": b"{}", "more_body": False}

        held = [asyncio.create_task(answered(guard, FILES, large)) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert await answered(guard, FILES, large) == 429
        few = asyncio.create_task(answered(guard, "/api/v1/cases", small))
        hold.set()
        assert [await task for task in (*held, few)] == [200] * 4, "a few fields of JSON are always taken"
        assert await answered(guard, FILES, large) == 200, "what was held is given back"

    asyncio.run(run())
