"""Signing in at an OpenID Connect issuer: which ways there are, the way out, and the way back."""

from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from api.auth.access import Anybody
from api.auth.oidc import PENDING_S, OidcClient, refusal
from api.auth.oidc_people import admit, person_of, shut_out
from api.auth.throttle import Throttle
from api.context import ApiContext, Context
from api.errors import ERRORS, ErrorBody
from api.session import address_of, set_session
from api.trail import note_of
from core.access import DeniedError, SignInError
from core.errors import LiveWitnessError, NotFoundError

router = APIRouter(prefix="/api/v1/session", tags=["session"], responses=ERRORS)
COOKIE = "livewitness_oidc"
_BURST = 30
_PATH = "/api/v1/session/oidc"
Text = Annotated[str, Query(max_length=4096)]
Browser = Annotated[str, Cookie(alias=COOKIE, max_length=100)]
_HTML = {"text/html": {"schema": {"type": "string"}}}
_PAGES: dict[int | str, dict[str, Any]] = {
    status: {"content": _HTML} for status in (200, 401, 403, 409, 422, 429, 502, 507)
}
_BUSY: dict[int | str, dict[str, Any]] = {
    429: {"model": ErrorBody, "description": "Too many attempts; see Retry-After."},
    502: {"model": ErrorBody, "description": "The issuer does not answer."},
}


def client_of(context: ApiContext) -> OidcClient | None:
    """The one client of an application, where an issuer is set."""
    return OidcClient(context.oidc, context.fetcher) if context.oidc and context.fetcher else None


def throttle_of() -> Throttle:
    """The one throttle of leaving for the issuer; who comes back has been through it."""
    return Throttle(1.0, _BURST)


@router.get("/ways", summary="有哪些登录方式 / Which ways to sign in there are")
def ways(context: Context, request: Request, _open: Anybody) -> dict[str, Any]:
    """``password``: by name and password; ``oidc``: where to go for it and what to call it, or null."""
    client: OidcClient | None = request.app.state.oidc
    oidc = {"label": client.options.label, "href": _PATH} if client and context.accounts else None
    return {"password": context.accounts, "oidc": oidc}


@router.get("/oidc", status_code=303, summary="去单点登录 / Go and sign in at the issuer", responses=_BUSY)
def begin(request: Request, context: Context, _open: Anybody) -> RedirectResponse:
    """Leads to the issuer; attempts are limited by address."""
    client = _client(request)
    request.app.state.oidc_begun.check(address_of(request))
    begun = client.begin()
    answer = RedirectResponse(begun.url, 303)
    answer.set_cookie(
        COOKIE, begun.browser, max_age=int(PENDING_S), path=_PATH, secure=context.secure, httponly=True, samesite="lax"
    )
    return answer


@router.get(
    "/oidc/callback",
    summary="单点登录回来 / Come back from the issuer",
    response_model=None,
    responses={status: _BUSY.get(status, {}) | page for status, page in _PAGES.items()},
)
def come_back(  # noqa: PLR0917 - the parameters of the standard
    request: Request,
    context: Context,
    _open: Anybody,
    state: Text = "",
    code: Text = "",
    error: Text = "",
    browser: Browser = "",
) -> HTMLResponse:
    """A page that goes on to the console, or says why not. The session's cookie needs a page of our own between."""
    client = _client(request)
    # Whoever comes back has been sent away from here; whoever has not must not fill the audit chain either.
    request.app.state.oidc_begun.check(address_of(request))
    try:
        answer = _admitted(request, context, client, (browser, state, code, error))
    except LiveWitnessError as failure:
        note_of(request, "", "session.refused", {"way": "oidc", "code": failure.code})
        answer = _page(failure.http_status, failure.sentence.zh, failure.sentence.en, "/sign-in")
    answer.delete_cookie(COOKIE, path=_PATH, secure=context.secure, httponly=True, samesite="lax")
    return answer


def _admitted(
    request: Request, context: ApiContext, client: OidcClient, given: tuple[str, str, str, str]
) -> HTMLResponse:
    browser, state, code, error = given
    if error or not code:
        raise refusal("oidc_refused", "签发者没有放行。", "The issuer did not let you through.")
    claims = client.finish(browser, state, code)
    try:
        person = person_of(client.options, claims)
    except (DeniedError, SignInError):
        shut_out(context.db, client.options.issuer, str(claims["sub"]))
        raise
    signed = admit(context.db, person)
    answer = _page(200, "已登录，正在打开…", "Signed in; opening …", "/")
    set_session(answer, context, signed)
    note_of(request, signed.visitor.name, "session.begun", {"way": "oidc"})
    return answer


def _client(request: Request) -> OidcClient:
    client: OidcClient | None = request.app.state.oidc
    if client is None:
        raise NotFoundError("oidc_off", "没有设置单点登录。", "No issuer is set.")
    return client


def _page(status: int, zh: str, en: str, target: str) -> HTMLResponse:
    """The browser sends strict cookies only where the page before was ours: hence a page and not a redirect."""
    onward = f'<meta http-equiv="refresh" content="0;url={target}">' if status == 200 else ""
    text = (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">{onward}<title>播证 LiveWitness</title></head>'
        f'<body><main><p lang="zh-CN">{escape(zh)}</p><p lang="en">{escape(en)}</p>'
        f'<p><a href="{target}">继续 / Go on</a></p></main></body></html>'
    )
    return HTMLResponse(text, status)
