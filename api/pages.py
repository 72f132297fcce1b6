"""Pages for people: server-rendered shells that their scripts fill from the API, and a reference of that API."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.auth.access import Administering, Anybody, Auditing, Exhibiting, Operating, Searching, Viewing
from api.context import Context, context_of
from api.errors import error_response
from api.queries import known_stream
from api.reference import render_reference
from core.access import DeniedError, Permission, SignInError, Visitor

router = APIRouter(include_in_schema=False)
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "web" / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_LANGUAGES = ("zh", "both", "en")
_THEMES = ("auto", "light", "dark")
_LONGEST_WAY = 1000
Name = Annotated[str, InPath(max_length=200)]


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A page in the head of all pages, shown to whom may open it."""

    path: str
    zh: str
    en: str
    permission: Permission


MENU = (
    MenuItem("/", "直播墙", "Live", Permission.VIEW),
    MenuItem("/search", "检索", "Search", Permission.SEARCH),
    MenuItem("/cases", "案卷", "Cases", Permission.EXHIBIT),
    MenuItem("/operations", "运维", "Operations", Permission.OPERATE),
    MenuItem("/audit", "审计", "Audit", Permission.AUDIT),
    MenuItem("/accounts", "账号", "Accounts", Permission.ADMINISTER),
)
_PAGE = re.compile(r"/(search|cases(/[^/]+)?|replay/[^/]+|operations|retention|audit|accounts)?")
_SECTIONS = (("/replay/", "/search"), ("/cases/", "/cases"), ("/retention", "/operations"))


@router.get("/")
def live(request: Request, visitor: Viewing) -> Response:
    """The live wall."""
    return _render(request, "live.html", visitor)


@router.get("/search")
def search(request: Request, visitor: Searching) -> Response:
    """Search and replay."""
    return _render(request, "search.html", visitor)


@router.get("/replay/{name}")
def replay(request: Request, context: Context, visitor: Viewing, name: Name) -> Response:
    """One stream, with its transcript and timeline."""
    known_stream(context.db, name, visitor)
    return _render(request, "replay.html", visitor, stream=name)


@router.get("/cases")
def cases(request: Request, visitor: Exhibiting) -> Response:
    """All cases."""
    return _render(request, "cases.html", visitor)


@router.get("/cases/{number}")
def case(request: Request, visitor: Exhibiting, number: Name) -> Response:
    """One case; its script says where there is none."""
    return _render(request, "case.html", visitor, number=number)


@router.get("/operations")
def operations(request: Request, visitor: Operating) -> Response:
    """Checks, watched streams, webhooks."""
    return _render(request, "operations.html", visitor)


@router.get("/retention")
def retention(request: Request, visitor: Operating) -> Response:
    """What is due when, what is held, what was deleted."""
    return _render(request, "retention.html", visitor)


@router.get("/audit")
def audit(request: Request, visitor: Auditing) -> Response:
    """Who did what."""
    return _render(request, "audit.html", visitor)


@router.get("/accounts")
def accounts(request: Request, visitor: Administering) -> Response:
    """People and keys."""
    return _render(request, "accounts.html", visitor)


@router.get("/sign-in")
def sign_in(request: Request, _open: Anybody) -> Response:
    """Name and password, a first password by a one-time link, or the issuer where one is set."""
    if not context_of(request).accounts:
        return RedirectResponse("/", 303)
    client = request.app.state.oidc
    return _render(request, "sign_in.html", None, issuer=client.options.label or "OpenID Connect" if client else "")


@router.get("/docs")
def reference(request: Request, _open: Anybody) -> HTMLResponse:
    """Every operation of ``/openapi.json``, rendered here: no script, no outside address."""
    return HTMLResponse(render_reference(request.app.openapi()))


async def refused(request: Request, error: Exception) -> Response:
    """What somebody sees who may not open a page: the sign-in page, or why not. The API answers as ever."""
    assert isinstance(error, SignInError | DeniedError)  # noqa: S101 - registered for these
    if not _PAGE.fullmatch(request.url.path):
        return error_response(error)
    if isinstance(error, SignInError):
        return RedirectResponse(f"/sign-in{_way_back(request)}", 303)
    return _render(request, "refused.html", request.state.visitor, status=403)


def _way_back(request: Request) -> str:
    """The query that leads from the sign-in page back to where somebody wanted to go; not for the wall itself."""
    place = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "" if place == "/" or len(place) > _LONGEST_WAY else "?" + urlencode({"next": place})


def _render(
    request: Request, template: str, visitor: Visitor | None, *, status: int = 200, **more: str
) -> HTMLResponse:
    path = request.url.path
    text = _TEMPLATES.get_template(template).render(
        visitor=visitor,
        may=" ".join(sorted(visitor.permissions)) if visitor else "",
        menu=[item for item in MENU if visitor is not None and visitor.may(item.permission)],
        path=path,
        section=next((section for beginning, section in _SECTIONS if path.startswith(beginning)), path),
        speak=_speak(request),
        theme=_chosen(request, "livewitness_theme", _THEMES) or _THEMES[0],
        data_dir=str(context_of(request).data_dir),
        **more,
    )
    return HTMLResponse(text, status)


def _speak(request: Request) -> str:
    """What was chosen; else Chinese, with English beside it for whoever does not read Chinese."""
    reads_chinese = request.headers.get("accept-language", "").lower().startswith("zh")
    return _chosen(request, "livewitness_speak", _LANGUAGES) or ("zh" if reads_chinese else "both")


def _chosen(request: Request, name: str, values: tuple[str, ...]) -> str:
    value = request.cookies.get(name, "")
    return value if value in values else ""
