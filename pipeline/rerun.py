"""Carries what new rules change over to stored alerts, when a person says so: raised, withdrawn, or judged anew."""

from dataclasses import replace

from sqlalchemy import Connection

from claims.compare import Change
from core.records import Alert, AlertStatus, Finding, Utterance
from pipeline.scribe import alert_of
from store import alerts, outbox

RULES_CHANGED = "rules_changed"
"""Reason of an alert that new rules withdrew or judge otherwise."""


def apply_change(connection: Connection, utterance: Utterance, change: Change, product: str) -> bool:
    """Store what ``change`` makes of the alerts of ``utterance`` and tell of it; whether anything was changed.

    Call it in a transaction that may write. A second run changes nothing. What lies across two utterances
    (offsets before the text) is left to a person.
    """
    known = _alert_on(connection, utterance, change.before)
    if change.after is None:
        withdrawn = replace(known, status=AlertStatus.WITHDRAWN, reason=RULES_CHANGED) if known else None
        return withdrawn is not None and _put(connection, withdrawn)
    if change.after.start < 0:
        return False
    made = alert_of(utterance, change.after, product, None)
    if known is None:
        if not alerts.add_alert(connection, made):
            return False
        outbox.append(connection, "alert", made)
        return True
    judged = replace(known, finding=change.after, start_ms=made.start_ms, end_ms=made.end_ms, reason=RULES_CHANGED)
    return judged.finding != known.finding and _put(connection, judged)


def _alert_on(connection: Connection, utterance: Utterance, finding: Finding | None) -> Alert | None:
    """The standing alert that was raised on these words by that rule."""
    if finding is None:
        return None
    for alert in alerts.alerts_of_utterance(connection, utterance.id):
        own = alert.finding
        same = own.rule_id == finding.rule_id and own.start < finding.end and finding.start < own.end
        if same and alert.status is not AlertStatus.WITHDRAWN:
            return alert
    return None


def _put(connection: Connection, alert: Alert) -> bool:
    alerts.update_alert(connection, alert)
    outbox.append(connection, "alert", alert)
    return True
