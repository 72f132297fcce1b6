"""Who may do what: permissions, roles, and the visitor that a request turns out to be. Everything else is denied."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from core.errors import LiveWitnessError, Sentence


class Permission(StrEnum):
    """What a route asks for; one for each kind of work."""

    VIEW = "view"
    SEARCH = "search"
    REVIEW = "review"
    EXHIBIT = "exhibit"
    AUDIT = "audit"
    OPERATE = "operate"
    ADMINISTER = "administer"


class Role(StrEnum):
    """What people are here for."""

    VIEWER = "viewer"
    MODERATOR = "moderator"
    ADJUDICATOR = "adjudicator"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    ADMIN = "admin"


_SEES = frozenset({Permission.VIEW})
_SEEKS = _SEES | {Permission.SEARCH}
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _SEES,
    Role.MODERATOR: _SEEKS | {Permission.REVIEW},
    Role.ADJUDICATOR: _SEEKS | {Permission.REVIEW, Permission.EXHIBIT},
    Role.AUDITOR: _SEEKS | {Permission.AUDIT},
    Role.OPERATOR: _SEEKS | {Permission.OPERATE},
    Role.ADMIN: frozenset(Permission),
}
PLATFORM_ROLES = frozenset({Role.AUDITOR, Role.OPERATOR, Role.ADMIN})
"""Roles whose work concerns the whole installation; a shop's account can have none of them."""


class DeniedError(LiveWitnessError):
    """The visitor is known and may not do this."""

    http_status: ClassVar[int] = 403


class SignInError(LiveWitnessError):
    """Nobody is signed in, or the name, password, link or key is not right."""

    http_status: ClassVar[int] = 401


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who makes a request. ``shop`` is empty for the platform, else the one shop whose streams exist for the visitor.

    ``by`` says how the visitor is known: ``session``, ``key``, or ``local`` where no accounts are configured.
    """

    name: str
    role: Role
    shop: str
    permissions: frozenset[Permission]
    by: str
    csrf: str = ""

    def may(self, permission: Permission) -> bool:
        """Whether the visitor holds ``permission``."""
        return permission in self.permissions

    def sees(self, shop: str) -> bool:
        """Whether what belongs to ``shop`` exists for the visitor."""
        return self.shop in ("", shop)


LOCAL = Visitor("", Role.ADMIN, "", frozenset(Permission), "local")
"""The user of this machine, where the service listens on loopback and has no accounts."""


def check_grant(role: Role, shop: str, scopes: Iterable[Permission] | None = None) -> frozenset[Permission]:
    """Permissions of a role, narrowed to ``scopes`` where given. Raises `DeniedError` for what must not be granted."""
    if shop and role in PLATFORM_ROLES:
        raise DeniedError(
            "role_of_platform",
            f"店铺账号不能有角色 {role.value}。",
            f"An account of a shop cannot have the role {role.value}.",
        )
    held = PERMISSIONS[role]
    wanted = held if scopes is None else frozenset(scopes)
    if not wanted <= held:
        missing = "、".join(sorted(wanted - held))
        raise DeniedError(
            "scope_beyond_role",
            f"角色 {role.value} 没有权限 {missing}。",
            f"The role {role.value} does not hold {missing}.",
            hint=Sentence("权限范围只能比角色更窄。", "Scopes can only narrow a role."),
        )
    return wanted
