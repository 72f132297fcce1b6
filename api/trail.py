"""Notes in the audit chain what was searched, cut or played over HTTP, and from where."""

from typing import Any

from fastapi import Request

from api.context import context_of
from core.access import LOCAL, Visitor
from evidence.audit import Actor, append_audit


def note(request: Request, action: str, detail: dict[str, Any]) -> None:
    """Append an entry for this request; durable on return. Raises `StorageError`, `ConflictError`."""
    visitor: Visitor = getattr(request.state, "visitor", LOCAL)
    note_of(request, visitor.name, action, detail)


def note_of(request: Request, name: str, action: str, detail: dict[str, Any]) -> None:
    """The same for somebody who is only about to sign in."""
    host = request.client.host if request.client else ""
    append_audit(context_of(request).data_dir, Actor(name, host, "api"), action, detail)
