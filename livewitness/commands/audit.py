"""``livewitness audit``: who did what with the evidence."""

import json
import sys
from pathlib import Path

import click

from core.clock import utc_now
from core.errors import Sentence
from evidence.audit import first_index, local_actor, read_audit
from evidence.audit_seal import check_audit, cut_old, old_entries, seal_audit
from evidence.holds import standing_holds
from evidence.upkeep import stamp_audit
from livewitness.cli import data_option, json_option
from livewitness.console import emit, phrase, printable, say, stdout
from livewitness.wiring import database_of, settings_for


@click.group(name="audit")
def command() -> None:
    """审计记录 / The audit chain: list, verify, seal, cut."""


@command.command(name="list")
@data_option
def list_(data: Path | None) -> None:
    """列出记录，每行一个 JSON / The entries, one JSON object a line."""
    for line in read_audit(settings_for(data).data):
        emit(json.loads(line))


@command.command(name="seal")
@data_option
def seal(data: Path | None) -> None:
    """为审计记录签一个检查点，并取时间戳 / Sign a checkpoint of the chain, stamped where an authority is set."""
    settings = settings_for(data)
    data_dir = settings.data.absolute()
    made = seal_audit(data_dir)
    if settings.tsa_url:
        stamp_audit(data_dir, settings.tsa_url)
    if made is None:
        say("没有新的记录。", "There is nothing new.")
    else:
        stdout.print(str(made), markup=False, soft_wrap=True)


@command.command(name="cut")
@click.option("--years", type=click.IntRange(3, 100), required=True, help="保留几年内的记录 / keep so many years")
@click.option("--run", "really", is_flag=True, help="执行；不给则只报数 / do it; without: only say how many")
@data_option
def cut(years: int, really: bool, data: Path | None) -> None:
    """裁去早于 --years 年的记录，其哈希由签名的检查点证明 / Cut off entries older than that; a checkpoint vouches."""
    settings = settings_for(data)
    data_dir = settings.data.absolute()
    with database_of(settings) as db:
        needed = {hold.id for hold in standing_holds(db, data_dir)}
    count = old_entries(data_dir, utc_now(), years, needed)
    gone = cut_old(data_dir, count, local_actor()) if really else count - first_index(read_audit(data_dir))
    say(f"早于 {years} 年的记录：{gone} 条。", f"Entries older than {years} years: {gone}.")


@command.command(name="verify")
@data_option
@json_option
def verify(data: Path | None, as_json: bool) -> None:
    """逐条核对哈希链，并与已签名的检查点核对 / Check every link, and the chain against the signed checkpoints."""
    entries, problems = check_audit(settings_for(data).data)
    if as_json:
        emit({"holds": not problems, "entries": entries, "failures": [{"zh": p.zh, "en": p.en} for p in problems]})
    else:
        for problem in problems:
            text = phrase(Sentence(problem.zh, problem.en))
            stdout.print(printable(f"✗ {text}"), style="red", markup=False, soft_wrap=True)
        say(f"{entries} 条记录，{len(problems)} 处不符。", f"{entries} entries, {len(problems)} not as they were.")
    sys.exit(1 if problems else 0)
