"""How often each rule raised an alert, and how often people dismissed it: the rate tells which rules need work."""

from typing import TypedDict

from sqlalchemy import Connection, func, select

from core.records import AlertStatus, ReviewState
from store.tables import alert_reviews, alerts, streams


class RuleCount(TypedDict):
    """Alerts that were not withdrawn, and those of them that stand dismissed."""

    alerts: int
    dismissed: int


def rule_counts(connection: Connection, *, shop: str = "") -> dict[str, RuleCount]:
    """Counts by rule id, over everything or over one shop's streams."""
    latest = select(func.max(alert_reviews.c.id)).group_by(alert_reviews.c.alert_id)
    dismissed = (
        select(alert_reviews.c.alert_id)
        .where(alert_reviews.c.id.in_(latest))
        .where(alert_reviews.c.state == ReviewState.DISMISSED.value)
    )
    query = (
        select(alerts.c.rule_id, func.count(), func.count().filter(alerts.c.id.in_(dismissed)))
        .where(alerts.c.status != AlertStatus.WITHDRAWN.value)
        .group_by(alerts.c.rule_id)
    )
    if shop:
        query = query.where(alerts.c.stream.in_(select(streams.c.name).where(streams.c.shop == shop)))
    return {rule: {"alerts": count, "dismissed": gone} for rule, count, gone in connection.execute(query)}
