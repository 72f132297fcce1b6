"""Measures towards the platform: warn the host, limit traffic, suspend, end; sent as signed webhooks, then answered."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth.access import Reviewing, Viewing
from api.context import ApiContext, Context
from api.errors import ERRORS
from api.once import OnceRoute, once
from api.queries import known_stream
from api.standing import check_own
from api.trail import note
from core.clock import utc_now
from core.errors import NotFoundError
from store import alerts, measures
from store.measures import Measure, MeasureAnswer, MeasureKind, measure_json

router = APIRouter(prefix="/api/v1/streams/{name}/measures", tags=["alerts"], responses=ERRORS, route_class=OnceRoute)
StreamName = Annotated[str, Path(max_length=200, description="直播流名称 / name of the stream")]
MeasureId = Annotated[int, Path(ge=1, le=2**53, description="措施编号 / number of the measure")]


class MeasureWanted(BaseModel):
    """What is asked of the platform, and why."""

    model_config = ConfigDict(extra="forbid")

    kind: MeasureKind = Field(description="warn 提醒主播、limit 限流、suspend 暂停直播、end 终止直播")
    reason: str = Field(min_length=1, max_length=4000, pattern=r"\S", description="事由 / why")
    alert_id: str = Field(default="", max_length=200, description="依据的告警 / the alert it rests on")


class Answer(BaseModel):
    """What the platform did, and the remedy."""

    model_config = ConfigDict(extra="forbid")

    answer: str = Field(min_length=1, max_length=4000, pattern=r"\S", description="平台的答复 / what was done")
    remedy: str = Field(default="", max_length=4000, description="申诉途径或补救 / remedy")


@router.get("", summary="对直播间采取的措施 / Measures against a room")
def list_measures(context: Context, visitor: Viewing, name: StreamName) -> dict[str, Any]:
    """Oldest first, with the platform's answers."""
    known_stream(context.db, name, visitor)
    with context.db.read() as connection:
        return {"measures": [measure_json(measure) for measure in measures.list_measures(connection, name)]}


@router.post("", status_code=201, summary="请求平台采取措施 / Ask the platform for a measure")
@once
def ask(
    request: Request, context: Context, visitor: Reviewing, name: StreamName, wanted: MeasureWanted
) -> dict[str, Any]:
    """Stored and told as ``measure.asked`` in one transaction; webhooks carry it, signed, at least once."""
    known_stream(context.db, name, visitor)
    _check_alert(context, name, wanted.alert_id)
    measure = Measure(name, wanted.kind, wanted.reason.strip(), visitor.name or "local", utc_now(), wanted.alert_id)
    with context.db.write() as connection:
        stored = measures.ask(connection, measure)
    note(request, "measure.asked", {"stream": name, "measure": stored.id, "kind": stored.kind.value})
    return measure_json(stored)


@router.post("/{number}/answer", summary="记录平台答复 / Record the platform's answer")
def answer(
    request: Request, context: Context, visitor: Reviewing, name: StreamName, number: MeasureId, *, said: Answer
) -> dict[str, Any]:
    """Once for each measure; told as ``measure.answered``. What the platform asked for, its own people record."""
    known_stream(context.db, name, visitor)
    with context.db.read() as connection:
        asked = measures.get_measure(connection, name, number)
    check_own(context, visitor, asked.asked_by)
    with context.db.write() as connection:
        given = MeasureAnswer(said.answer.strip(), said.remedy.strip(), visitor.name or "local", utc_now())
        stored = measures.answer(connection, name, number, given)
    note(request, "measure.answered", {"stream": name, "measure": number})
    return measure_json(stored)


def _check_alert(context: ApiContext, stream: str, alert_id: str) -> None:
    """A measure rests on an alert of that very room. Raises `NotFoundError`."""
    if not alert_id:
        return
    with context.db.read() as connection:
        alert = alerts.get_alert(connection, alert_id)
    if alert is None or alert.stream != stream:
        raise NotFoundError("alert_unknown", f"该直播没有告警 {alert_id}。", f"The stream has no alert {alert_id}.")
