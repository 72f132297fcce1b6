"""From a password, a session's secret or a key to the visitor, and how each of them comes into being."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from api.auth.passwords import check_password, hash_password, password_fits
from core.access import PERMISSIONS, Permission, Role, SignInError, Visitor, check_grant
from core.clock import utc_now
from core.errors import ConflictError, NotFoundError, Sentence
from store import accounts, api_keys
from store.accounts import Account, Session
from store.api_keys import ApiKey
from store.engine import Database

SESSION_HOURS = 12
LINK_HOURS = 72
KEY_PREFIX = "lw_"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: the secret for the cookie, which is kept nowhere, and who it is."""

    secret: str
    visitor: Visitor
    expires_at: datetime


def digest(secret: str) -> str:
    """What is kept of a secret: its SHA-256. Secrets are random, so that no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def sign_in(db: Database, name: str, password: str) -> SignedIn:
    """A session for the right password. Raises `SignInError` without telling what was wrong."""
    with db.read() as connection:
        account = accounts.get_account(connection, name)
    fits = password_fits(account.password_hash if account else "", password)
    if account is None or not account.active or not fits:
        raise SignInError("sign_in_failed", "账号或口令不对。", "The name or the password is not right.")
    return begin_session(db, account)


def accept_link(db: Database, link: str, password: str) -> SignedIn:
    """Set the password by a one-time link and sign in. Raises `SignInError`, `BadInputError`; then the link stays."""
    check_password(password, "")
    # Before the database is taken: it takes a tenth of a second, in which alerts would wait.
    hashed = hash_password(password)
    with db.write() as connection:
        account = accounts.take_invitation(connection, digest(link), utc_now())
        if account is None:
            raise SignInError(
                "link_unusable",
                "链接已用过、已过期或不存在。",
                "The link was used, is too old, or does not exist.",
                hint=Sentence("请管理员另发一个。", "Ask an administrator for another."),
            )
        check_password(password, account.name)
        accounts.set_password(connection, account.name, hashed)
    return begin_session(db, account)


def visitor_of_session(db: Database, secret: str) -> Visitor | None:
    """Who a session's secret belongs to, while it lasts."""
    with db.read() as connection:
        found = accounts.get_session(connection, digest(secret), utc_now())
    return None if found is None else _visitor(found[1], found[0].csrf)


def visitor_of_key(db: Database, secret: str) -> Visitor | None:
    """Who a key for machines stands for, while it lasts."""
    with db.read() as connection:
        key = api_keys.usable_api_key(connection, digest(secret), utc_now())
    return None if key is None else Visitor(key.name, key.role, key.shop, key.scopes & PERMISSIONS[key.role], "key")


def sign_out(db: Database, secret: str) -> None:
    """End a session."""
    with db.write() as connection:
        accounts.end_session(connection, digest(secret))


def invite(db: Database, name: str, role: Role, shop: str) -> str:
    """A new account and the secret of its one-time link. Raises `ConflictError`, `DeniedError`."""
    check_grant(role, shop)
    secret, now = secrets.token_urlsafe(32), utc_now()
    try:
        with db.write() as connection:
            accounts.remove_expired(connection, now)
            accounts.add_account(connection, Account(name, role, shop, "", True, now))
            accounts.add_invitation(connection, digest(secret), name, now + timedelta(hours=LINK_HOURS))
    except IntegrityError as error:
        raise ConflictError("account_exists", f"账号“{name}”已存在。", f"There is an account “{name}”.") from error
    return secret


def renew_link(db: Database, name: str) -> str:
    """Another one-time link for an account. Raises `NotFoundError`."""
    secret = secrets.token_urlsafe(32)
    with db.write() as connection:
        account = accounts.get_account(connection, name)
        if account is None:
            raise unknown_account(name)
        accounts.add_invitation(connection, digest(secret), name, utc_now() + timedelta(hours=LINK_HOURS))
    return secret


def change(db: Database, name: str, role: Role, shop: str, *, active: bool) -> None:
    """Set role, shop, and whether the account may be used. The last administrator stays. Raises `ConflictError`."""
    check_grant(role, shop)
    with db.write() as connection:
        if accounts.get_account(connection, name) is None:
            raise unknown_account(name)
        accounts.change_account(connection, name, role, shop, active=active)
        if not accounts.active_admins(connection):
            raise ConflictError(
                "last_admin", "至少要留一个可用的管理员。", "One administrator at least must stay in use."
            )


def new_key(
    db: Database,
    by: Visitor,
    name: str,
    *,
    role: Role,
    shop: str = "",
    scopes: frozenset[Permission] | None = None,
    days: int,
) -> str:
    """A key for machines, shown this once. Raises `ConflictError`, `DeniedError`."""
    granted = check_grant(role, shop, scopes)
    secret, now = KEY_PREFIX + secrets.token_urlsafe(32), utc_now()
    key = ApiKey(name, digest(secret), role, shop, granted, by.name, now, now + timedelta(days=days))
    try:
        with db.write() as connection:
            api_keys.add_api_key(connection, key)
    except IntegrityError as error:
        raise ConflictError("key_exists", f"密钥“{name}”已存在。", f"There is a key “{name}”.") from error
    return secret


def unknown_account(name: str) -> NotFoundError:
    """The sentence for a name that no account has."""
    return NotFoundError("account_unknown", f"没有账号“{name}”。", f"There is no account “{name}”.")


def begin_session(db: Database, account: Account) -> SignedIn:
    """A session for somebody who has shown who they are."""
    secret, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
    now = utc_now()
    session = Session(digest(secret), account.name, now + timedelta(hours=SESSION_HOURS), csrf)
    with db.write() as connection:
        accounts.remove_expired(connection, now)
        accounts.add_session(connection, session)
    return SignedIn(secret, _visitor(account, csrf), session.expires_at)


def _visitor(account: Account, csrf: str) -> Visitor:
    return Visitor(account.name, account.role, account.shop, PERMISSIONS[account.role], "session", csrf)
