"""What is kept how long, what stands under a hold, and what the last runs deleted: for the operators' page."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from api.auth.access import Operating
from api.context import Context
from api.errors import ERRORS
from core.clock import iso, utc_now
from evidence.audit import read_audit
from evidence.holds import hold_json, standing_in
from evidence.retention_plan import decision_json, decisions
from store.deletions import Deletion, list_deletions

router = APIRouter(prefix="/api/v1/retention/report", tags=["retention"], responses=ERRORS)
_RUNS = 20


@router.get("", summary="保存期限一览 / Retention at one look")
def report(context: Context, _operator: Operating) -> dict[str, Any]:
    """Every stream with its clock and why it is kept, the next due first; holds that stand; the last runs."""
    policy = context.retention
    with context.db.read() as connection:
        holds = standing_in(connection, context.data_dir)
        standing = decisions(connection, holds, utc_now(), policy)
        deleted = list_deletions(connection)
    held = {hold.stream for hold in holds}
    rows = [decision_json(one) | {"held": one.stream in held} for one in standing]
    rows.sort(key=lambda row: (row["due"] is None, row["due"] or "", row["stream"]))
    by_plan = sorted(deleted, key=lambda one: (one.decided_at, one.plan))
    runs = [_run(plan, list(group)) for plan, group in groupby(by_plan, key=lambda one: one.plan)]
    return {
        "years": policy.years,
        "default": policy.default.value,
        "streams": rows,
        "holds": [hold_json(hold) for hold in holds],
        "last_run": _last_run(context.data_dir),
        "runs": runs[::-1][:_RUNS],
    }


def _run(plan: str, done: list[Deletion]) -> dict[str, Any]:
    return {
        "plan": plan,
        "at": iso(done[-1].decided_at),
        "by": done[-1].decided_by,
        "finished": all(one.finished_at for one in done),
        "bytes": sum(int(one.record.get("bytes", 0)) for one in done),
        "streams": [
            {"stream": one.stream, "deletion": one.id}
            | {name: one.record.get(name) for name in ("class", "due", "whole", "utterances", "alerts", "clips")}
            for one in done
        ],
    }


def _last_run(data_dir: Path) -> dict[str, Any] | None:
    """When somebody last ran retention, also where nothing was due."""
    for line in reversed(read_audit(data_dir)):
        if b'"kind":"retention.run"' in line:
            entry = json.loads(line)
            return {"at": entry["logged"], "by": entry["by"], "streams": entry["detail"].get("streams", 0)}
    return None
