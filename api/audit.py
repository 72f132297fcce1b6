"""The audit chain for auditors: who did what, when, from where; and whether it is what was signed."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from api.auth.access import Auditing
from api.context import Context
from api.errors import ERRORS
from api.queries import Limit
from api.trail import note
from evidence.audit import read_audit
from evidence.audit_seal import check_audit

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], responses=ERRORS)
By = Annotated[str, Query(max_length=200, description="谁 / who")]
Action = Annotated[str, Query(max_length=100, description="做了什么，可只写前一半 / what, or how it begins")]
Words = Annotated[str, Query(max_length=200, description="记录中的字词 / words in the entry")]
Before = Annotated[int | None, Query(ge=0, description="上一页的 next / ``next`` of the page before")]


@router.get("", summary="查审计记录 / Search the audit chain")
def list_entries(
    request: Request,
    context: Context,
    _auditor: Auditing,
    *,
    by: By = "",
    action: Action = "",
    words: Words = "",
    before: Before = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """The newest first; ``next`` is the ``before`` of the next page, or null. Looking is noted as well."""
    found: list[dict[str, Any]] = []
    following = None
    for line in reversed(read_audit(context.data_dir)):
        entry = json.loads(line)
        wanted = by in ("", entry["by"]) and entry["kind"].startswith(action)
        if not wanted or (before is not None and entry["index"] >= before) or words not in line.decode("utf-8"):
            continue
        if len(found) == limit:
            following = found[-1]["index"]
            break
        found.append(entry)
    note(request, "audit.viewed", {"by": by, "action": action, "words": words})
    return {"entries": found, "next": following}


@router.get("/verification", summary="核对审计记录 / Verify the audit chain")
def verify(request: Request, context: Context, _auditor: Auditing) -> dict[str, Any]:
    """Every link, and the chain against the signed checkpoints."""
    entries, problems = check_audit(context.data_dir)
    note(request, "audit.verified", {"holds": not problems})
    return {"holds": not problems, "entries": entries, "failures": [{"zh": p.zh, "en": p.en} for p in problems]}
