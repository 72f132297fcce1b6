"""Notes in the audit chain what was searched, cut or played over HTTP, and from where."""

from typing import Any

from fastapi import Request

from api.context import context_of
from evidence.audit import Actor, append_audit


def note(request: Request, action: str, detail: dict[str, Any]) -> None:
    """Append an entry for this request; durable on return. Raises `StorageError`, `ConflictError`."""
    host = request.client.host if request.client else ""
    append_audit(context_of(request).data_dir, Actor("", host, "api"), action, detail)
