"""Signing in and out: a cookie for the browser, a token in each answer that pages must send back."""

from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth.access import COOKIE, Anybody, Viewing
from api.auth.credentials import SESSION_HOURS, SignedIn, accept_link, sign_in, sign_out
from api.auth.sign_ins import SignIns
from api.auth.throttle import origin
from api.context import ApiContext, Context
from api.errors import ERRORS, ErrorBody
from api.trail import note_of
from core.access import Permission, Role, SignInError, Visitor

router = APIRouter(prefix="/api/v1/session", tags=["session"], responses=ERRORS)
_BUSY: dict[int | str, dict[str, Any]] = {
    429: {"model": ErrorBody, "description": "Too many attempts; see Retry-After."}
}
KNOWN_COOKIE = "livewitness_known"
_KNOWN_DAYS = 90
Browser = Annotated[str, Cookie(alias=KNOWN_COOKIE, max_length=200)]
Secret = Annotated[str, Field(min_length=1, max_length=256)]


class NameAndPassword(BaseModel):
    """Who signs in."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, description="账号 / name of the account")
    password: Secret = Field(description="口令 / password")


class LinkAndPassword(BaseModel):
    """The secret of a one-time link, and the password that is to be."""

    model_config = ConfigDict(extra="forbid")

    link: str = Field(min_length=1, max_length=200, description="一次性链接 # 之后的部分 / what follows # in the link")
    password: Secret = Field(description="新口令，至少 12 个字符 / new password, 12 characters at least")


class Me(BaseModel):
    """The visitor, as the console needs to know."""

    name: str
    role: Role
    shop: str
    permissions: list[Permission]
    csrf: str = Field(description="Send it as X-CSRF-Token with whatever changes something.")


def sign_ins_of(context: ApiContext) -> SignIns:
    """The one throttle of attempts to sign in."""
    return SignIns(context.limits.sign_ins_per_s, context.limits.sign_ins_burst)


@router.get("", summary="我是谁 / Who am I")
def me(visitor: Viewing) -> Me:
    """Name, role, permissions, and the token that changes need."""
    return _me(visitor)


@router.post("", summary="登录 / Sign in", responses=_BUSY)
def create(
    request: Request,
    response: Response,
    context: Context,
    given: NameAndPassword,
    _open: Anybody,
    browser: Browser = "",
) -> Me:
    """Sets the session's cookie. Failed attempts are limited by address, by account, and by browser."""
    sign_ins: SignIns = request.app.state.sign_ins
    attempt = sign_ins.admit(given.name, address_of(request), browser)
    try:
        with sign_ins.places.taken():
            signed = sign_in(context.db, given.name, given.password)
    except SignInError:
        note_of(request, given.name, "session.refused", {})
        raise
    sign_ins.succeeded(attempt)
    return _begin(request, response, context, signed)


@router.post("/link", summary="使用一次性链接 / Use a one-time link", responses=_BUSY)
def use_link(request: Request, response: Response, context: Context, given: LinkAndPassword, _open: Anybody) -> Me:
    """Sets the password of the link's account and signs in; the link is used up."""
    sign_ins: SignIns = request.app.state.sign_ins
    attempt = sign_ins.check_address(address_of(request))
    with sign_ins.places.taken():
        signed = accept_link(context.db, given.link, given.password)
    sign_ins.succeeded(attempt)
    return _begin(request, response, context, signed)


@router.delete("", status_code=204, summary="退出 / Sign out")
def end(request: Request, response: Response, context: Context, visitor: Viewing) -> None:
    """Ends the session of this browser."""
    secret = request.cookies.get(COOKIE, "")
    if secret:
        sign_out(context.db, secret)
        note_of(request, visitor.name, "session.ended", {})
    response.delete_cookie(COOKIE, path="/", secure=context.secure, httponly=True, samesite="strict")


def set_session(response: Response, context: ApiContext, signed: SignedIn) -> None:
    """Give the browser its session; scripts cannot read it, other sites cannot make it be sent."""
    response.set_cookie(
        COOKIE,
        signed.secret,
        max_age=SESSION_HOURS * 3600,
        path="/",
        secure=context.secure,
        httponly=True,
        samesite="strict",
    )


def _begin(request: Request, response: Response, context: ApiContext, signed: SignedIn) -> Me:
    set_session(response, context, signed)
    sign_ins: SignIns = request.app.state.sign_ins
    response.set_cookie(
        KNOWN_COOKIE,
        sign_ins.browser_of(signed.visitor.name),
        max_age=_KNOWN_DAYS * 86_400,
        path=router.prefix,
        secure=context.secure,
        httponly=True,
        samesite="strict",
    )
    note_of(request, signed.visitor.name, "session.begun", {})
    return _me(signed.visitor)


def _me(visitor: Visitor) -> Me:
    return Me(
        name=visitor.name,
        role=visitor.role,
        shop=visitor.shop,
        permissions=sorted(visitor.permissions),
        csrf=visitor.csrf,
    )


def address_of(request: Request) -> str:
    """Where the request comes from, for what is limited by address."""
    return origin(request.client.host) if request.client else ""
