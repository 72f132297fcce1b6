"""Notes in the audit chain what was searched, cut or played over HTTP, and from where."""

import hashlib
import logging
import time
from typing import Any

from fastapi import Request

from api.context import context_of
from core.access import LOCAL, Visitor
from core.errors import StorageError
from evidence.audit import Actor, append_audit

_log = logging.getLogger(__name__)
VIEW_AGAIN_S = 600.0
_REMEMBERED = 100_000


def note(request: Request, action: str, detail: dict[str, Any]) -> None:
    """Append an entry for this request; durable on return. Raises `StorageError`, `ConflictError`."""
    visitor: Visitor = getattr(request.state, "visitor", LOCAL)
    note_of(request, visitor.name, action, detail)


def note_of(request: Request, name: str, action: str, detail: dict[str, Any]) -> None:
    """The same for somebody who is only about to sign in."""
    append_audit(context_of(request).data_dir, _actor(request, name), action, detail)


def note_view(request: Request, action: str, detail: dict[str, Any]) -> None:
    """As `note`, but once in ten minutes for the same person, place and thing: a page asks again and again.

    A full disk must not blind whoever watches alerts: then the service's own log has a line, without names.
    """
    if not hasattr(request.app.state, "viewed"):
        request.app.state.viewed = {}
    seen: dict[tuple[str, ...], float] = request.app.state.viewed
    actor = actor_of(request)
    key = (actor.name, actor.host, action, *(f"{name}={value}" for name, value in sorted(detail.items())))
    now = time.monotonic()
    if now - seen.get(key, float("-inf")) < VIEW_AGAIN_S:
        return
    try:
        note(request, action, detail)
    except StorageError as error:
        _log.error("not in the audit chain: %s by %s: %s", action, _pseudonym(actor), error.code)
        return
    if len(seen) >= _REMEMBERED:
        seen.clear()
    seen[key] = now


def plain_address(source: str) -> str:
    """An address as the audit chain keeps it, without its query: tokens stand there that are nobody else's business."""
    return source.partition("?")[0].partition("#")[0]


def actor_of(request: Request) -> Actor:
    """Who makes the request, and from where, for what notes itself."""
    visitor: Visitor = getattr(request.state, "visitor", LOCAL)
    return _actor(request, visitor.name)


def _pseudonym(actor: Actor) -> str:
    """Tells people apart in a log without naming them."""
    return hashlib.sha256(f"{actor.name}@{actor.host}".encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _actor(request: Request, name: str) -> Actor:
    return Actor(name, request.client.host if request.client else "", "api")
