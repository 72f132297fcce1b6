"""Backfills over HTTP: recordings of the archive folder or of an address, worked through in one queue."""

from pathlib import Path as FilePath
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.auth.access import Operating
from api.context import ApiContext, Backfills, Context
from api.errors import ERRORS, ErrorBody
from api.once import OnceRoute, once
from api.queries import Limit
from api.trail import note, plain_address
from core.egress import addresses_of, parse_target
from core.errors import ConflictError, NotFoundError, Sentence
from core.shapes import Json

router = APIRouter(prefix="/api/v1", tags=["backfills"], responses=ERRORS, route_class=OnceRoute)
BackfillNumber = Annotated[int, Path(ge=1, le=2**53, description="编号 / number")]
Before = Annotated[int | None, Query(ge=0, le=2**53, description="上一页的 next / ``next`` of the page before")]
Folder = Annotated[str, Query(max_length=1000, description="归档里的文件夹 / folder inside the archive")]
_LISTED = 500


class BackfillWanted(BaseModel):
    """What to work through: a path inside the archive folder, or an address."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(default="", max_length=1000, description="归档里的文件或文件夹 / file or folder in the archive")
    url: str = Field(default="", max_length=2048, description="http(s) 地址 / address of one recording")
    shop: str = Field(default="", max_length=200, description="店铺 / shop")
    product: str = Field(default="", max_length=200, description="商品类别 / product class")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if bool(self.path) == bool(self.url):
            raise ValueError("path 与 url 须给且只给一个 / give path or url, one of them")
        return self


@router.get("/backfills", summary="列出批量任务 / List backfills")
def list_backfills(context: Context, _operator: Operating, before: Before = None, limit: Limit = 100) -> dict[str, Any]:
    """The newest first, each with its progress; ``next`` is the ``before`` of the next page, or null."""
    if context.backfills is None:
        return {"backfills": [], "next": None}
    found = context.backfills.all(before, limit + 1)
    page = [_shown(context, job) for job in found[:limit]]
    return {"backfills": page, "next": page[-1]["number"] if len(found) > limit else None}


@router.post(
    "/backfills",
    status_code=202,
    summary="批量处理录像 / Work through recordings",
    responses={429: {"model": ErrorBody, "description": "Enough of them wait; see Retry-After."}},
)
@once
def start(request: Request, context: Context, visitor: Operating, wanted: BackfillWanted) -> dict[str, Any]:
    """Queued; one is worked on at a time. What is done already is skipped; a restart of the service goes on with it."""
    queue = _queue(context)
    source = str(_inside(context, wanted.path)) if wanted.path else _address(context, wanted.url)
    job = _shown(context, queue.start(source, wanted.shop, wanted.product, visitor.name or "local"))
    asked = plain_address(wanted.url) or job["source"]
    note(request, "backfill.asked", {"number": job["number"], "source": asked, "shop": wanted.shop})
    return job


@router.get("/backfills/{number}", summary="一个批量任务 / One backfill")
def get_backfill(context: Context, _operator: Operating, number: BackfillNumber) -> dict[str, Any]:
    """``progress``: files in all, done, skipped and failed; seconds of sound in all and heard; alerts."""
    return _shown(context, _queue(context).one(number))


@router.post("/backfills/{number}/cancel", summary="取消批量任务 / Give a backfill up")
def cancel(request: Request, context: Context, _operator: Operating, number: BackfillNumber) -> dict[str, Any]:
    """What is recorded stays; what runs ends within seconds. Nothing changes for one that has ended."""
    job = _shown(context, _queue(context).cancel(number))
    note(request, "backfill.cancelled", {"number": number})
    return job


@router.get("/archive", summary="归档文件夹里有什么 / What the archive folder holds")
def list_archive(context: Context, _operator: Operating, folder: Folder = "") -> dict[str, Any]:
    """Names in one folder of the archive, folders first, five hundred at most; ``path`` is what a backfill takes."""
    place = _inside(context, folder) if folder else _archive(context)
    if not place.is_dir():
        raise NotFoundError("archive_folder", "归档里没有这个文件夹。", "The archive has no such folder.")
    shown = [entry for entry in place.iterdir() if not entry.name.startswith(".") and _is_text(entry.name)]
    found = sorted((not entry.is_dir(), entry.name) for entry in shown)
    entries = [
        {"name": name, "path": f"{folder}/{name}".lstrip("/"), "folder": not is_file}
        for is_file, name in found[:_LISTED]
    ]
    return {"entries": entries, "more": len(found) > _LISTED}


def _is_text(name: str) -> bool:
    """False for a name in another encoding, which neither JSON nor the database can hold."""
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _queue(context: ApiContext) -> Backfills:
    if context.backfills is None:
        raise ConflictError(
            "backfills_elsewhere", "这个服务不做批量处理。", "This service works through no recordings."
        )
    return context.backfills


def _archive(context: ApiContext) -> FilePath:
    if context.archive is None:
        raise ConflictError(
            "archive_unset",
            "没有设置归档文件夹。",
            "No archive folder is set.",
            hint=Sentence("设置 LIVEWITNESS_ARCHIVE。", "Set LIVEWITNESS_ARCHIVE."),
        )
    return context.archive.resolve()


def _inside(context: ApiContext, path: str) -> FilePath:
    """The file or folder, wherever links lead; outside the archive there is none. Raises `NotFoundError`."""
    root = _archive(context)
    try:
        place = (root / path).resolve()
        known = place.is_relative_to(root) and place.exists()
    except (OSError, ValueError, RuntimeError):
        known = False
    if not known:
        raise NotFoundError("archive_path", "归档里没有这个文件或文件夹。", "The archive has no such file or folder.")
    return place


def _address(context: ApiContext, url: str) -> str:
    target = parse_target(url)
    addresses_of(target.host, target.port, allow_internal=context.allow_internal_targets)
    return url


def _shown(context: ApiContext, job: Json) -> Json:
    """As the queue tells it, with a path as it was given: where the archive lies is nobody's business."""
    root = str(context.archive.resolve()) if context.archive else ""
    inside = bool(root) and FilePath(job["source"]).is_relative_to(root)
    return job | {"source": str(FilePath(job["source"]).relative_to(root))} if inside else job
