"""``livewitness retention``: how long streams are kept, what is due, and its deletion."""

from datetime import datetime
from pathlib import Path

import click

from core.clock import iso, parse_iso, utc_now
from core.errors import UsageError
from evidence.audit import append_audit, local_actor
from evidence.audit_seal import seal_audit
from evidence.deletion import finish_interrupted, run_plan
from evidence.retention_notes import note_class, note_end, note_trade
from evidence.retention_plan import StreamPlan, decision_json, make_plan, plan_json
from evidence.stamping import check_clock
from livewitness.cli import data_option, json_option
from livewitness.console import emit, printable, say, stdout
from livewitness.retaining import policy_of, retention_context
from livewitness.wiring import database_of, settings_for
from store.retention import RetentionClass, Trade


@click.group(name="retention")
def command() -> None:
    """保存期限；默认永久保存 / How long what is kept; for good, unless a class is set."""


@command.command(name="class")
@click.argument("stream")
@click.argument("chosen", metavar="CLASS", type=click.Choice([c.value for c in RetentionClass]))
@data_option
def class_(stream: str, chosen: str, data: Path | None) -> None:
    """设定类别：live 直播结束起、trade 交易完成起、later 取较晚者、keep 永久 / Set the clock of a stream."""
    settings = settings_for(data)
    with database_of(settings) as db:
        note_class(db, settings.data.absolute(), stream, RetentionClass(chosen), local_actor())
    say(f"“{stream}”的保存类别：{chosen}。", f"“{stream}” is kept by: {chosen}.")


@command.command(name="trade")
@click.argument("stream")
@click.argument("reference")
@click.option("--completed", default="", help="完成时刻，如 2026-11-20T10:00；不给则为未完成 / when; none: still open")
@data_option
def trade(stream: str, reference: str, completed: str, data: Path | None) -> None:
    """登记 STREAM 中产生的交易 REFERENCE 及其完成时刻 / Note a trade out of a stream, and its completion."""
    settings = settings_for(data)
    moment = _moment(completed) if completed else None
    with database_of(settings) as db:
        note_trade(db, settings.data.absolute(), Trade(stream, reference, moment), local_actor())
    state_zh, state_en = (f"完成于 {iso(moment)}", f"completed {iso(moment)}") if moment else ("未完成", "open")
    say(f"交易 {reference}：{state_zh}。", f"Trade {reference}: {state_en}.")


@command.command(name="ended")
@click.argument("stream")
@click.argument("moment", default="")
@click.option("--reason", required=True, help="依据 / how that is known")
@data_option
def ended(stream: str, moment: str, reason: str, data: Path | None) -> None:
    """登记直播结束时刻，用于录制中断后未再继续的场次 / Note when a live ended whose recorder never said so."""
    settings = settings_for(data)
    when = _moment(moment) if moment else None
    with database_of(settings) as db:
        noted = note_end(db, settings.data.absolute(), stream, when, reason=reason, actor=local_actor())
    say(f"“{stream}”结束于 {iso(noted)}。", f"“{stream}” ended {iso(noted)}.")


@command.command(name="status")
@data_option
@json_option
def status(data: Path | None, as_json: bool) -> None:
    """每一场的类别、到期时刻、为何保留 / How every stream stands."""
    settings = settings_for(data)
    with database_of(settings) as db:
        plan = make_plan(db, settings.data.absolute(), utc_now(), policy_of(settings))
    for decision in plan.standing:
        if as_json:
            emit(decision_json(decision))
            continue
        due = iso(decision.due) if decision.due else "-"
        line = f"{decision.stream}  {decision.retention.value}  {decision.reason.value}  {due}"
        stdout.print(printable(line), markup=False, soft_wrap=True)


@command.command(name="plan")
@data_option
@json_option
def plan(data: Path | None, as_json: bool) -> None:
    """列出到期应删的一切，不删除；末行为计划编号 / What a run would delete, and the hash to run it by."""
    settings = settings_for(data)
    with database_of(settings) as db:
        made = make_plan(db, settings.data.absolute(), utc_now(), policy_of(settings))
    for entry in made.streams:
        _show(entry, as_json)
    if as_json:
        emit({"event": "plan", "plan": made.hash, "streams": len(made.streams)})
    else:
        stdout.print(f"plan {made.hash}", markup=False, soft_wrap=True)
    say(
        f"{len(made.streams)} 场到期。核对后运行：livewitness retention run --plan {made.hash}",
        f"{len(made.streams)} streams are due. To carry it out: livewitness retention run --plan {made.hash}",
    )


@command.command(name="run")
@click.option("--plan", "plan_hash", required=True, help="计划编号 / hash of the plan")
@click.option("--vacuum", is_flag=True, help="另整理数据库文件，期间不能写入 / rewrite the database file as well")
@data_option
@json_option
def run(plan_hash: str, vacuum: bool, data: Path | None, as_json: bool) -> None:
    """按计划删除；计划有变则拒绝；中断后再运行即续完 / Delete what the plan names; refused when it has changed."""
    settings = settings_for(data)
    data_dir = settings.data.absolute()
    count = 0
    with database_of(settings) as db:
        context = retention_context(settings, db, local_actor())
        if settings.tsa_url:
            check_clock(settings.tsa_url, plan_hash.encode())
        for deletion in finish_interrupted(context):
            say(f"续完上次中断的删除 {deletion.id}。", f"Finished the interrupted deletion {deletion.id}.")
        for entry, deletion in run_plan(context, plan_hash, utc_now()):
            _show(entry, as_json, deletion.id)
            count += 1
        if vacuum:
            db.vacuum()
    append_audit(data_dir, local_actor(), "retention.run", {"plan": plan_hash, "streams": count})
    seal_audit(data_dir)
    say(f"已删除 {count} 场到期内容；哈希与删除记录保留。", f"{count} streams deleted; hashes and records stay.")


def _show(entry: StreamPlan, as_json: bool, deletion: str = "") -> None:
    """The same line before and after; a deletion that was made has its number besides."""
    fields = plan_json(entry)
    if as_json:
        emit(fields | ({"deletion": deletion} if deletion else {}))
        return
    runs = ", ".join(f"{first}–{last}" for first, last in fields["segments"]) or "-"
    line = (
        f"{entry.stream}  {fields['class']}  {fields['due']}  #{runs}  {fields['bytes'] / 1e6:.1f} MB  "
        f"{fields['utterances']} utterances, {fields['alerts']} alerts, {fields['timeline']} timeline, "
        f"{fields['clips']} clips{'' if entry.whole else ' (partly held)'}"
    )
    stdout.print(printable(line), markup=False, soft_wrap=True)


def _moment(text: str) -> datetime:
    try:
        return parse_iso(text)
    except ValueError as error:
        raise UsageError(
            "bad_moment",
            f"看不懂时刻 {text}；例：2026-11-20T10:00+08:00，不写时区为 UTC。",
            f"{text} is no moment; e.g. 2026-11-20T10:00+08:00, UTC without a zone.",
        ) from error
