"""``livewitness webhooks``: where events are sent, how that goes, and dead letters."""

import secrets
from pathlib import Path

import click

from api.webhooks import letter_json
from core.egress import addresses_of, parse_target
from core.errors import ConflictError, NotFoundError, UsageError
from core.settings import Settings
from core.shapes import Json
from evidence.audit import append_audit, local_actor
from livewitness.cli import data_option, json_option
from livewitness.console import emit, printable, say, stdout
from livewitness.wiring import database_of, settings_for
from store import webhooks as hooks
from store.webhooks import Webhook

_MIN_SECRET = 16


@click.group(name="webhooks")
def command() -> None:
    """推送目标与死信 / Targets of events, and dead letters."""


def _unknown(name: str) -> NotFoundError:
    return NotFoundError("webhook_unknown", f"没有名为“{name}”的推送目标。", f"There is no webhook named “{name}”.")


@command.command(name="list")
@data_option
@json_option
def list_(data: Path | None, as_json: bool) -> None:
    """列出推送目标 / List the targets."""
    with database_of(settings_for(data)) as db, db.read() as connection:
        rows: list[Json] = [
            {
                "name": hook.name,
                "url": hook.url,
                "streams": list(hook.streams),
                "origin": hook.origin,
                "waiting": hooks.waiting(connection, hook),
                "dead": hooks.count_dead(connection, hook.name),
            }
            for hook in hooks.list_webhooks(connection)
        ]
    for row in rows:
        if as_json:
            emit(row)
        else:
            line = f"{row['name']}  {row['url']}  等待 / waiting {row['waiting']}  死信 / dead {row['dead']}"
            stdout.print(printable(line), markup=False, soft_wrap=True)


@command.command(name="set")
@click.argument("name")
@click.argument("url")
@click.option("--secret", default="", envvar="LIVEWITNESS_WEBHOOK_SECRET", help="签名密钥，不给则生成 / signing key")
@click.option("--stream", "streams", multiple=True, help="只发这路直播，可多次 / only this stream; may be repeated")
@data_option
def set_(name: str, url: str, secret: str, streams: tuple[str, ...], data: Path | None) -> None:
    """新增或修改推送目标 / Add or change a target."""
    settings = settings_for(data)
    _check(settings, url)
    if secret and len(secret) < _MIN_SECRET:
        raise UsageError("webhook_secret", "签名密钥不足 16 字。", "The secret needs at least 16 characters.")
    with database_of(settings) as db, db.write() as connection:
        known = hooks.get_webhook(connection, name)
        if known is not None and known.origin == "file":
            raise ConflictError(
                "webhook_in_file", f"“{name}”由配置文件管理。", f"“{name}” is kept in the configuration file."
            )
        used = secret or (known.secret if known else secrets.token_urlsafe(32))
        hooks.put_webhook(connection, Webhook(name, url, used, streams))
    append_audit(settings.data, local_actor(), "webhook.set", {"webhook": name, "url": url, "streams": list(streams)})
    say(f"已设置 {name}。", f"{name} is set.")
    if not secret and known is None:
        say("签名密钥（只显示这一次）：", "Signing key (shown this once):")
        stdout.print(used, markup=False)


def _check(settings: Settings, url: str) -> None:
    target = parse_target(url)
    addresses_of(target.host, target.port, allow_internal=settings.allow_internal_targets)


@command.command(name="remove")
@click.argument("name")
@data_option
def remove(name: str, data: Path | None) -> None:
    """删除推送目标及其死信 / Remove a target with its dead letters."""
    settings = settings_for(data)
    with database_of(settings) as db, db.write() as connection:
        if not hooks.remove_webhook(connection, name):
            raise _unknown(name)
    append_audit(settings.data, local_actor(), "webhook.removed", {"webhook": name})
    say(f"已删除 {name}。", f"{name} is removed.")


@command.command(name="dead")
@click.argument("name", default="")
@data_option
@json_option
def dead(name: str, data: Path | None, as_json: bool) -> None:
    """列出死信 / List what could not be delivered within 24 hours."""
    with database_of(settings_for(data)) as db, db.read() as connection:
        if name and hooks.get_webhook(connection, name) is None:
            raise _unknown(name)
        letters = hooks.list_dead(connection, webhook=name, limit=100_000)
    for letter in letters:
        if as_json:
            emit(letter_json(letter))
        else:
            what = f"{letter.event.stream} {letter.event.event} {letter.event.alert_id}"
            line = f"{letter.id}  {letter.webhook}  {what}  {letter.event.at}  {letter.state.value}  {letter.error}"
            stdout.print(printable(line), markup=False, soft_wrap=True)


@command.command(name="resend")
@click.argument("name")
@click.argument("ids", nargs=-1, type=int)
@data_option
def resend(name: str, ids: tuple[int, ...], data: Path | None) -> None:
    """重发死信；不给编号则全部 / Send dead letters again; all of the target when none is named.

    运行中的 watch 或 serve 会发送 / A running watch or serve sends them.
    """
    with database_of(settings_for(data)) as db, db.write() as connection:
        if hooks.get_webhook(connection, name) is None:
            raise _unknown(name)
        mine = {letter.id for letter in hooks.list_dead(connection, webhook=name, limit=100_000)}
        strange = sorted(set(ids) - mine)
        if strange:
            listed = ", ".join(map(str, strange))
            raise NotFoundError("letter_unknown", f"没有死信 {listed}。", f"There is no dead letter {listed}.")
        count = hooks.request_resend(connection, ids, name)
    say(f"{count} 条将由运行中的 watch 或 serve 重发。", f"{count} will be sent again by a running watch or serve.")
