"""The bundled broadcast, played as a real stream into an empty console: begin it, see how it fares."""

from typing import Any

from fastapi import APIRouter, Request

from api.auth.access import Operating, Viewing
from api.context import Context
from api.errors import ERRORS
from api.trail import note
from core.errors import ConflictError

router = APIRouter(prefix="/api/v1/demonstration", tags=["demonstration"], responses=ERRORS)


@router.get("", summary="演示直播的状态 / How the demonstration fares")
def get_demonstration(context: Context, _viewer: Viewing) -> dict[str, Any]:
    """``state``: ``unavailable`` (this service watches nothing itself), ``idle``, ``playing`` or ``ended``."""
    if context.demonstration is None:
        return {"state": "unavailable", "stream": "", "seconds": 0}
    return context.demonstration.state()


@router.post("", status_code=201, summary="播放演示直播 / Play the demonstration")
def play(request: Request, context: Context, _operator: Operating) -> dict[str, Any]:
    """Serve the bundled broadcast on loopback and watch it as any other stream. 409 while one plays."""
    if context.demonstration is None:
        raise ConflictError("watches_elsewhere", "这个服务不负责监看直播。", "This service watches no streams itself.")
    begun = context.demonstration.play()
    note(request, "demonstration.begun", {"stream": begun["stream"]})
    return begun
