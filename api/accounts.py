"""Accounts of people and keys for machines, for administrators."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth import credentials
from api.auth.access import Administering
from api.context import Context
from api.errors import ERRORS
from api.trail import note
from core.access import Permission, Role
from core.clock import iso, utc_now
from core.errors import NotFoundError
from store import accounts as stored
from store import api_keys
from store.accounts import Account
from store.api_keys import ApiKey

router = APIRouter(prefix="/api/v1", tags=["accounts"], responses=ERRORS)
_NAME = r"^[^\x00-\x1f/\\]+$"
AccountName = Annotated[str, Path(max_length=100, description="账号 / name of the account")]
KeyName = Annotated[str, Path(max_length=100, description="密钥名 / name of the key")]


class Wanted(BaseModel):
    """Role and shop."""

    model_config = ConfigDict(extra="forbid")

    role: Role = Field(description="角色 / role")
    shop: str = Field(default="", max_length=200, description="只看这家店；空为全平台 / one shop; empty: all")


class NewAccount(Wanted):
    """An account that is to be."""

    name: str = Field(min_length=1, max_length=100, pattern=_NAME, description="账号 / name")


class ChangedAccount(Wanted):
    """What an account is from now on."""

    active: bool = Field(default=True, description="停用后立即退出 / false: signed out at once")


class NewKey(Wanted):
    """A key that is to be."""

    name: str = Field(min_length=1, max_length=100, pattern=_NAME, description="密钥名 / name")
    scopes: list[Permission] | None = Field(default=None, description="比角色更窄的权限 / narrower than the role")
    days: int = Field(default=90, ge=1, le=366, description="有效天数 / days until it ends")


@router.get("/accounts", summary="列出账号 / List accounts")
def list_accounts(context: Context, _admin: Administering) -> dict[str, Any]:
    """All accounts with role, shop and state."""
    with context.db.read() as connection:
        return {"accounts": [_account(account) for account in stored.list_accounts(connection)]}


@router.post("/accounts", status_code=201, summary="新建账号 / Create an account")
def create_account(request: Request, context: Context, wanted: NewAccount, _admin: Administering) -> dict[str, str]:
    """The account's one-time link, shown this once: its person sets the password there."""
    link = credentials.invite(context.db, wanted.name, wanted.role, wanted.shop)
    note(request, "account.created", {"account": wanted.name, "role": wanted.role.value, "shop": wanted.shop})
    return _link(wanted.name, link)


@router.put("/accounts/{name}", summary="改角色或停用 / Change or disable an account")
def change_account(
    request: Request, context: Context, name: AccountName, wanted: ChangedAccount, _admin: Administering
) -> dict[str, Any]:
    """Role, shop and state from now on; the last administrator cannot be taken away."""
    credentials.change(context.db, name, wanted.role, wanted.shop, active=wanted.active)
    note(request, "account.changed", {"account": name, **wanted.model_dump(mode="json")})
    with context.db.read() as connection:
        account = stored.get_account(connection, name)
    if account is None:
        raise credentials.unknown_account(name)
    return _account(account)


@router.post("/accounts/{name}/link", status_code=201, summary="重发一次性链接 / Another one-time link")
def renew_link(request: Request, context: Context, name: AccountName, _admin: Administering) -> dict[str, str]:
    """A link to set another password; the one before is closed."""
    link = credentials.renew_link(context.db, name)
    note(request, "account.link", {"account": name})
    return _link(name, link)


@router.get("/keys", summary="列出密钥 / List keys for machines")
def list_keys(context: Context, _admin: Administering) -> dict[str, Any]:
    """All keys, past ones as well; never the secrets."""
    with context.db.read() as connection:
        return {"keys": [_key(key) for key in api_keys.list_api_keys(connection)]}


@router.post("/keys", status_code=201, summary="新建密钥 / Create a key for a machine")
def create_key(request: Request, context: Context, wanted: NewKey, admin: Administering) -> dict[str, str]:
    """The secret is shown this once; send it as ``Authorization: Bearer``."""
    scopes = None if wanted.scopes is None else frozenset(wanted.scopes)
    secret = credentials.new_key(
        context.db, admin, wanted.name, role=wanted.role, shop=wanted.shop, scopes=scopes, days=wanted.days
    )
    note(request, "key.created", {"key": wanted.name, "role": wanted.role.value, "shop": wanted.shop})
    return {"name": wanted.name, "secret": secret}


@router.delete("/keys/{name}", status_code=204, summary="撤销密钥 / Revoke a key")
def revoke_key(request: Request, context: Context, name: KeyName, _admin: Administering) -> None:
    """The key is refused from now on."""
    with context.db.write() as connection:
        if not api_keys.revoke_api_key(connection, name, utc_now()):
            raise NotFoundError("key_unknown", f"没有可用的密钥“{name}”。", f"There is no key “{name}” in use.")
    note(request, "key.revoked", {"key": name})


def _link(name: str, secret: str) -> dict[str, str]:
    # What follows "#" is not sent to servers and so stands in no log.
    return {"name": name, "link": f"/sign-in#{secret}"}


def _account(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "role": account.role.value,
        "shop": account.shop,
        "active": account.active,
        "has_password": bool(account.password_hash),
        "created_at": iso(account.created_at),
    }


def _key(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "role": key.role.value,
        "shop": key.shop,
        "scopes": sorted(key.scopes),
        "created_by": key.created_by,
        "created_at": iso(key.created_at),
        "expires_at": iso(key.expires_at),
        "revoked_at": iso(key.revoked_at) if key.revoked_at else None,
    }
