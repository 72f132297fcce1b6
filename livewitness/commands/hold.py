"""``livewitness hold``: what a case keeps from being deleted."""

from pathlib import Path

import click

from core.clock import iso, parse_seconds, timecode
from core.errors import UsageError
from evidence.audit import local_actor
from evidence.audit_seal import seal_audit
from evidence.holds import HoldOrder, hold_json, lift_holds, place_hold, standing_holds
from livewitness.cli import data_option, json_option
from livewitness.console import emit, printable, say, stdout
from livewitness.wiring import database_of, settings_for
from store import holds
from store.holds import Hold


@click.group(name="hold")
def command() -> None:
    """证据保全：生效期间任何到期删除都不会触及 / Legal holds: while one stands, nothing it covers is deleted."""


@command.command(name="place")
@click.argument("case")
@click.argument("stream")
@click.option("--from", "start", default="", help="起点，秒或 时:分:秒，默认从头 / from; default: the beginning")
@click.option("--to", "end", default="", help="终点，默认到尾 / to; default: the end")
@click.option("--reason", required=True, help="事由 / reason")
@data_option
@json_option
def place(case: str, stream: str, start: str, end: str, reason: str, data: Path | None, as_json: bool) -> None:
    """为 CASE 保全 STREAM 全场或一段 / Keep a stream, or a stretch of it, for a case."""
    settings = settings_for(data)
    order = HoldOrder(case, stream, reason, _milliseconds(start), _milliseconds(end))
    with database_of(settings) as db:
        hold, before = place_hold(db, settings.data.absolute(), order, local_actor())
    seal_audit(settings.data.absolute())
    if as_json:
        emit(hold_json(hold) | {"deleted_before": [deletion.id for deletion in before]})
    say(f"已保全 {_range(hold)}，编号 {hold.id}。", f"Held {_range(hold)}, number {hold.id}.")
    for deletion in before:
        say(
            f"注意：该场已于 {iso(deletion.decided_at)} 到期删除过一部分或全部（{deletion.id}），保全不能恢复。",
            f"Note: part or all of it was deleted on {iso(deletion.decided_at)} ({deletion.id}) and stays so.",
        )


@command.command(name="lift")
@click.argument("name")
@click.option("--reason", required=True, help="事由 / reason")
@data_option
def lift(name: str, reason: str, data: Path | None) -> None:
    """解除保全；NAME 为编号或案号 / Lift a hold by its number, or all of a case."""
    settings = settings_for(data)
    with database_of(settings) as db:
        lifted = lift_holds(db, settings.data.absolute(), name, reason, local_actor())
    seal_audit(settings.data.absolute())
    for hold in lifted:
        say(f"已解除 {hold.id}（{_range(hold)}）。", f"Lifted {hold.id} ({_range(hold)}).")


@command.command(name="list")
@click.option("--all", "everything", is_flag=True, help="含已解除的 / lifted ones as well")
@data_option
@json_option
def list_(everything: bool, data: Path | None, as_json: bool) -> None:
    """列出保全 / List holds."""
    settings = settings_for(data)
    with database_of(settings) as db:
        found = standing_holds(db, settings.data.absolute())
        if everything:
            standing = {hold.id for hold in found}
            with db.read() as connection:
                found += [hold for hold in holds.list_holds(connection) if hold.id not in standing]
    for hold in found:
        if as_json:
            emit(hold_json(hold))
            continue
        until = f"  ✗ {iso(hold.lifted_at)} {hold.lifted_by} {hold.lift_reason}" if hold.lifted_at else ""
        line = f"{hold.id}  {hold.case}  {_range(hold)}  {hold.reason}  {iso(hold.placed_at)} {hold.placed_by}{until}"
        stdout.print(printable(line), markup=False, soft_wrap=True)


def _range(hold: Hold) -> str:
    if hold.start_ms is None and hold.end_ms is None:
        return hold.stream
    return f"{hold.stream} {timecode(hold.start_ms or 0)}–{'' if hold.end_ms is None else timecode(hold.end_ms)}"


def _milliseconds(text: str) -> int | None:
    if not text:
        return None
    try:
        return round(parse_seconds(text) * 1000)
    except ValueError as error:
        raise UsageError("bad_time", f"看不懂时间 {text}。", f"{text} is not a time.") from error
