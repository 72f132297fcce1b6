"""The audit chain for auditors: who did what, when, from where; and whether it is what was signed."""

import csv
import io
import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime

from api.auth.access import Auditing
from api.context import Context
from api.errors import CSV, ERRORS
from api.queries import Limit
from api.trail import note
from core.clock import iso
from evidence.audit import read_audit
from evidence.audit_seal import check_audit
from index.export import harmless

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], responses=ERRORS)
By = Annotated[str, Query(max_length=200, description="谁 / who")]
Action = Annotated[
    str, Query(max_length=100, description="做了什么，可只写点号前的部分 / what, or the part before a dot")
]
Words = Annotated[str, Query(max_length=200, description="记录中的字词 / words in the entry")]
Before = Annotated[int | None, Query(ge=0, description="上一页的 next / ``next`` of the page before")]
Since = Annotated[AwareDatetime | None, Query(alias="from", description="从何时起 / from this moment")]
Until = Annotated[AwareDatetime | None, Query(alias="to", description="到何时止 / before this moment")]
_MOST = 10_000
_ASKED = ("by", "action", "words")
_COLUMNS = ("index", "logged", "by", "from", "channel", "kind", "detail")


class Form(StrEnum):
    """How entries are given."""

    JSON = "json"
    CSV = "csv"


@router.get("", summary="查审计记录 / Search the audit chain", response_model=None, responses=CSV)
def list_entries(
    request: Request,
    context: Context,
    _auditor: Auditing,
    *,
    by: By = "",
    action: Action = "",
    words: Words = "",
    since: Since = None,
    until: Until = None,
    before: Before = None,
    limit: Limit = 100,
    form: Annotated[Form, Query(alias="format", description="json 或 csv / json or csv")] = Form.JSON,
) -> dict[str, Any] | Response:
    """The newest first; ``next`` is the ``before`` of the next page, or null. Looking is noted as well.

    As CSV all that is found, at most 10,000.
    """
    found: list[dict[str, Any]] = []
    following = None
    first, last = iso(since) if since else "", iso(until) if until else "~"
    for line in reversed(read_audit(context.data_dir)):
        entry = json.loads(line)
        wanted = by in ("", entry["by"]) and _is(entry["kind"], action) and first <= entry["logged"] < last
        if not wanted or (before is not None and entry["index"] >= before) or words not in line.decode("utf-8"):
            continue
        if len(found) == (_MOST if form is Form.CSV else limit):
            following = found[-1]["index"]
            break
        found.append(entry)
    asked = {"by": by, "action": action, "words": words, "from": first, "to": last.strip("~")}
    note(request, "audit.viewed", {name: value for name, value in asked.items() if value or name in _ASKED})
    if form is Form.CSV:
        named = {"Content-Disposition": 'attachment; filename="audit.csv"'}
        return Response(_csv(found), media_type="text/csv; charset=utf-8", headers=named)
    return {"entries": found, "next": following}


def _is(kind: str, action: str) -> bool:
    """Whether an entry's kind is the action, or one of those that it stands for: `case` for `case.opened`."""
    return not action or f"{kind}.".startswith(f"{action}.")


def _csv(entries: Iterable[dict[str, Any]]) -> str:
    """A table that spreadsheets read as UTF-8 and in which nothing is a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for entry in entries:
        cells = entry | {"detail": json.dumps(entry["detail"], ensure_ascii=False, sort_keys=True)}
        writer.writerow([harmless(cells.get(name, "")) for name in _COLUMNS])
    return "\ufeff" + text.getvalue()


@router.get("/verification", summary="核验审计记录 / Verify the audit chain")
def verify(request: Request, context: Context, _auditor: Auditing) -> dict[str, Any]:
    """Every link, and the chain against the signed checkpoints."""
    entries, problems = check_audit(context.data_dir)
    note(request, "audit.verified", {"holds": not problems})
    return {"holds": not problems, "entries": entries, "failures": [{"zh": p.zh, "en": p.en} for p in problems]}
