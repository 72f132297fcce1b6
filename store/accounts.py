"""Accounts of people, the sessions of their browsers, and one-time links. Secrets come and go as hashes only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from core.access import Role
from core.clock import iso, parse_iso
from store.tables import accounts, invitations, oidc_identities, sessions


@dataclass(frozen=True, slots=True)
class Account:
    """A person. ``shop`` is empty for the platform; ``password_hash`` is empty until the one-time link was used."""

    name: str
    role: Role
    shop: str
    password_hash: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in."""

    secret_sha256: str
    account: str
    expires_at: datetime
    csrf: str


def any_account(connection: Connection) -> bool:
    """Whether there is an account at all."""
    return bool(connection.execute(select(func.count()).select_from(accounts)).scalar_one())


def get_account(connection: Connection, name: str) -> Account | None:
    """The account of that name."""
    row = connection.execute(select(accounts).where(accounts.c.name == name)).mappings().first()
    return None if row is None else _account(row)


def list_accounts(connection: Connection) -> list[Account]:
    """All accounts by name."""
    return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.name)).mappings()]


def add_account(connection: Connection, account: Account) -> None:
    """Insert an account. Raises ``IntegrityError`` where the name is taken."""
    row = {
        "name": account.name,
        "role": account.role.value,
        "shop": account.shop,
        "password_hash": account.password_hash,
        "active": int(account.active),
        "created_at": iso(account.created_at),
    }
    connection.execute(insert(accounts).values(row))


def account_of_identity(connection: Connection, issuer: str, subject: str) -> str:
    """Name of the account that this person of an OpenID provider signs in as; empty where there is none yet."""
    mine = (oidc_identities.c.issuer == issuer) & (oidc_identities.c.subject == subject)
    return connection.execute(select(oidc_identities.c.account).where(mine)).scalar_one_or_none() or ""


def add_identity(connection: Connection, issuer: str, subject: str, account: str) -> None:
    """From now on this person of an OpenID provider signs in as ``account``."""
    connection.execute(insert(oidc_identities).values(issuer=issuer, subject=subject, account=account))


def change_account(connection: Connection, name: str, role: Role, shop: str, *, active: bool) -> None:
    """Set role, shop and whether the account may be used; its sessions end where it may not."""
    values = {"role": role.value, "shop": shop, "active": int(active)}
    connection.execute(update(accounts).where(accounts.c.name == name).values(values))
    if not active:
        end_sessions(connection, name)


def set_password(connection: Connection, name: str, password_hash: str) -> None:
    """Replace the password; every session and open link of the account ends."""
    connection.execute(update(accounts).where(accounts.c.name == name).values(password_hash=password_hash))
    connection.execute(delete(invitations).where(invitations.c.account == name))
    end_sessions(connection, name)


def active_admins(connection: Connection) -> int:
    """How many accounts may administer."""
    condition = (accounts.c.role == Role.ADMIN.value) & (accounts.c.active == 1)
    return int(connection.execute(select(func.count()).select_from(accounts).where(condition)).scalar_one())


def add_session(connection: Connection, session: Session) -> None:
    """Remember a browser that signed in."""
    row = {
        "secret_sha256": session.secret_sha256,
        "account": session.account,
        "expires_at": iso(session.expires_at),
        "csrf": session.csrf,
    }
    connection.execute(insert(sessions).values(row))


def get_session(connection: Connection, secret_sha256: str, now: datetime) -> tuple[Session, Account] | None:
    """A session that has not expired, with its account where that may be used."""
    joined = select(accounts, sessions).join_from(accounts, sessions)
    condition = (sessions.c.secret_sha256 == secret_sha256) & (sessions.c.expires_at > iso(now))
    row = connection.execute(joined.where(condition, accounts.c.active == 1)).mappings().first()
    if row is None:
        return None
    expires = parse_iso(row["expires_at"])
    return Session(row["secret_sha256"], row["account"], expires, row["csrf"]), _account(row)


def end_session(connection: Connection, secret_sha256: str) -> None:
    """Forget one browser."""
    connection.execute(delete(sessions).where(sessions.c.secret_sha256 == secret_sha256))


def end_sessions(connection: Connection, name: str) -> None:
    """Forget all browsers of an account."""
    connection.execute(delete(sessions).where(sessions.c.account == name))


def add_invitation(connection: Connection, secret_sha256: str, name: str, expires_at: datetime) -> None:
    """Open a one-time link for an account; an older one is closed."""
    connection.execute(delete(invitations).where(invitations.c.account == name))
    row = {"secret_sha256": secret_sha256, "account": name, "expires_at": iso(expires_at)}
    connection.execute(insert(invitations).values(row))


def take_invitation(connection: Connection, secret_sha256: str, now: datetime) -> Account | None:
    """The account of an open one-time link, which is closed by this; none for a used, late or unknown one."""
    condition = (invitations.c.secret_sha256 == secret_sha256) & (invitations.c.expires_at > iso(now))
    name = connection.execute(select(invitations.c.account).where(condition)).scalar()
    if name is None:
        return None
    connection.execute(delete(invitations).where(invitations.c.secret_sha256 == secret_sha256))
    account = get_account(connection, name)
    return account if account is not None and account.active else None


def remove_expired(connection: Connection, now: datetime) -> None:
    """Forget sessions and links whose time is over."""
    for table in (sessions, invitations):
        _remove_before(connection, table, iso(now))


def _remove_before(connection: Connection, table: Table, moment: str) -> None:
    connection.execute(delete(table).where(table.c.expires_at <= moment))


def _account(row: Mapping[Any, Any]) -> Account:
    return Account(
        name=row["name"],
        role=Role(row["role"]),
        shop=row["shop"],
        password_hash=row["password_hash"],
        active=bool(row["active"]),
        created_at=parse_iso(row["created_at"]),
    )
