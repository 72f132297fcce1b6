"""Reviews: what people decided about alerts. A history is only ever added to; dismissing deletes nothing.

What was found (`Alert.status`) and what people made of it (`ReviewState`) are kept apart, so that neither
overwrites the other: a suspicion somebody acknowledged may still be withdrawn, and both can be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, insert, select

from core.clock import iso, parse_iso, utc_now
from core.errors import BadInputError, ConflictError, NotFoundError
from core.records import Alert, Review, ReviewAction, ReviewState
from core.shapes import review_json
from store import outbox
from store.alerts import get_alert
from store.tables import alert_reviews

NAME_LENGTH = 200
NOTE_LENGTH = 4000
_AFTER = {
    ReviewAction.ACKNOWLEDGE: ReviewState.ACKNOWLEDGED,
    ReviewAction.DISMISS: ReviewState.DISMISSED,
    ReviewAction.ESCALATE: ReviewState.ESCALATED,
    ReviewAction.REOPEN: ReviewState.OPEN,
}


@dataclass(frozen=True, slots=True)
class ReviewOrder:
    """What a person wants done with an alert. ``assignee`` empty: whoever has it keeps it.

    ``seen`` is the `Review.number` that the person had before them, 0 for an alert nobody had reviewed.
    """

    alert_id: str
    action: ReviewAction
    reviewer: str
    seen: int
    note: str = ""
    assignee: str = ""


def add_review(connection: Connection, order: ReviewOrder, when: datetime | None = None) -> Review:
    """Carry out a review and tell of it as ``alert.reviewed``; call it in a transaction that may write.

    Raises `NotFoundError` for an unknown alert, `BadInputError` for a dismissal without a reason, an assignment
    to nobody or a text that is too long, and `ConflictError` when somebody else reviewed the alert since.
    """
    _check(order)
    alert = get_alert(connection, order.alert_id)
    if alert is None:
        raise NotFoundError("alert_unknown", f"没有编号为 {order.alert_id} 的警示。", f"No alert {order.alert_id}.")
    before = state_of(connection, order.alert_id)
    if order.seen != (before.number if before else 0):
        raise _stale(order, before)
    review = Review(
        alert_id=order.alert_id,
        number=order.seen + 1,
        action=order.action,
        state=_AFTER.get(order.action, before.state if before else ReviewState.OPEN),
        assignee=order.assignee.strip() or (before.assignee if before else ""),
        reviewer=order.reviewer.strip(),
        note=order.note.strip(),
        at=when or utc_now(),
    )
    row = {name: getattr(review, name) for name in review.__slots__}
    connection.execute(insert(alert_reviews).values(row | {"at": iso(review.at)}))
    _tell(connection, alert, review)
    return review


def _check(order: ReviewOrder) -> None:
    if not order.reviewer.strip():
        raise BadInputError("review_by_nobody", "请写明复核人。", "Say who reviews.")
    if order.action is ReviewAction.DISMISS and not order.note.strip():
        raise BadInputError("review_reason", "驳回须写明理由。", "A dismissal needs a reason.")
    if order.action is ReviewAction.ASSIGN and not order.assignee.strip():
        raise BadInputError("review_to_nobody", "请写明交给谁。", "Say whom it is assigned to.")
    if max(len(order.reviewer), len(order.assignee)) > NAME_LENGTH or len(order.note) > NOTE_LENGTH:
        raise BadInputError(
            "review_too_long",
            f"姓名不超过 {NAME_LENGTH} 字，说明不超过 {NOTE_LENGTH} 字。",
            f"Names have at most {NAME_LENGTH} characters, notes {NOTE_LENGTH}.",
        )


def _stale(order: ReviewOrder, now: Review | None) -> ConflictError:
    if now is None:
        return ConflictError(
            "review_stale", "该警示尚未有人复核，请刷新后再试。", "Nobody has reviewed this alert; load it again."
        )
    return ConflictError(
        "review_stale",
        f"{now.reviewer} 已先行处理（{now.state.value}，第 {now.number} 步），您看到的是第 {order.seen} 步。",
        f"{now.reviewer} was there first ({now.state.value}, step {now.number}); you saw step {order.seen}.",
    )


def _tell(connection: Connection, alert: Alert, review: Review) -> None:
    outbox.append(connection, "alert.reviewed", alert, {"review": review_json(review)})


def _record(row: RowMapping) -> Review:
    fields = {name: row[name] for name in Review.__slots__}
    made = {"action": ReviewAction(row["action"]), "state": ReviewState(row["state"]), "at": parse_iso(row["at"])}
    return Review(**fields | made)


def state_of(connection: Connection, alert_id: str) -> Review | None:
    """The latest review of an alert, which says how it stands; ``None``: open, and nobody has it."""
    return states_of(connection, [alert_id]).get(alert_id)


def states_of(connection: Connection, alert_ids: Sequence[str]) -> dict[str, Review]:
    """The latest reviews of these alerts by alert id; alerts nobody reviewed are missing."""
    mine = alert_reviews.c.alert_id.in_(alert_ids)
    latest = select(func.max(alert_reviews.c.id)).where(mine).group_by(alert_reviews.c.alert_id)
    rows = connection.execute(select(alert_reviews).where(alert_reviews.c.id.in_(latest))).mappings()
    return {row["alert_id"]: _record(row) for row in rows}


def list_reviews(connection: Connection, alert_id: str) -> list[Review]:
    """All reviews of an alert, oldest first."""
    query = select(alert_reviews).where(alert_reviews.c.alert_id == alert_id).order_by(alert_reviews.c.number)
    return [_record(row) for row in connection.execute(query).mappings()]
