"""From the claims of an issuer to an account: who gets in, with which role, for which shop."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from api.auth.credentials import SignedIn, begin_session
from api.auth.oidc import OidcOptions, claim, refusal
from core.access import PLATFORM_ROLES, DeniedError, Role, check_grant
from core.clock import utc_now
from core.errors import ConflictError, Sentence
from core.shapes import Json
from store import accounts
from store.accounts import Account
from store.engine import Database

_NAME = re.compile(r"[^\x00-\x1f/\\]{1,100}")
# Of several roles the one further to the front counts.
_ORDER = (Role.ADMIN, Role.OPERATOR, Role.AUDITOR, Role.ADJUDICATOR, Role.MODERATOR, Role.VIEWER)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the issuer vouches for, and what the mapping makes of them."""

    issuer: str
    subject: str
    name: str
    role: Role
    shop: str


def person_of(options: OidcOptions, claims: Json) -> Person:
    """Raises `DeniedError` for people whom the mapping gives no role or no shop, `SignInError` for an unfit name."""
    subject = str(claims["sub"])
    name = str(claim(claims, options.name_claim) or subject).strip()
    if not _NAME.fullmatch(name):
        raise refusal("oidc_name", "签发者给的名字不能作账号名。", "The issuer's name cannot be an account's.")
    held = {options.roles[value] for value in _texts(claim(claims, options.role_claim)) if value in options.roles}
    role = next((role for role in _ORDER if role in held), None)
    if role is None:
        raise _unmapped("没有给您任何角色", "no role")
    shop = _shop(options, role, claims)
    check_grant(role, shop)
    return Person(options.issuer, subject, name, role, shop)


def admit(db: Database, person: Person) -> SignedIn:
    """A session for the person's own account, made at the first time, with the role and shop of today.

    Raises `ConflictError` where the name is another's, `DeniedError` where an administrator disabled the account.
    """
    with db.write() as connection:
        name = accounts.account_of_identity(connection, person.issuer, person.subject)
        account = accounts.get_account(connection, name) if name else _made(connection, person)
        if account is None or not account.active:
            raise DeniedError("account_disabled", "账号已停用。", "The account is disabled.")
        if (account.role, account.shop) != (person.role, person.shop):
            account = _changed(connection, account, person)
    return begin_session(db, account)


def shut_out(db: Database, issuer: str, subject: str) -> None:
    """End the sessions of somebody whom the mapping gives nothing any more."""
    with db.write() as connection:
        name = accounts.account_of_identity(connection, issuer, subject)
        if name:
            accounts.end_sessions(connection, name)


def _made(connection: Connection, person: Person) -> Account:
    if accounts.get_account(connection, person.name) is not None:
        raise ConflictError(
            "account_exists",
            f"账号“{person.name}”已存在，且不是经单点登录建立的。",
            f"There is an account “{person.name}” that did not come from this issuer.",
            hint=Sentence("请管理员处理。", "Ask an administrator."),
        )
    account = Account(person.name, person.role, person.shop, "", True, utc_now())
    accounts.add_account(connection, account)
    accounts.add_identity(connection, person.issuer, person.subject, person.name)
    return account


def _changed(connection: Connection, account: Account, person: Person) -> Account:
    accounts.change_account(connection, account.name, person.role, person.shop, active=True)
    # Sessions of before carry what was allowed before.
    accounts.end_sessions(connection, account.name)
    if account.role is Role.ADMIN and not accounts.active_admins(connection):
        raise ConflictError("last_admin", "至少要留一个可用的管理员。", "One administrator at least must stay in use.")
    changed = accounts.get_account(connection, account.name)
    return changed or account


def _shop(options: OidcOptions, role: Role, claims: Json) -> str:
    if not options.shop_claim:
        return ""
    found = {options.shops[value] for value in _texts(claim(claims, options.shop_claim)) if value in options.shops}
    if not found and role in PLATFORM_ROLES:
        return ""
    if len(found) != 1:
        raise _unmapped("没有给您恰好一家店铺", "not exactly one shop")
    return found.pop()


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _unmapped(zh: str, en: str) -> DeniedError:
    return DeniedError(
        "oidc_unmapped",
        f"您已通过身份验证，但本系统{zh}。",
        f"You are who you say, but are given {en} here.",
        hint=Sentence("请管理员在角色对应表里加上您的群组。", "Ask an administrator to map one of your groups."),
    )


def roles_of(mapping: Mapping[str, str]) -> dict[str, Role]:
    """The mapping of the settings. Raises ``ValueError`` for what is no role."""
    return {value: Role(role) for value, role in mapping.items()}
