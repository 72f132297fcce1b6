"""Alerts: findings placed in a stream's time."""

from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select, update
from sqlalchemy.dialects.sqlite import insert

from core.clock import iso, parse_iso
from core.records import Alert, AlertStatus, ReviewState
from store.codec import dump_correction, dump_finding, load_correction, load_finding
from store.tables import alert_reviews, alerts, streams

_FIELDS = (
    "id",
    "stream",
    "epoch",
    "start_ms",
    "end_ms",
    "text",
    "latency_ms",
    "product",
    "count",
    "reason",
    "against",
)


def _record(row: RowMapping) -> Alert:
    fields: dict[str, Any] = {name: row[name] for name in _FIELDS}
    return Alert(
        **fields,
        status=AlertStatus(row["status"]),
        wall_time=parse_iso(row["wall_time"]),
        utterance_id=row["utterance_id"] or 0,
        finding=load_finding(row["finding"]),
        correction=load_correction(row["correction"]),
    )


def _row(alert: Alert) -> dict[str, Any]:
    finding = alert.finding
    row: dict[str, Any] = {name: getattr(alert, name) for name in _FIELDS}
    return row | {
        "status": alert.status.value,
        "wall_time": iso(alert.wall_time),
        "utterance_id": alert.utterance_id or None,
        "rule_id": finding.rule_id,
        "category": finding.category.value,
        "severity": finding.severity.value,
        "verdict": finding.verdict.value,
        "score": finding.score,
        "finding": dump_finding(finding),
        "correction": dump_correction(alert.correction),
    }


def add_alert(connection: Connection, alert: Alert) -> bool:
    """Insert an alert; False when its id is already stored."""
    row = _row(alert)
    return connection.execute(insert(alerts).values(row).on_conflict_do_nothing()).rowcount == 1


def update_alert(connection: Connection, alert: Alert) -> bool:
    """Store what became of a known alert (status, text, words, count, correction, reason); False when unknown."""
    row = _row(alert)
    return connection.execute(update(alerts).where(alerts.c.id == alert.id).values(row)).rowcount == 1


def get_alert(connection: Connection, alert_id: str) -> Alert | None:
    """The alert with this id."""
    row = connection.execute(select(alerts).where(alerts.c.id == alert_id)).mappings().one_or_none()
    return _record(row) if row else None


def alerts_of_utterance(connection: Connection, utterance_id: int) -> list[Alert]:
    """All alerts that stand on an utterance, withdrawn ones as well, in order."""
    query = select(alerts).where(alerts.c.utterance_id == utterance_id).order_by(alerts.c.start_ms, alerts.c.id)
    return [_record(row) for row in connection.execute(query).mappings()]


def recent_alerts(connection: Connection, stream: str, since_ms: int) -> list[Alert]:
    """Alerts of a stream whose words ended after ``since_ms`` (stream time) and which were not withdrawn, in order."""
    standing = alerts.c.status != AlertStatus.WITHDRAWN.value
    query = select(alerts).where(alerts.c.stream == stream, alerts.c.end_ms > since_ms, standing)
    return [_record(row) for row in connection.execute(query.order_by(alerts.c.start_ms, alerts.c.id)).mappings()]


def list_alerts(
    connection: Connection,
    *,
    stream: str = "",
    shop: str = "",
    category: str = "",
    after: str = "",
    limit: int = 1000,
    review: str = "",
    assignee: str = "",
    newest_first: bool = False,
) -> list[Alert]:
    """Alerts in order of wall time, or in the reverse of it, from the one after the alert with id ``after``.

    ``review``: only those that stand so (`core.records.ReviewState`); ``assignee``: only those this person has.
    """
    time, key = alerts.c.wall_time, alerts.c.id
    order = (time.desc(), key.desc()) if newest_first else (time, key)
    query = select(alerts).order_by(*order).limit(limit)
    if stream:
        query = query.where(alerts.c.stream == stream)
    if shop:
        query = query.where(alerts.c.stream.in_(select(streams.c.name).where(streams.c.shop == shop)))
    if category:
        query = query.where(alerts.c.category == category)
    if review or assignee:
        query = _reviewed(query, review, assignee)
    if after:
        mark = select(alerts.c.wall_time).where(alerts.c.id == after).scalar_subquery()
        beyond = (time < mark, key < after) if newest_first else (time > mark, key > after)
        query = query.where(beyond[0] | ((time == mark) & beyond[1]))
    return [_record(row) for row in connection.execute(query).mappings()]


def _reviewed(query: Select[Any], review: str, assignee: str) -> Select[Any]:
    """Narrow ``query`` to alerts whose latest review says so; without any review an alert is open and nobody's."""
    latest = select(func.max(alert_reviews.c.id).label("id")).group_by(alert_reviews.c.alert_id).subquery()
    standing = alert_reviews.join(latest, alert_reviews.c.id == latest.c.id)
    query = query.select_from(alerts.outerjoin(standing, alert_reviews.c.alert_id == alerts.c.id))
    if review:
        query = query.where(func.coalesce(alert_reviews.c.state, ReviewState.OPEN.value) == review)
    return query.where(alert_reviews.c.assignee == assignee) if assignee else query
