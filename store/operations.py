"""Figures for operators: alerts and dismissals by rule and day, bytes by day, gaps by day, jobs, latest latencies.

A day is a calendar day in Beijing, as the people who work here count it.
"""

from datetime import datetime
from typing import TypedDict

from sqlalchemy import ColumnElement, Connection, func, select

from core.clock import iso
from core.records import AlertStatus, ReviewState
from store.tables import alert_reviews, alerts, epochs, gaps, jobs, segments

_ZONE = "+8 hours"


class RuleDay(TypedDict):
    """One rule on one day: alerts that were not withdrawn, and those of them that stand dismissed."""

    rule: str
    day: str
    alerts: int
    dismissed: int


class JobProgress(TypedDict):
    """A backfill job: seconds recorded and transcribed so far."""

    stream: str
    path: str
    state: str
    error: str
    updated: str
    recorded: float
    transcribed: float


def _day(moment: ColumnElement[str]) -> ColumnElement[str]:
    return func.date(moment, _ZONE)


def rule_days(connection: Connection, since: datetime) -> list[RuleDay]:
    """Counts by rule and day of the alert, from ``since`` on."""
    latest = select(func.max(alert_reviews.c.id)).group_by(alert_reviews.c.alert_id)
    dismissed = (
        select(alert_reviews.c.alert_id)
        .where(alert_reviews.c.id.in_(latest))
        .where(alert_reviews.c.state == ReviewState.DISMISSED.value)
    )
    day = _day(alerts.c.wall_time)
    query = (
        select(alerts.c.rule_id, day, func.count(), func.count().filter(alerts.c.id.in_(dismissed)))
        .where(alerts.c.status != AlertStatus.WITHDRAWN.value, alerts.c.wall_time >= iso(since))
        .group_by(alerts.c.rule_id, day)
        .order_by(alerts.c.rule_id, day)
    )
    return [RuleDay(rule=r, day=d, alerts=n, dismissed=gone) for r, d, n, gone in connection.execute(query)]


def bytes_by_day(connection: Connection, since: datetime) -> dict[str, int]:
    """Recorded bytes of all streams by day."""
    day = _day(segments.c.wall_start)
    query = select(day, func.sum(segments.c.size)).where(segments.c.wall_start >= iso(since)).group_by(day)
    return {str(when): int(size) for when, size in connection.execute(query)}


def gaps_by_day(connection: Connection, since: datetime) -> dict[str, tuple[int, int]]:
    """How many gaps, and their milliseconds in all, by day."""
    day = _day(gaps.c.wall_start)
    query = (
        select(day, func.count(), func.sum(gaps.c.end_ms - gaps.c.start_ms))
        .where(gaps.c.wall_start >= iso(since))
        .group_by(day)
    )
    return {str(when): (int(count), int(length)) for when, count, length in connection.execute(query)}


def latest_latencies(connection: Connection, limit: int = 500) -> list[int]:
    """Milliseconds from the last sample of the words to the alert, of the newest alerts."""
    query = select(alerts.c.latency_ms).order_by(alerts.c.wall_time.desc()).limit(limit)
    return list(connection.execute(query).scalars())


def job_progress(connection: Connection, limit: int = 100) -> list[JobProgress]:
    """Backfill jobs, the last touched first."""
    recorded = (
        select(func.coalesce(func.sum(segments.c.end_ms - segments.c.start_ms), 0))
        .where(segments.c.stream == jobs.c.stream)
        .scalar_subquery()
    )
    heard = (
        select(func.coalesce(func.max(epochs.c.transcribed_ms), 0))
        .where(epochs.c.stream == jobs.c.stream)
        .scalar_subquery()
    )
    columns = (jobs.c.stream, jobs.c.path, jobs.c.state, jobs.c.error, jobs.c.updated_at)
    query = select(*columns, recorded, heard).order_by(jobs.c.updated_at.desc()).limit(limit)
    return [
        JobProgress(
            stream=stream,
            path=path.rpartition("/")[2],
            state=state,
            error=error,
            updated=updated,
            recorded=total / 1000,
            transcribed=min(cursor, total) / 1000,
        )
        for stream, path, state, error, updated, total, cursor in connection.execute(query)
    ]
