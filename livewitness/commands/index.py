"""``livewitness index rebuild|verify|stats``: the search index can always be made anew from what was heard."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import Progress

from core.errors import ConflictError, NotFoundError, Sentence
from core.settings import Settings
from index.maintenance import index_stats, rebuild_index, verify_index
from livewitness.cli import data_option, json_option
from livewitness.console import emit, say, stderr
from livewitness.wiring import database_of, embedder_of, settings_for


@click.group(name="index")
def command() -> None:
    """检索索引：重建、校验、统计 / The search index: rebuild, verify, stats."""


@command.command(name="stats")
@data_option
@json_option
def stats(data: Path | None, as_json: bool) -> None:
    """索引里有多少 / How much is indexed."""
    settings = _existing(data)
    with database_of(settings) as database, embedder_of(settings) as embedder:
        found = index_stats(database, embedder.identity)
        if as_json:
            emit(asdict(found) | {"embedder": embedder.identity.name, "embedder_sha256": embedder.identity.sha256})
            return
        others = {sha: count for sha, count in found.models.items() if sha != embedder.identity.sha256}
    say(
        f"{found.utterances} 句；已编词 {found.postings}，已释读 {found.readings}，向量 {found.vectors}"
        f"（{settings.embedder}），其他模型的向量 {sum(others.values())}，快照 {found.snapshot_bytes / 1e6:.1f} MB。",
        f"{found.utterances} utterances; words {found.postings}, readings {found.readings}, vectors {found.vectors} "
        f"({settings.embedder}), of other models {sum(others.values())}, snapshot {found.snapshot_bytes / 1e6:.1f} MB.",
    )


@command.command(name="verify")
@data_option
@json_option
def verify(data: Path | None, as_json: bool) -> None:
    """核对索引与原句 / Compare the index with what was heard; exit 1 when it needs a rebuild."""
    settings = _existing(data)
    with database_of(settings) as database, embedder_of(settings) as embedder:
        health = verify_index(database, embedder.identity, embedder.dim)
    if as_json:
        emit(asdict(health) | {"sound": health.sound})
    if not health.sound:
        raise ConflictError(
            "index_unsound",
            f"索引与原句不符：缺词 {health.missing_postings}，多余 {health.orphaned_postings}，"
            f"向量有误 {health.misshapen_vectors}，释读过期 {health.stale_readings}，"
            f"快照损坏 {len(health.damaged_files)} 个文件，全文索引{'完好' if health.full_text_sound else '已损坏'}。",
            f"The index does not fit: {health.missing_postings} without words, {health.orphaned_postings} too many, "
            f"{health.misshapen_vectors} wrong vectors, {health.stale_readings} stale readings, "
            f"{len(health.damaged_files)} damaged snapshot files, full text "
            f"{'sound' if health.full_text_sound else 'damaged'}.",
            hint=Sentence("运行 livewitness index rebuild。", "Run livewitness index rebuild."),
        )
    if not as_json:
        say(
            f"索引完好；{health.due} 句的向量尚待生成。",
            f"The index is sound; {health.due} utterances still await a vector.",
        )


@command.command(name="rebuild")
@click.option("--embed-again", is_flag=True, help="连向量也全部重算 / make all vectors anew as well")
@data_option
def rebuild(embed_again: bool, data: Path | None) -> None:
    """由原句重建索引，可随时中断再来 / Make the index anew from what was heard."""
    settings = _existing(data)
    with database_of(settings) as database, embedder_of(settings) as embedder, Progress(console=stderr) as bar:
        tasks = {name: bar.add_task(name, total=None) for name in ("words", "vectors", "snapshot")}

        def step(name: str, done: int, total: int) -> None:
            bar.update(tasks[name], completed=done, total=total)

        rebuild_index(database, embedder, step, embed_again=embed_again)
    say("索引已重建。", "The index is rebuilt.")


def _existing(data: Path | None) -> Settings:
    settings = settings_for(data)
    if not settings.database.is_file():
        raise NotFoundError(
            "no_data",
            f"{settings.data} 里还没有录像或字幕。",
            f"There is nothing recorded or imported in {settings.data}.",
        )
    return settings
