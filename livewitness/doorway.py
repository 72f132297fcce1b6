"""Where the service is found and who may come in: its address, the names it answers to, the first administrator."""

import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from api.auth.credentials import invite, renew_link
from api.auth.oidc import OidcOptions
from api.auth.oidc_people import roles_of
from core.access import Role
from core.errors import Sentence, UsageError
from core.settings import PREFIX, Settings
from store import accounts
from store.engine import Database

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
FIRST_ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Doorway:
    """``url`` ends in a slash; ``hosts`` are the names in Host headers that are answered; ``secure``: https only.

    ``proxies``: addresses and networks whose X-Forwarded-For is believed.
    """

    url: str
    hosts: frozenset[str]
    secure: bool
    proxies: tuple[str, ...] = ()


def doorway_of(settings: Settings) -> Doorway:
    """The doorway of these settings. Raises `UsageError` where strangers could come in without signing in."""
    listen = settings.listen.strip("[]")
    if not settings.accounts and not _loopback(listen):
        raise UsageError(
            "accounts_needed",
            f"在 {settings.listen} 上提供服务须启用账号。",
            f"Listening on {settings.listen} needs accounts.",
            hint=Sentence(
                "设 LIVEWITNESS_ACCOUNTS=1，或只监听 127.0.0.1。", "Set LIVEWITNESS_ACCOUNTS=1, or use 127.0.0.1."
            ),
        )
    own = f"[{listen}]" if ":" in listen else listen
    public = urlsplit(settings.public_url)
    if settings.public_url and (public.scheme not in ("http", "https") or not public.hostname):
        raise UsageError(
            "bad_public_url",
            "LIVEWITNESS_PUBLIC_URL 须为 http(s) 地址。",
            "LIVEWITNESS_PUBLIC_URL must be an http(s) address.",
        )
    names = {own, public.hostname or own} | _LOOPBACK_NAMES
    url = settings.public_url.rstrip("/") or f"http://{own}:{settings.port}"
    return Doorway(url + "/", frozenset(names), public.scheme == "https", _proxies(settings.proxies))


def oidc_of(settings: Settings, doorway: Doorway) -> OidcOptions | None:
    """The OpenID Connect client of these settings, if an issuer is set. Raises `UsageError` for what is incomplete."""
    if not settings.oidc_issuer or not settings.accounts:
        return None
    try:
        file = settings.oidc_secret_file
        secret = file.read_text("utf-8").strip() if file else os.environ.get(f"{PREFIX}OIDC_SECRET", "")
        roles = roles_of(settings.oidc_roles)
    except (OSError, ValueError) as error:
        raise _incomplete(str(error)) from error
    if not settings.oidc_client_id or not roles:
        raise _incomplete("LIVEWITNESS_OIDC_CLIENT_ID, LIVEWITNESS_OIDC_ROLES")
    return OidcOptions(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        secret=secret,
        redirect_uri=f"{doorway.url}api/v1/session/oidc/callback",
        roles=roles,
        label=settings.oidc_label or urlsplit(settings.oidc_issuer).hostname or "",
        name_claim=settings.oidc_name_claim,
        role_claim=settings.oidc_role_claim,
        shop_claim=settings.oidc_shop_claim,
        shops=settings.oidc_shops,
    )


def _proxies(text: str) -> tuple[str, ...]:
    """The reverse proxies of the settings. Raises `UsageError` for what is no address; nobody is trusted by ``*``."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return tuple(
            str(ipaddress.ip_network(part)) if "/" in part else str(ipaddress.ip_address(part)) for part in found
        )
    except ValueError as error:
        raise UsageError(
            "bad_proxies",
            f"LIVEWITNESS_PROXIES 须为地址或网段，逗号隔开：{error}",
            f"LIVEWITNESS_PROXIES takes addresses or networks with commas between: {error}",
        ) from error


def _incomplete(what: str) -> UsageError:
    return UsageError(
        "oidc_settings",
        f"OpenID Connect 的设置不完整：{what}",
        f"The settings of OpenID Connect are incomplete: {what}",
    )


def first_link(db: Database) -> str:
    """The one-time link that makes the first administrator, as ``sign-in#SECRET``; empty once somebody has one."""
    with db.read() as connection:
        known = accounts.list_accounts(connection)
    others = (account for account in known if account.name != FIRST_ADMIN)
    # Whoever comes by an issuer has no password here, and is an administrator all the same.
    if any(a.password_hash for a in known) or any(a.active and a.role is Role.ADMIN for a in others):
        return ""
    unused = any(account.name == FIRST_ADMIN for account in known)
    secret = renew_link(db, FIRST_ADMIN) if unused else invite(db, FIRST_ADMIN, Role.ADMIN, "")
    return f"sign-in#{secret}"


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
