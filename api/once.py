"""Idempotency-Key: a request that creates something, made again under the same key, is answered and not done again.

The first answer is kept for a day, for whoever made the request. Only what succeeded is kept: a refusal created
nothing, so that the same request may be tried again. A service that is killed between doing and keeping has no
memory of it; everything else of a request is durable by then.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from api.auth.access import Requires
from api.context import context_of
from core.access import LOCAL, Visitor
from core.clock import utc_now
from core.errors import BadInputError, ConflictError, Sentence, StorageError
from store.answers import KeptAnswer, forget_answers, get_answer, put_answer

_log = logging.getLogger(__name__)
HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=24)
_FIT = re.compile(r"[\x21-\x7e]{1,200}")
_BELONG = ("content-type", "location")
_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    "description": "同一键、同一请求 24 小时内只做一次，回答相同；内容不同则 422 / the same key and request within "
    "24 hours is done once and answered alike; another request under it: 422",
}
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_marked: set[Callable[..., Any]] = set()


def once(endpoint: _Endpoint) -> _Endpoint:
    """Marks an operation that creates something; its router needs ``route_class=OnceRoute``."""
    _marked.add(endpoint)
    return endpoint


class OnceRoute(APIRoute):
    """A route whose operation, where marked with `once`, honours the header and says so in OpenAPI."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401 - as APIRoute
        if endpoint in _marked:
            extra = dict(options.get("openapi_extra") or {})
            if _PARAMETER not in extra.get("parameters", []):
                extra["parameters"] = [*extra.get("parameters", []), _PARAMETER]
            options["openapi_extra"] = extra
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> _Handler:
        """The route's own handler, behind the answers that are kept."""
        handler = super().get_route_handler()
        return _remembering(handler, self.dependant) if self.endpoint in _marked else handler


def _remembering(handler: _Handler, dependant: Dependant) -> _Handler:
    (rule,) = {call for call in _calls(dependant) if isinstance(call, Requires)}

    async def handle(request: Request) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return await handler(request)
        visitor = await run_in_threadpool(rule, request) or LOCAL
        if not _FIT.fullmatch(key):
            raise BadInputError(
                "idempotency_key",
                f"{HEADER} 须为 1 到 200 个可见的 ASCII 字符。",
                f"{HEADER} takes 1 to 200 visible ASCII characters.",
            )
        with _Running(request, visitor, key) as running:
            return await running.answer(handler)

    return handle


def _calls(dependant: Dependant) -> Iterable[object]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


class _Running:
    """One request under a key; a second one at the same time is refused."""

    def __init__(self, request: Request, visitor: Visitor, key: str) -> None:
        self._request = request
        self._owner = f"{visitor.by}:{visitor.name}"
        self._key = key
        if not hasattr(request.app.state, "once"):
            request.app.state.once = set()
        # Touched by the event loop's thread alone.
        self._all: set[tuple[str, str]] = request.app.state.once

    def __enter__(self) -> "_Running":
        if (self._owner, self._key) in self._all:
            raise ConflictError(
                "idempotency_running",
                "同一键的请求还在处理。",
                "A request under this key is still being done.",
                hint=Sentence("稍后用同一键再试。", "Try again with the same key in a moment."),
            )
        self._all.add((self._owner, self._key))
        return self

    def __exit__(self, *_: object) -> None:
        self._all.discard((self._owner, self._key))

    async def answer(self, handler: _Handler) -> Response:
        """The kept answer, or the handler's, kept if it succeeded."""
        digest = _digest(self._request, await self._request.body())
        kept = await run_in_threadpool(self._kept)
        if kept is None:
            response = await handler(self._request)
            if 200 <= response.status_code < 300:
                await self._keep_if_possible(digest, response)
            return response
        if kept.request_sha256 != digest:
            raise BadInputError(
                "idempotency_reused",
                f"这个 {HEADER} 用过，而那次的请求不同。",
                f"This {HEADER} was used for another request.",
                hint=Sentence("新的请求要用新的键。", "A new request needs a new key."),
            )
        return Response(kept.body, kept.status, kept.headers | {REPLAYED: "true"})

    async def _keep_if_possible(self, digest: str, response: Response) -> None:
        try:
            await run_in_threadpool(self._keep, digest, response)
        except (StorageError, SQLAlchemyError):
            # What was asked for is done: an error would make the asker do it twice.
            _log.exception("an answer could not be kept")

    def _kept(self) -> KeptAnswer | None:
        with context_of(self._request).db.read() as connection:
            return get_answer(connection, self._owner, self._key, utc_now() - KEPT)

    def _keep(self, digest: str, response: Response) -> None:
        headers = {name: response.headers[name] for name in _BELONG if name in response.headers}
        answer = KeptAnswer(digest, response.status_code, headers, bytes(response.body).decode("utf-8"))
        now = utc_now()
        with context_of(self._request).db.write() as connection:
            forget_answers(connection, now - KEPT)
            put_answer(connection, self._owner, self._key, answer, now)


def _digest(request: Request, body: bytes) -> str:
    """The request as far as it says what to do: method, address, body."""
    address = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.sha256(address.encode("utf-8", "surrogatepass") + body).hexdigest()
