"""Case folders: exhibits in an order, with comments, their verification, and who did what."""

import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool

from api.auth.access import Exhibiting
from api.case_access import known_case, stream_for, taking_case
from api.context import ApiContext, Context
from api.errors import ERRORS
from api.exhibits import ExhibitRoom, Stretch, draft
from api.once import OnceRoute, once
from api.queries import After, Limit
from api.trail import actor_of, note, note_view
from core.clock import iso, seconds, utc_now
from core.errors import BadInputError, ConflictError, NotFoundError
from evidence.audit import read_audit
from store import cases
from store.cases import Case, CaseState, Exhibit, ExhibitKind

router = APIRouter(prefix="/api/v1/cases", tags=["cases"], responses=ERRORS, route_class=OnceRoute)
_NUMBER = r"^[^\x00-\x1f/\\]+$"
CaseNumber = Annotated[str, Path(max_length=100, description="案号 / number of the case")]
ExhibitId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="证据编号 / id of the exhibit")]
Title = Annotated[str, Query(max_length=200, description="名称 / title")]
Comment = Annotated[str, Query(max_length=4000, description="说明 / comment")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class NewCase(_Strict):
    """A case that is to be."""

    number: str = Field(min_length=1, max_length=100, pattern=_NUMBER, description="案号 / number")
    title: str = Field(default="", max_length=400, description="案由 / what it is about")
    shop: str = Field(default="", max_length=200, description="店铺 / shop")


class Decision(_Strict):
    """Closing a case, or opening it again."""

    state: CaseState = Field(description="open 在办 / closed 已结")
    outcome: str = Field(default="", max_length=8000, description="处理结果 / outcome")


class NewPackage(_Strict):
    """A stretch to export into the case: seconds in the stream."""

    stream: str = Field(min_length=1, max_length=200, description="直播流名称 / name of the stream")
    start: float = Field(ge=0, le=1e9, description="起点，秒 / start in seconds")
    end: float = Field(ge=0, le=1e9, description="终点，秒 / end in seconds")
    title: str = Field(default="", max_length=200, description="名称 / title")
    comment: str = Field(default="", max_length=4000, description="说明 / comment")
    reason: str = Field(default="", max_length=400, description="导出事由，写入证据包 / reason, kept in the package")


class Words(_Strict):
    """Title and comment of an exhibit, or a note."""

    title: str = Field(min_length=1, max_length=200, description="名称 / title")
    comment: str = Field(default="", max_length=4000, description="说明 / comment")


class Order(_Strict):
    """All exhibits of the case, in the order they are to have."""

    exhibits: list[str] = Field(max_length=1000, description="证据编号 / ids")


@router.get("", summary="列出案卷 / List cases")
def list_cases(context: Context, visitor: Exhibiting, after: After = "", limit: Limit = 100) -> dict[str, Any]:
    """The newest first; ``next`` is the ``after`` of the next page, or null."""
    with context.db.read() as connection:
        found = cases.list_cases(connection, shop=visitor.shop, after=after, limit=limit + 1)
    page = found[:limit]
    return {"cases": [case_json(case) for case in page], "next": page[-1].id if len(found) > limit else None}


@router.post("", status_code=201, summary="新建案卷 / Open a case")
@once
def open_case(request: Request, context: Context, visitor: Exhibiting, wanted: NewCase) -> dict[str, Any]:
    """A case of the visitor's shop, or of any shop for the platform's people."""
    shop = visitor.shop or wanted.shop.strip()
    by = visitor.name or "local"
    case = Case(wanted.number.strip(), wanted.title.strip(), shop, CaseState.OPEN, "", by, utc_now())
    try:
        with context.db.write() as connection:
            cases.add_case(connection, case)
    except IntegrityError as error:
        raise ConflictError("case_exists", f"案卷“{case.id}”已存在。", f"There is a case “{case.id}”.") from error
    note(request, "case.opened", {"case": case.id})
    return case_json(case)


@router.get("/{number}", summary="查看案卷 / One case")
def get_case(request: Request, context: Context, visitor: Exhibiting, number: CaseNumber) -> dict[str, Any]:
    """The case, its exhibits in order, and its history out of the audit chain."""
    case = known_case(context, visitor, number)
    with context.db.read() as connection:
        found = [exhibit_json(exhibit) for exhibit in cases.list_exhibits(connection, number)]
    note_view(request, "case.viewed", {"case": number})
    return case_json(case) | {"exhibits": found, "history": _history(context, number)}


@router.put("/{number}/decision", summary="结案或重开 / Close or reopen a case")
def decide(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, decision: Decision
) -> dict[str, Any]:
    """A closed case takes no more exhibits."""
    known_case(context, visitor, number)
    with context.db.write() as connection:
        cases.decide_case(connection, number, decision.state, decision.outcome.strip())
    note(request, f"case.{decision.state.value}", {"case": number})
    return case_json(known_case(context, visitor, number))


@router.post("/{number}/packages", status_code=201, summary="截取证据包 / Cut a package into the case")
@once
def add_package(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, wanted: NewPackage
) -> dict[str, Any]:
    """Answers when the package is written: seconds for a short stretch."""
    stream_for(context, visitor, taking_case(context, visitor, number), wanted.stream)
    start_ms, end_ms = round(wanted.start * 1000), round(wanted.end * 1000)
    if end_ms - start_ms > context.limits.clip_seconds * 1000:
        raise BadInputError("clip_too_long", "片段太长，请分段导出。", "The stretch is too long; export it in parts.")
    title = wanted.title or f"{wanted.stream} {wanted.start:.1f}–{wanted.end:.1f} s"
    made = draft(number, ExhibitKind.PACKAGE, title, wanted.comment, visitor.name or "local")
    stretch = Stretch(wanted.stream, start_ms, end_ms, wanted.reason)
    # The export notes itself in the audit chain, with the case.
    return exhibit_json(_room(request).package(made, stretch, actor_of(request)))


@router.post(
    "/{number}/files",
    status_code=201,
    summary="收入文件 / Receive a file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {} for kind in ("image/png", "image/jpeg", "application/pdf")},
        }
    },
)
@once
async def receive_file(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, *, title: Title, comment: Comment = ""
) -> dict[str, Any]:
    """A screenshot or document somebody handed in: hashed on receipt, marked as received, never as recorded."""
    await run_in_threadpool(taking_case, context, visitor, number)
    made = draft(number, ExhibitKind.RECEIVED, title, comment, visitor.name or "local")
    data = await request.body()

    def keep() -> Exhibit:
        kept = _room(request).receive(made, data)
        note(request, "case.received", {"case": number, "exhibit": kept.id, "sha256": kept.sha256})
        return kept

    return exhibit_json(await run_in_threadpool(keep))


