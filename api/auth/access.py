"""What a route asks of its visitor. A route that asks for nothing is refused when the application is put together."""

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.auth.credentials import KEY_PREFIX, visitor_of_key, visitor_of_session
from api.context import context_of
from core.access import LOCAL, DeniedError, Permission, Role, SignInError, Visitor
from core.errors import Sentence

COOKIE = "livewitness_session"
CSRF_HEADER = "X-CSRF-Token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def identify(request: Request) -> Visitor | None:
    """Who makes the request, or none. Raises `SignInError` for a key that is not right, `DeniedError` for a forgery."""
    context = context_of(request)
    if not context.accounts:
        return LOCAL
    bearer = request.headers.get("authorization", "")
    if bearer:
        return _machine(request, bearer)
    secret = request.cookies.get(COOKIE, "")
    visitor = visitor_of_session(context.db, secret) if secret else None
    if visitor is not None and request.method not in _SAFE_METHODS:
        _check_csrf(request, visitor)
    return visitor


def _machine(request: Request, bearer: str) -> Visitor:
    scheme, _, secret = bearer.partition(" ")
    known = scheme.lower() == "bearer" and secret.startswith(KEY_PREFIX)
    visitor = visitor_of_key(context_of(request).db, secret) if known else None
    if visitor is None:
        raise SignInError("key_unusable", "密钥不存在、已过期或已撤销。", "The key is unknown, too old, or revoked.")
    return visitor


def _check_csrf(request: Request, visitor: Visitor) -> None:
    if not hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), visitor.csrf.encode()):
        raise DeniedError(
            "csrf_token",
            "操作缺少页面令牌，请刷新页面再试。",
            "The page's token is missing; reload the page and try again.",
        )


@dataclass(frozen=True, slots=True)
class Requires:
    """A dependency: the visitor, who must hold ``permission``; none means that anybody may."""

    permission: Permission | None

    def __call__(self, request: Request) -> Visitor | None:
        """The visitor. Raises `SignInError` where nobody is signed in, `DeniedError` where it is not theirs to do."""
        if self.permission is None:
            return None
        visitor = identify(request)
        if visitor is None:
            raise SignInError(
                "sign_in_needed", "请先登录。", "Sign in first.", hint=Sentence("登录页：/sign-in", "See /sign-in")
            )
        request.state.visitor = visitor
        if not visitor.may(self.permission):
            raise DeniedError(
                "permission_missing",
                f"您的角色没有权限：{self.permission.value}。",
                f"Your role does not hold the permission “{self.permission.value}”.",
            )
        return visitor


Viewing = Annotated[Visitor, Depends(Requires(Permission.VIEW))]
Searching = Annotated[Visitor, Depends(Requires(Permission.SEARCH))]
Reviewing = Annotated[Visitor, Depends(Requires(Permission.REVIEW))]
Exhibiting = Annotated[Visitor, Depends(Requires(Permission.EXHIBIT))]
Auditing = Annotated[Visitor, Depends(Requires(Permission.AUDIT))]
Operating = Annotated[Visitor, Depends(Requires(Permission.OPERATE))]
Administering = Annotated[Visitor, Depends(Requires(Permission.ADMINISTER))]
Anybody = Annotated[None, Depends(Requires(None))]


@dataclass(frozen=True, slots=True)
class RouteRule:
    """One operation and what it asks for."""

    method: str
    path: str
    permission: Permission | None

    def roles(self, granted: dict[Role, frozenset[Permission]]) -> list[Role]:
        """The roles that may, in their order."""
        return [role for role in Role if self.permission is None or self.permission in granted[role]]


def route_rules(routers: Iterable[APIRouter]) -> list[RouteRule]:
    """Every operation with its rule. Raises ``RuntimeError`` for a route without one: everything denies by default."""
    routes = (route for router in routers for route in router.routes)
    return [rule for route in routes if isinstance(route, APIRoute) for rule in _rules(route)]


def _rules(route: APIRoute) -> Iterator[RouteRule]:
    asked = {call.permission for call in _calls(route.dependant) if isinstance(call, Requires)}
    if len(asked) != 1:
        raise RuntimeError(f"{route.path} asks for {sorted(map(str, asked)) or 'nothing'}; one permission is needed")
    permission = asked.pop()
    for method in sorted(route.methods or ()):
        yield RouteRule(method, route.path, permission)


def _calls(dependant: Dependant) -> Iterable[object]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)
