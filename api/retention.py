"""How long things are kept: holds of a case, and what is due. Deletion itself is for the command line."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth.access import Exhibiting, Operating
from api.context import Context
from api.errors import ERRORS
from api.once import OnceRoute, once
from api.queries import known_stream
from api.standing import check_own
from api.trail import actor_of
from core.clock import utc_now
from core.errors import NotFoundError
from evidence.holds import HoldOrder, hold_json, lift_holds, place_hold, standing_holds
from evidence.retention_plan import decision_json, make_plan
from store import streams

router = APIRouter(prefix="/api/v1", tags=["retention"], responses=ERRORS, route_class=OnceRoute)
HoldId = Annotated[str, Path(max_length=100, description="保全编号 / id of the hold")]


class HoldWanted(BaseModel):
    """What is kept for a case: a stream, or a range of it in seconds."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    case: str = Field(min_length=1, max_length=100, description="案号 / case")
    stream: str = Field(min_length=1, max_length=200, description="直播流名称 / stream")
    reason: str = Field(min_length=1, max_length=400, description="事由 / why")
    start: float | None = Field(default=None, ge=0, le=1e9, description="起点，秒；空为开头 / start in seconds")
    end: float | None = Field(default=None, ge=0, le=1e9, description="终点，秒；空为结尾 / end in seconds")


class Lifting(BaseModel):
    """Why a hold is lifted."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=400, description="事由 / why")


@router.get("/holds", summary="生效的证据保全 / Holds that stand")
def list_holds(context: Context, visitor: Exhibiting) -> dict[str, Any]:
    """What may not be deleted, and for which case."""
    with context.db.read() as connection:
        own = {s.name for s in streams.list_streams(connection, shop=visitor.shop, limit=1_000_000)}
    return {"holds": [hold_json(h) for h in standing_holds(context.db, context.data_dir) if h.stream in own]}


@router.post("/holds", status_code=201, summary="保全 / Place a hold")
@once
def place(request: Request, context: Context, visitor: Exhibiting, wanted: HoldWanted) -> dict[str, Any]:
    """Nothing of it is deleted from now on; ``deleted_before`` tells what was gone already."""
    known_stream(context.db, wanted.stream, visitor)
    start = None if wanted.start is None else round(wanted.start * 1000)
    end = None if wanted.end is None else round(wanted.end * 1000)
    order = HoldOrder(wanted.case, wanted.stream, wanted.reason, start, end)
    hold, before = place_hold(context.db, context.data_dir, order, actor_of(request))
    return hold_json(hold) | {"deleted_before": len(before)}


@router.post("/holds/{hold_id}/lift", summary="解除保全 / Lift a hold")
def lift(request: Request, context: Context, visitor: Exhibiting, hold_id: HoldId, said: Lifting) -> dict[str, Any]:
    """One hold, by its id. What the platform's people hold, a shop's people do not lift."""
    standing = {hold.id: hold for hold in standing_holds(context.db, context.data_dir)}
    if hold_id not in standing:
        raise NotFoundError("hold_unknown", f"没有生效的保全 {hold_id}。", f"No hold {hold_id} stands.")
    known_stream(context.db, standing[hold_id].stream, visitor)
    check_own(context, visitor, standing[hold_id].placed_by)
    lifted = lift_holds(context.db, context.data_dir, hold_id, said.reason, actor_of(request))
    return {"lifted": [hold_json(hold) for hold in lifted]}


@router.get("/retention", summary="保存期限 / What is kept how long, and what is due")
def plan(context: Context, _operator: Operating) -> dict[str, Any]:
    """The dry run: the very plan that ``livewitness retention run`` would carry out."""
    made = make_plan(context.db, context.data_dir, utc_now(), context.retention)
    return {
        "plan": made.hash,
        "streams": [decision_json(decision) for decision in made.standing],
        "due": [entry.stream for entry in made.streams],
    }
