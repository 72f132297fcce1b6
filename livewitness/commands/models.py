"""``livewitness models``: which models are there, whether they are unchanged, and getting more."""

from functools import partial

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from core.errors import ModelError, Sentence
from core.settings import Settings
from core.shapes import Json
from livewitness.cli import json_option
from livewitness.console import emit, say, stderr, stdout
from models.cards import card
from models.library import ModelState, fetch, list_models, verify


@click.group(name="models")
def command() -> None:
    """模型：列出、校验、下载 / List, verify and fetch models."""


def _json(state: ModelState) -> Json:
    return {
        "name": state.card.name,
        "kind": state.card.kind,
        "source": state.card.source,
        "licence": state.card.licence,
        "bytes": state.card.bytes,
        "present": state.present,
        "verified": state.verified,
        "path": str(state.path) if state.path else None,
        "sha256": {file.name: file.sha256 for file in state.card.files},
        "note": state.card.note,
    }


_MARKS = {True: "✓", False: "✗", None: "–"}


def _show(states: list[ModelState], as_json: bool) -> None:
    if as_json:
        for state in states:
            emit(_json(state))
        return
    table = Table(box=None)
    for title in ("模型 model", "kind", "大小 size", "许可", "已有", "校验"):
        table.add_column(title, no_wrap=True)
    for state in states:
        size = f"{state.card.bytes / 1e6:,.0f} MB"
        marks = (_MARKS[state.present], _MARKS[state.verified])
        table.add_row(state.card.name, state.card.kind, size, state.card.licence, *marks)
    stdout.print(table)


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """列出已知模型 / List known models."""
    _show(list_models(Settings().cache_dir), as_json)


@command.command(name="verify")
@click.argument("names", nargs=-1)
@json_option
def verify_(names: tuple[str, ...], as_json: bool) -> None:
    """重新计算哈希；不符则退出码 1 / Hash again; exit code 1 when one differs."""
    cache = Settings().cache_dir
    present = [state.card.name for state in list_models(cache) if state.path is not None]
    states = [verify(card(name), cache) for name in names or present]
    _show(states, as_json)
    damaged = [state.card.name for state in states if not state.verified]
    if damaged:
        listed = ", ".join(damaged)
        raise ModelError(
            "model_damaged",
            f"模型缺失或与登记的哈希不符：{listed}。",
            f"Missing or different from the recorded hash: {listed}.",
            hint=Sentence("运行 livewitness models fetch 名称 修复。", "Repair with livewitness models fetch NAME."),
        )


@command.command(name="fetch")
@click.argument("names", nargs=-1, required=True)
def fetch_(names: tuple[str, ...]) -> None:
    """准备或下载模型，可断点续传 / Prepare or download models; goes on where it stopped."""
    cache = Settings().cache_dir
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=stderr) as bars:
        for name in names:
            wanted = card(name)
            bar = bars.add_task(wanted.name, total=wanted.bytes)
            path = fetch(wanted, cache, partial(_advance, bars, bar))
            say(f"{name} 已就绪：{path}", f"{name} is ready: {path}")


def _advance(bars: Progress, bar: TaskID, done: int, total: int) -> None:
    bars.update(bar, completed=done, total=total)
