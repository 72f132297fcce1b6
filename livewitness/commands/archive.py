"""``livewitness archive``: whether everything held is still what the logs fixed."""

import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from core.errors import Sentence, UsageError
from evidence.archive import ArchiveCheck
from evidence.audit import append_audit, local_actor
from evidence.upkeep import stamp_everything
from livewitness.cli import data_option, json_option
from livewitness.console import emit, phrase, printable, say, stderr, stdout
from livewitness.wiring import settings_for

_STAMPS = 10_000


@click.group(name="archive")
def command() -> None:
    """库存录像 / What is held."""


@command.command(name="verify")
@click.option("--rate", type=click.FloatRange(0), default=0, help="最多每秒几 MB，0 不限 / at most MB a second, 0: any")
@click.option("--restart", is_flag=True, help="从头开始，不接着上次 / begin anew")
@data_option
@json_option
def verify(rate: float, restart: bool, data: Path | None, as_json: bool) -> None:
    """逐个分段重算哈希，与日志、检查点核对；可中断后接着做 / Re-hash everything against the logs; resumable."""
    check = ArchiveCheck(settings_for(data).data.absolute(), rate=rate * 1e6, restart=restart)
    if check.resumed:
        say("接着上次未完成的检查。", "Going on with the pass that was broken off.")
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task("", total=check.total_bytes(), completed=check.state.bytes)
        try:
            for count in check.run():
                progress.advance(task, count)
        except KeyboardInterrupt:
            check.save()
            raise
    _conclude(check, as_json=as_json)
    damages = len(check.state.damages)
    append_audit(
        settings_for(data).data, local_actor(), "archive.verify", {"segments": check.state.segments, "damages": damages}
    )
    sys.exit(1 if check.state.damages else 0)


@command.command(name="stamp")
@data_option
def stamp(data: Path | None) -> None:
    """补取尚缺的时间戳 / Fetch the time-stamps that are still missing."""
    settings = settings_for(data)
    if not settings.tsa_url:
        raise UsageError(
            "no_authority", "没有配置时间戳服务（LIVEWITNESS_TSA_URL）。", "No authority is set (LIVEWITNESS_TSA_URL)."
        )
    left = stamp_everything(settings.data.absolute(), settings.tsa_url, most=_STAMPS)
    say(f"还缺 {left} 个时间戳。", f"{left} tokens are still missing.")


def _conclude(check: ArchiveCheck, *, as_json: bool) -> None:
    state = check.state
    if as_json:
        damages = [asdict(damage) for damage in state.damages]
        counts = {"segments": state.segments, "bytes": state.bytes, "deleted": state.deleted}
        counts |= {"tokens_missing": state.tokens_missing}
        emit({"holds": not damages, **counts, "damages": damages})
        return
    for damage in state.damages:
        reason = phrase(Sentence(damage.zh, damage.en))
        stdout.print(printable(f"✗ {damage.file}: {reason}"), style="red", markup=False, soft_wrap=True)
    say(
        f"{state.segments} 个分段（其中 {state.deleted} 个已到期删除），{state.bytes / 1e6:.0f} MB，"
        f"{len(state.damages)} 处不符，"
        f"{state.tokens_missing} 个检查点没有时间戳。",
        f"{state.segments} segments ({state.deleted} deleted when due), {state.bytes / 1e6:.0f} MB, "
        f"{len(state.damages)} not as fixed, "
        f"{state.tokens_missing} checkpoints without a token.",
    )
