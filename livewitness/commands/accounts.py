"""``livewitness accounts``: for the person at the machine, also when nobody can sign in any more."""

from pathlib import Path

import click

from api.app import routers_of
from api.auth import credentials
from api.auth.access import route_rules
from core.access import PERMISSIONS, Role
from core.shapes import Json
from evidence.audit import append_audit, local_actor
from livewitness.cli import data_option, json_option
from livewitness.console import emit, printable, say, stdout
from livewitness.doorway import doorway_of
from livewitness.wiring import database_of, settings_for
from store import accounts as stored

_name = click.argument("name", metavar="NAME")
_role = click.option("--role", type=click.Choice([r.value for r in Role]), required=True, help="角色 / role")
_shop = click.option("--shop", default="", help="只看这家店 / this shop only")


@click.group(name="accounts")
def command() -> None:
    """账号：列出、新建、改角色、停用、重发链接 / Accounts: list, add, change, disable, link."""


@command.command(name="list")
@data_option
@json_option
def list_(data: Path | None, as_json: bool) -> None:
    """列出账号 / List the accounts."""
    with database_of(settings_for(data)) as db, db.read() as connection:
        rows: list[Json] = [
            {
                "name": a.name,
                "role": a.role.value,
                "shop": a.shop,
                "active": a.active,
                "has_password": bool(a.password_hash),
            }
            for a in stored.list_accounts(connection)
        ]
    for row in rows:
        if as_json:
            emit(row)
        else:
            state = "" if row["active"] else "  停用 / disabled"
            _tell(f"{row['name']}  {row['role']}  {row['shop'] or '全平台 / all shops'}{state}")


@command.command(name="add")
@_name
@_role
@_shop
@data_option
def add(name: str, role: str, shop: str, data: Path | None) -> None:
    """新建账号，给出一次性链接 / Add an account and print its one-time link."""
    settings = settings_for(data)
    with database_of(settings) as db:
        secret = credentials.invite(db, name, Role(role), shop)
    append_audit(settings.data, local_actor(), "account.created", {"account": name, "role": role, "shop": shop})
    _tell(f"{doorway_of(settings).url}sign-in#{secret}")


@command.command(name="change")
@_name
@_role
@_shop
@click.option("--disable", is_flag=True, help="停用 / disable")
@data_option
def change(name: str, role: str, shop: str, disable: bool, data: Path | None) -> None:
    """改角色、店铺，或停用 / Change role and shop, or disable."""
    settings = settings_for(data)
    with database_of(settings) as db:
        credentials.change(db, name, Role(role), shop, active=not disable)
    detail = {"account": name, "role": role, "shop": shop, "active": not disable}
    append_audit(settings.data, local_actor(), "account.changed", detail)
    say(f"账号“{name}”已更改。", f"The account “{name}” is changed.")


@command.command(name="link")
@_name
@data_option
def link(name: str, data: Path | None) -> None:
    """重发一次性链接，用来另设口令 / Print another one-time link, to set a new password."""
    settings = settings_for(data)
    with database_of(settings) as db:
        secret = credentials.renew_link(db, name)
    append_audit(settings.data, local_actor(), "account.link", {"account": name})
    _tell(f"{doorway_of(settings).url}sign-in#{secret}")


@command.command(name="roles")
def roles() -> None:
    """哪个角色可以做什么，Markdown 表格 / Which role may do what, as a Markdown table."""
    _tell(access_table())


def access_table() -> str:
    """Every operation of the API and the roles that may use it, as Markdown; docs/access.md holds it."""
    heads = " | ".join(role.value for role in Role)
    lines = [f"| | {heads} |", "|---|" + "---|" * len(Role)]
    for rule in sorted(route_rules(routers_of()), key=lambda rule: (rule.path, rule.method)):
        may = set(rule.roles(PERMISSIONS))
        marks = " | ".join("✓" if role in may else "" for role in Role)
        who = "" if rule.permission else " (anybody)"
        lines.append(f"| {rule.method} {rule.path}{who} | {marks} |")
    return "\n".join(lines)


def _tell(text: str) -> None:
    stdout.print(printable(text), markup=False, soft_wrap=True)
