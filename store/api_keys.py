"""Keys for machines: kept as hashes, each with a role, narrower scopes where wanted, and an end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from core.access import Permission, Role
from core.clock import iso, parse_iso
from store.tables import api_keys


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key; ``revoked_at`` is set when it was taken back before its end."""

    name: str
    key_sha256: str
    role: Role
    shop: str
    scopes: frozenset[Permission]
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


def add_api_key(connection: Connection, key: ApiKey) -> None:
    """Insert a key. Raises ``IntegrityError`` where the name is taken."""
    row = {
        "name": key.name,
        "key_sha256": key.key_sha256,
        "role": key.role.value,
        "shop": key.shop,
        "scopes": json.dumps(sorted(key.scopes)),
        "created_by": key.created_by,
        "created_at": iso(key.created_at),
        "expires_at": iso(key.expires_at),
    }
    connection.execute(insert(api_keys).values(row))


def list_api_keys(connection: Connection) -> list[ApiKey]:
    """All keys by name, past ones as well."""
    return [_key(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.name)).mappings()]


def usable_api_key(connection: Connection, key_sha256: str, now: datetime) -> ApiKey | None:
    """The key with that hash, unless it has ended or was revoked."""
    condition = (api_keys.c.key_sha256 == key_sha256) & (api_keys.c.expires_at > iso(now))
    row = connection.execute(select(api_keys).where(condition, api_keys.c.revoked_at.is_(None))).mappings().first()
    return None if row is None else _key(row)


def revoke_api_key(connection: Connection, name: str, now: datetime) -> bool:
    """Take a key back; whether there was one to take back."""
    condition = (api_keys.c.name == name) & api_keys.c.revoked_at.is_(None)
    return bool(connection.execute(update(api_keys).where(condition).values(revoked_at=iso(now))).rowcount)


def _key(row: Mapping[Any, Any]) -> ApiKey:
    return ApiKey(
        name=row["name"],
        key_sha256=row["key_sha256"],
        role=Role(row["role"]),
        shop=row["shop"],
        scopes=frozenset(Permission(scope) for scope in json.loads(row["scopes"])),
        created_by=row["created_by"],
        created_at=parse_iso(row["created_at"]),
        expires_at=parse_iso(row["expires_at"]),
        revoked_at=parse_iso(row["revoked_at"]) if row["revoked_at"] else None,
    )
