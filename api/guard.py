"""The outermost layer: whose requests are answered, how large they may be, and what browsers are told."""

import asyncio
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.context import Limits
from api.errors import (
    BusyError,
    ForeignHostError,
    ForeignPageError,
    LongQueryError,
    SlowBodyError,
    TooLargeError,
    error_response,
)
from api.headers import SECURITY_HEADERS
from core.errors import LiveWitnessError

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FILES = re.compile(r"/api/v1/cases/[^/]+/files")
_PACKS = "/api/v1/packs"
_SMALL = 64 * 1024


def host_name(value: str) -> str:
    """The name in a Host header without its port, lower case; IPv6 addresses keep their brackets."""
    text = value.strip().lower()
    if text.startswith("[") and "]" in text:
        return text.partition("]")[0] + "]"
    return text.partition(":")[0]


class Guard:
    """ASGI middleware. Refuses foreign Host headers (DNS rebinding), cross-site writes and oversized requests.

    ``turned_away`` says what else is refused before anything is done for it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str],
        limits: Limits,
        turned_away: Callable[[Scope], LiveWitnessError | None],
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._limits = limits
        self._turned_away = turned_away
        # Bytes of large bodies that are held at the moment, by all requests together.
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _with_headers(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await error_response(refusal)(scope, receive, answer)
            return
        await self._serve_bounded(scope, receive, answer)

    def _refusal(self, scope: Scope) -> LiveWitnessError | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or host_name(hosts[0]) not in self._hosts:
            return ForeignHostError(
                "request_host", "本服务只应答本机地址。", "This service answers to this machine's own names only."
            )
        if len(scope.get("query_string", b"")) > self._limits.query_bytes:
            return LongQueryError("request_query", "查询字符串太长。", "The query string is too long.")
        most = self._body_limit(scope)
        if _body_length(headers) > most:
            return _too_large(most)
        if scope["method"] not in _SAFE_METHODS and not self._own_page(headers):
            return ForeignPageError("request_origin", "不接受其他网站发来的操作。", "Other sites may not act here.")
        return self._turned_away(scope)

    def _body_limit(self, scope: Scope) -> int:
        """Files and rule packs are taken at one kind of address each; everything else is a few fields of JSON."""
        if scope["method"] != "POST":
            return self._limits.body_bytes
        if _FILES.fullmatch(scope["path"]):
            return self._limits.upload_bytes
        return self._limits.pack_bytes if scope["path"] == _PACKS else self._limits.body_bytes

    def _own_page(self, headers: Headers) -> bool:
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = headers.get("origin")
        return origin is None or urlsplit(origin).netloc.lower() == headers["host"].strip().lower()

    async def _serve_bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, which may come in pieces of untold number, up to the limits of size and time, then serve."""
        body = _Body(self._body_limit(scope))
        try:
            refusal = await self._read(body, receive)
            if refusal is None:
                await self._app(scope, body.replayed(receive), send)
            else:
                await error_response(refusal)(scope, receive, send)
        finally:
            self._held -= body.counted

    async def _read(self, body: "_Body", receive: Receive) -> LiveWitnessError | None:
        """Read the body whole, or give why it is refused."""
        try:
            async with asyncio.timeout(self._limits.body_s):
                while not body.whole:
                    self._held += body.add(await receive())
                    if self._held > self._limits.bodies_bytes:
                        return BusyError(
                            "request_bodies", "正在接收的内容太多，请稍后再试。", "Too much is being sent."
                        )
        except TimeoutError:
            return SlowBodyError("request_slow", "请求内容来得太慢。", "The request body comes too slowly.")
        except TooLargeError as error:
            return error
        return None


class _Body:
    """A request's body as it comes in, in pieces; only what is above a few fields of JSON counts as held."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: list[Message] = []
        self._size = 0
        self.counted = 0
        self.whole = False

    def add(self, message: Message) -> int:
        """Take a piece in; how many bytes more are held. Raises `TooLargeError`."""
        self._pieces.append(message)
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            raise _too_large(self._most)
        self.whole = message["type"] != "http.request" or not message.get("more_body", False)
        before, self.counted = self.counted, max(0, self._size - _SMALL)
        return self.counted - before

    def replayed(self, receive: Receive) -> Receive:
        """The pieces once more, for the application."""
        pieces = iter(self._pieces)

        async def replay() -> Message:
            piece = next(pieces, None)
            return piece if piece is not None else await receive()

        return replay


def _body_length(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        "request_body", f"请求内容超过 {limit} 字节。", f"The request body is larger than {limit} bytes."
    )


def _with_headers(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sender
