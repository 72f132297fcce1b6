"""Alerts: findings placed in time, newest first for people, and what people make of them. Leads, never rulings."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from api.auth.access import Reviewing, Viewing
from api.context import Context
from api.errors import ERRORS
from api.queries import After, Limit, Name
from api.trail import note, note_view
from core.access import Visitor
from core.errors import NotFoundError
from core.records import Alert, Category, ReviewAction, ReviewState
from core.shapes import alert_json, review_json
from store import alerts, reviews, streams
from store.reviews import NAME_LENGTH, NOTE_LENGTH, ReviewOrder

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"], responses=ERRORS)
AlertId = Annotated[str, Path(max_length=200, description="告警编号 / id of the alert")]
Assignee = Annotated[str, Query(max_length=NAME_LENGTH, description="处理人 / who has it")]
Order = Annotated[Literal["oldest", "newest"], Query(description="先旧后新，或先新后旧 / which come first")]


class ReviewWanted(BaseModel):
    """What is to be done with an alert, and which step the person had before them."""

    model_config = ConfigDict(extra="forbid")

    action: ReviewAction = Field(description="acknowledge 受理、dismiss 驳回、escalate 上报、assign 转交、reopen 重开")
    seen: int = Field(ge=0, le=1_000_000, description="所见的最后一步，0 为尚无 / last step seen; 0: none yet")
    note: str = Field(default="", max_length=NOTE_LENGTH, description="说明；驳回必填 / reason; a dismissal needs one")
    assignee: str = Field(default="", max_length=NAME_LENGTH, description="转交给谁 / who has it from now on")


@router.get("", summary="列出告警 / List alerts")
def list_alerts(
    request: Request,
    context: Context,
    visitor: Viewing,
    *,
    stream: Name = "",
    category: Category | None = None,
    review: ReviewState | None = None,
    assignee: Assignee = "",
    order: Order = "oldest",
    after: After = "",
    limit: Limit = 100,
) -> dict[str, Any]:
    """Alerts by wall time, each with its last review or null; ``next`` is the ``after`` of the next page, or null."""
    note_view(request, "alerts.viewed", {"stream": stream})
    with context.db.read() as connection:
        found = alerts.list_alerts(
            connection,
            stream=stream,
            shop=visitor.shop,
            category=category.value if category else "",
            review=review.value if review else "",
            assignee=assignee,
            newest_first=order == "newest",
            after=after,
            limit=limit + 1,
        )
        page = found[:limit]
        standing = reviews.states_of(connection, [alert.id for alert in page])
    following = page[-1].id if len(found) > limit else None
    last = {key: review_json(value) for key, value in standing.items()}
    return {"alerts": [alert_json(a) | {"review": last.get(a.id)} for a in page], "next": following}


@router.get("/{alert_id}", summary="一条告警及其处理经过 / One alert and its reviews")
def get_alert(request: Request, context: Context, visitor: Viewing, alert_id: AlertId) -> dict[str, Any]:
    """The alert with every step that people took, oldest first. Viewing is noted in the audit chain."""
    with context.db.read() as connection:
        alert = _known(connection, alert_id, visitor)
        steps = [review_json(review) for review in reviews.list_reviews(connection, alert_id)]
    note(request, "alert.viewed", {"alert": alert_id, "stream": alert.stream})
    return alert_json(alert) | {"review": steps[-1] if steps else None, "reviews": steps}


@router.post("/{alert_id}/reviews", status_code=201, summary="处理告警 / Review an alert")
def review_alert(
    request: Request, context: Context, visitor: Reviewing, alert_id: AlertId, wanted: ReviewWanted
) -> dict[str, Any]:
    """Acknowledge, dismiss with a reason, escalate, assign or reopen; 409 when somebody else was there first."""
    by = visitor.name or "local"
    order = ReviewOrder(alert_id, wanted.action, by, wanted.seen, wanted.note, wanted.assignee)
    with context.db.write() as connection:
        _known(connection, alert_id, visitor)
        done = reviews.add_review(connection, order)
    note(request, "alert.reviewed", {"alert": alert_id, "action": done.action.value, "step": done.number})
    return review_json(done)


def _known(connection: Connection, alert_id: str, visitor: Visitor) -> Alert:
    alert = alerts.get_alert(connection, alert_id)
    stream = streams.get_stream(connection, alert.stream) if alert else None
    if alert is None or not visitor.sees(stream.shop if stream else ""):
        raise NotFoundError("alert_unknown", f"没有编号为 {alert_id} 的告警。", f"There is no alert {alert_id}.")
    return alert
