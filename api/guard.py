"""The outermost layer: whose requests are answered, how large they may be, and what browsers are told."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.context import Limits
from api.errors import ForeignHostError, ForeignPageError, LongQueryError, TooLargeError, error_response
from api.headers import SECURITY_HEADERS
from core.errors import LiveWitnessError

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FILES = re.compile(r"/api/v1/cases/[^/]+/files")
_PACKS = "/api/v1/packs"


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
        """Read the body, which may come in pieces of untold number, up to the limit, then serve."""
        read: list[Message] = []
        size, most = 0, self._body_limit(scope)
        while True:
            message = await receive()
            read.append(message)
            size += len(message.get("body", b""))
            if size > most:
                await error_response(_too_large(most))(scope, receive, send)
                return
            if message["type"] != "http.request" or not message.get("more_body", False):
                break
        pieces = iter(read)

        async def replay() -> Message:
            piece = next(pieces, None)
            return piece if piece is not None else await receive()

        await self._app(scope, replay, send)


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