@router.post("/{number}/notes", status_code=201, summary="加一条说明 / Add a note")
@once
def add_note(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, words: Words
) -> dict[str, Any]:
    """An exhibit of words only."""
    taking_case(context, visitor, number)
    made = draft(number, ExhibitKind.NOTE, words.title, words.comment, visitor.name or "local")
    kept = _room(request).note(made)
    note(request, "case.noted", {"case": number, "exhibit": kept.id})
    return exhibit_json(kept)


@router.put("/{number}/order", summary="排列证据 / Put the exhibits in order")
def put_order(request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, order: Order) -> None:
    """Each exhibit of the case once."""
    taking_case(context, visitor, number)
    with context.db.write() as connection:
        if sorted(order.exhibits) != sorted(e.id for e in cases.list_exhibits(connection, number)):
            raise BadInputError("exhibit_order", "须列出全部证据，各一次。", "Each exhibit must be named once.")
        cases.order_exhibits(connection, number, order.exhibits)
    note(request, "case.ordered", {"case": number})


@router.put("/{number}/exhibits/{exhibit_id}", summary="改名称和说明 / Change title and comment")
def comment_exhibit(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, exhibit_id: ExhibitId, *, words: Words
) -> dict[str, Any]:
    """The file stays what it is."""
    taking_case(context, visitor, number)
    _exhibit(context, number, exhibit_id)
    with context.db.write() as connection:
        cases.comment_exhibit(connection, exhibit_id, words.title.strip(), words.comment.strip())
    note(request, "case.commented", {"case": number, "exhibit": exhibit_id})
    return exhibit_json(_exhibit(context, number, exhibit_id))


