"""The command line: one group, one module per command in livewitness/commands, loaded when used."""

import importlib
import os
from pathlib import Path

import click

from core.logs import configure_logging
from livewitness import __version__

# Command to module and one-line help; modules are imported only when their command runs, so `--help` is instant.
_COMMANDS = {
    "demo": ("demo", "播放内置直播：告警、检索、截取 / play the bundled broadcast: alert, search, cut"),
    "watch": ("watch", "录制、识别并实时告警 / record, transcribe and alert"),
    "backfill": ("backfill", "批量处理录像文件 / work through recordings and folders"),
    "check": ("check", "检查文字中的违规宣称 / check text for unlawful claims"),
    "import": ("import_", "接收外来文件，记为接收 / take files from elsewhere in, as received"),
    "import-transcript": ("import_transcript", "导入已有字幕 / import a transcript made elsewhere"),
    "search": ("search", "按说过的话检索 / search for what was said"),
    "searches": ("searches", "保存的检索 / saved searches and what they found"),
    "index": ("index", "检索索引：重建、校验、统计 / search index: rebuild, verify, stats"),
    "clip": ("clip", "截取片段 / cut a clip"),
    "export": ("export", "导出可独立核验的证据包 / export a package that others can verify"),
    "verify": ("verify", "核验证据包 / verify a package"),
    "keys": ("keys", "签名密钥 / signing keys"),
    "archive": ("archive", "核验库存录像 / check what is held"),
    "retention": ("retention", "保存期限：类别、计划、到期删除 / how long what is kept; deletion when due"),
    "hold": ("hold", "证据保全：按案号暂缓删除 / legal holds by case"),
    "audit": ("audit", "审计记录 / the audit chain"),
    "timeline": ("timeline", "时间线：商品、价格、弹幕、备注 / products, prices, comments, notes"),
    "webhooks": ("webhooks", "推送目标与死信 / webhooks and dead letters"),
    "accounts": ("accounts", "账号与一次性链接 / accounts and one-time links"),
    "serve": ("serve", "启动服务 / start the service"),
    "backup": ("backup", "备份 / copy everything elsewhere"),
    "restore": ("restore", "从备份恢复 / restore a backup"),
    "doctor": ("doctor", "检查本机环境 / check this machine"),
    "settings": ("settings", "设置的样例与说明 / settings: a sample, a page"),
    "models": ("models", "模型：列出、校验、下载 / list, verify, fetch models"),
    "rules": ("rules", "规则：列出、校验、测试、说明 / list, check, test, explain rules"),
    "bench": ("bench", "基准测试 / benchmarks"),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"livewitness.commands.{_COMMANDS[cmd_name][0]}")
        command = module.command
        if not isinstance(command, click.Command):
            raise TypeError(f"{module.__name__}.command is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="livewitness")
@click.option("--log-level", default="WARNING", type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]), hidden=True)
def cli(log_level: str) -> None:
    """播证 LiveWitness：录下直播、实时告警、检索说过的话、截取证据。

    Records Chinese selling livestreams, warns of unlawful claims, finds the words and cuts the clip.
    """
    # Not by `core.settings`, which takes longer to load than `--help` may take.
    configure_logging(log_level, "json" if os.environ.get("LIVEWITNESS_LOG_FORMAT") == "json" else "text")


data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="数据目录，默认取 LIVEWITNESS_DATA / data directory, default from LIVEWITNESS_DATA",
)
json_option = click.option("--json", "as_json", is_flag=True, help="每行一个 JSON / one JSON object a line on stdout")
