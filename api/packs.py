"""Rule packs: upload with their sentences run, drafts, and which version of each pack is in force."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from api.auth.access import Operating
from api.errors import ERRORS, ErrorBody
from api.once import OnceRoute, once
from api.packroom import PackRoom, rules_sha256
from api.trail import note
from core.errors import BadInputError

router = APIRouter(prefix="/api/v1/packs", tags=["rules"], responses=ERRORS, route_class=OnceRoute)
DraftId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="草稿编号 / id of the draft")]
_BUSY: dict[int | str, dict[str, Any]] = {
    429: {"model": ErrorBody, "description": "Another pack is being worked on; see Retry-After."}
}
_YAML = {"requestBody": {"required": True, "content": {"application/yaml": {"schema": {"type": "string"}}}}}


@router.get("", summary="列出规则包 / List rule packs")
def list_packs(request: Request, _operator: Operating) -> dict[str, Any]:
    """Packs in force in the order they are loaded, one hash over them, and the drafts, the newest first."""
    room = _room(request)
    return _standing(room) | {"drafts": room.drafts()}


@router.post(
    "",
    status_code=201,
    summary="上传规则包 / Upload a rule pack",
    responses={200: {"description": "The same bytes were uploaded before."}, **_BUSY},
    openapi_extra=_YAML,
)
@once
async def upload(request: Request, response: Response, visitor: Operating) -> dict[str, Any]:
    """The body is one YAML file as ``livewitness rules schema`` describes it. Kept as a draft; nothing changes yet.

    An unfit file is refused with its line. ``report`` has the rules' own sentences that came out wrong; with any of
    them the draft cannot be activated.
    """
    data = await request.body()
    if not data.strip():
        raise BadInputError("pack_empty", "没有收到规则包。", "There is no rule pack in the request.")

    def take() -> tuple[dict[str, Any], bool]:
        draft, new = _room(request).take(data, visitor.name or "local")
        if new:
            note(request, "pack.uploaded", {**_named(draft), "failed": len(draft["report"]["failed"])})
        return draft, new

    draft, new = await run_in_threadpool(take)
    response.status_code = 201 if new else 200
    response.headers["Location"] = f"/api/v1/packs/{draft['id']}"
    return draft


@router.get("/{draft}", summary="一个草稿 / One draft")
def get_draft(request: Request, _operator: Operating, draft: DraftId) -> dict[str, Any]:
    """Head, who uploaded it, and how its sentences came out."""
    return _room(request).draft(draft)


@router.get("/{draft}/file", summary="下载规则包 / The file of a draft", response_class=FileResponse)
def get_file(request: Request, _operator: Operating, draft: DraftId) -> FileResponse:
    """As it was uploaded; always as a download."""
    path = _room(request).file(draft)
    return FileResponse(path, media_type="application/yaml", filename=f"pack-{draft}.yaml")


@router.delete("/{draft}", status_code=204, summary="删除草稿 / Remove a draft")
def remove(request: Request, _operator: Operating, draft: DraftId) -> None:
    """Not while it is in force."""
    note(request, "pack.removed", _named(_room(request).remove(draft)))


@router.post("/{draft}/activate", summary="启用 / Put in force", responses=_BUSY)
def activate(request: Request, _operator: Operating, draft: DraftId) -> dict[str, Any]:
    """In place of another version of the same pack. Every process of this data folder judges by it within seconds.

    The log of each stream that is recorded gets a leaf of it. Stored alerts stay as they are.
    """
    room = _room(request)
    before = room.activate(draft)
    standing = _standing(room)
    detail = _named(room.draft(draft)) | {"instead_of": before, "rules_sha256": standing["rules_sha256"]}
    note(request, "pack.activated", detail)
    return standing


@router.post("/{draft}/deactivate", summary="停用 / Take out of force")
def deactivate(request: Request, _operator: Operating, draft: DraftId) -> dict[str, Any]:
    """The draft stays; its rules judge no more within seconds."""
    room = _room(request)
    room.deactivate(draft)
    standing = _standing(room)
    note(request, "pack.deactivated", _named(room.draft(draft)) | {"rules_sha256": standing["rules_sha256"]})
    return standing


def _room(request: Request) -> PackRoom:
    room: PackRoom = request.app.state.packs
    return room


def _standing(room: PackRoom) -> dict[str, Any]:
    packs = room.in_force()
    return {"in_force": [item.as_dict() for item in packs], "rules_sha256": rules_sha256(packs)}


def _named(draft: dict[str, Any]) -> dict[str, Any]:
    return {name: draft[name] for name in ("pack", "version", "sha256")}