@router.delete("/{number}/exhibits/{exhibit_id}", status_code=204, summary="撤下证据 / Withdraw an exhibit")
def withdraw(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, exhibit_id: ExhibitId
) -> None:
    """Out of the case; its file stays in the case's folder, and its hash in the audit chain."""
    taking_case(context, visitor, number)
    found = _exhibit(context, number, exhibit_id)
    with context.db.write() as connection:
        cases.remove_exhibit(connection, exhibit_id)
    note(request, "case.withdrawn", {"case": number, "exhibit": exhibit_id, "sha256": found.sha256})


@router.get("/{number}/exhibits/{exhibit_id}/file", summary="下载证据 / The file of an exhibit")
def exhibit_file(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, exhibit_id: ExhibitId
) -> FileResponse:
    """As it was made or received; always as a download."""
    known_case(context, visitor, number)
    found = _exhibit(context, number, exhibit_id)
    path = _room(request).path_of(found)
    note(request, "case.downloaded", {"case": number, "exhibit": exhibit_id, "sha256": found.sha256})
    return FileResponse(path, media_type="application/octet-stream", filename=f"{found.position}-{path.name}")


@router.post("/{number}/exhibits/{exhibit_id}/verification", summary="核验证据包 / Verify a package")
def verify_exhibit(
    request: Request, context: Context, visitor: Exhibiting, number: CaseNumber, exhibit_id: ExhibitId
) -> dict[str, Any]:
    """Against this installation's own keys; strangers verify the same file with theirs."""
    known_case(context, visitor, number)
    found = _exhibit(context, number, exhibit_id)
    if found.kind not in (ExhibitKind.PACKAGE, ExhibitKind.NEGATIVE):
        raise BadInputError("exhibit_no_package", "这件证据不是证据包。", "This exhibit is no package.")
    verdict = _room(request).verify(found)
    note(request, "case.verified", {"case": number, "exhibit": exhibit_id, "holds": verdict.holds})
    failures = [asdict(failure) for failure in verdict.failures]
    return {"holds": verdict.holds, "unchecked": verdict.unchecked, "failures": failures, "facts": verdict.facts}


def case_json(case: Case) -> dict[str, Any]:
    """A case as people and machines see it."""
    return {
        "number": case.id,
        "title": case.title,
        "shop": case.shop,
        "state": case.state.value,
        "outcome": case.outcome,
        "created_by": case.created_by,
        "created_at": iso(case.created_at),
    }


def exhibit_json(exhibit: Exhibit) -> dict[str, Any]:
    """An exhibit as people and machines see it; times in seconds of the stream."""
    return {
        "id": exhibit.id,
        "position": exhibit.position,
        "kind": exhibit.kind.value,
        "title": exhibit.title,
        "comment": exhibit.comment,
        "stream": exhibit.stream,
        "start": seconds(exhibit.start_ms),
        "end": seconds(exhibit.end_ms),
        "has_file": bool(exhibit.file),
        "sha256": exhibit.sha256,
        "size": exhibit.size,
        "about": dict(exhibit.about or {}),
        "added_by": exhibit.added_by,
        "added_at": iso(exhibit.added_at),
    }


def _room(request: Request) -> ExhibitRoom:
    room: ExhibitRoom = request.app.state.exhibits
    return room


def _exhibit(context: ApiContext, number: str, exhibit_id: str) -> Exhibit:
    with context.db.read() as connection:
        found = cases.get_exhibit(connection, number, exhibit_id)
    if found is None:
        raise NotFoundError("exhibit_unknown", "案卷里没有这件证据。", "The case has no such exhibit.")
    return found


def _history(context: ApiContext, number: str) -> list[dict[str, Any]]:
    entries = (json.loads(line) for line in read_audit(context.data_dir))
    own = [entry for entry in entries if entry.get("detail", {}).get("case") == number]
    return [{"at": e["logged"], "by": e["by"], "action": e["kind"], "detail": e["detail"]} for e in own]
