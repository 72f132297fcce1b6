"""What operators see at one look: disk, queues, latency, gaps, backfill, and how rules fare from day to day."""

import shutil
from datetime import datetime, timedelta, timezone
from statistics import quantiles
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.auth.access import Operating
from api.context import ApiContext, Context
from api.errors import ERRORS
from core.clock import iso, seconds, utc_now
from core.forecast import full_by
from store import backlog, operations, recordings
from store.vectors import awaiting_vectors

router = APIRouter(prefix="/api/v1/operations", tags=["operations"], responses=ERRORS)
_BEIJING = timezone(timedelta(hours=8))
Days = Annotated[int, Query(ge=1, le=90, description="最近几天 / how many days back")]


@router.get("", summary="运行概况 / How the installation fares")
def figures(context: Context, _operator: Operating, days: Days = 28) -> dict[str, Any]:
    """``days`` names the calendar days (Beijing) that every series has a value for, the last one today."""
    now = utc_now()
    named = [(now.astimezone(_BEIJING) - timedelta(days=back)).strftime("%Y-%m-%d") for back in range(days)][::-1]
    since = datetime.strptime(named[0], "%Y-%m-%d").replace(tzinfo=_BEIJING)
    with context.db.read() as connection:
        sizes = operations.bytes_by_day(connection, since)
        gaps = operations.gaps_by_day(connection, since)
        counted = operations.rule_days(connection, since)
        return {
            "days": named,
            "disk": _disk(context, recordings.bytes_since(connection, now - timedelta(days=7)), now)
            | {"recorded": [sizes.get(day, 0) for day in named]},
            "gaps": {
                "count": [gaps.get(day, (0, 0))[0] for day in named],
                "seconds": [seconds(gaps.get(day, (0, 0))[1]) for day in named],
            },
            "queue": _queue(context)
            | {
                "untranscribed": seconds(sum(b.untranscribed_ms for b in backlog.streams_behind(connection))),
                "unembedded": awaiting_vectors(connection).utterances,
                "webhooks": sum(target.waiting for target in backlog.webhooks_behind(connection)),
            },
            "latency": _latency(operations.latest_latencies(connection)),
            "jobs": operations.job_progress(connection),
            "rules": _rules(context, counted, named),
        }


def _disk(context: ApiContext, week: int, now: datetime) -> dict[str, Any]:
    usage = shutil.disk_usage(context.data_dir)
    full = full_by(now, usage.free - context.min_free_bytes, week)
    return {"free": usage.free, "total": usage.total, "week": week, "full_by": iso(full) if full else None}


def _queue(context: ApiContext) -> dict[str, Any]:
    """Windows that wait for their decode in this process."""
    if context.metrics is None:
        return {"windows": 0}
    found = context.metrics.queue.collect()
    return {"windows": int(sum(sample.value for metric in found for sample in metric.samples))}


def _latency(found: list[int]) -> dict[str, Any]:
    """Milliseconds of the newest alerts; null where there are none."""
    if len(found) < 2:
        return {"alerts": len(found), "p50": found[0] if found else None, "p95": found[0] if found else None}
    cuts = quantiles(found, n=20, method="inclusive")
    return {"alerts": len(found), "p50": round(cuts[9]), "p95": round(cuts[18])}


def _rules(context: ApiContext, counted: list[operations.RuleDay], days: list[str]) -> list[dict[str, Any]]:
    """Rules that raised an alert in these days, the most dismissed first."""
    known = {rule["rule_id"]: rule for rule in context.rules()}
    place = {day: number for number, day in enumerate(days)}
    found: dict[str, dict[str, Any]] = {}
    for one in counted:
        rule = known.get(one["rule"], {})
        row = found.setdefault(
            one["rule"],
            {
                "rule_id": one["rule"],
                "title": rule.get("title", ""),
                "severity": rule.get("severity", ""),
                "alerts": [0] * len(days),
                "dismissed": [0] * len(days),
            },
        )
        if one["day"] in place:
            row["alerts"][place[one["day"]]] += one["alerts"]
            row["dismissed"][place[one["day"]]] += one["dismissed"]
    return sorted(found.values(), key=lambda r: (-sum(r["dismissed"]), -sum(r["alerts"]), r["rule_id"]))
