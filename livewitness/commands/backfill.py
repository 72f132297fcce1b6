"""``livewitness backfill``: recordings and folders, on all cores, resumable, nothing twice."""

from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from core.errors import BadInputError, LiveWitnessError, Sentence
from core.shapes import Json
from index.indexer import VectorIndexer
from ingest.probe import probe
from ingest.sources import media_files
from livewitness.cli import data_option, json_option
from livewitness.console import emit, say, say_error, stderr
from livewitness.receiving import Receiver
from livewitness.wiring import FLUSH_S, backfill_work, database_of, embedder_of, settings_for
from models.device import available_cores
from models.library import resolve
from pipeline.backfill import Report, Task, plan, run_tasks
from store.engine import Database


@click.command(name="backfill")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(1, 256), default=None, help="进程数，默认全部核 / processes; all cores")
@click.option("--engine", type=click.Choice(["local"]), default="local", help="运行方式 / how the work is spread")
@click.option("--shop", default="", help="店铺 / shop")
@click.option("--product", default="", help="商品类别 / product class")
@data_option
@json_option
def command(
    paths: tuple[Path, ...],
    workers: int | None,
    engine: str,
    shop: str,
    product: str,
    data: Path | None,
    as_json: bool,
) -> None:
    """批量处理录像；中断后重跑即续 / Work through files and folders; run again to go on after a stop."""
    del engine  # one way so far; the option keeps the command line stable for a cluster
    settings = settings_for(data)
    files = media_files(paths)
    if not files:
        raise BadInputError("no_media_files", "没有找到音视频文件。", "No audio or video files were found.")
    resolve(settings.asr_model, settings.cache_dir)  # joined once here, not by every worker at the same time
    with database_of(settings) as db, embedder_of(settings) as embedder, _Bars(as_json) as bars:
        tasks = _planned(db, files, bars)
        receiver = Receiver(settings, db)
        indexer = VectorIndexer(db, embedder)
        indexer.start()
        try:
            prepare = partial(backfill_work, settings, shop, product)
            for report in run_tasks(db, tasks, workers or available_cores(), prepare):
                bars.take(report)
                if report.kind == "ended" and not report.fields:
                    bars.received += receiver.take(report.task)
            indexer.flush(FLUSH_S)
        finally:
            indexer.stop()
    _conclude(bars)


def _planned(db: Database, files: list[Path], bars: "_Bars") -> list[Task]:
    """What is left to do; done content is skipped and said."""
    tasks: list[Task] = []
    for task, done in plan(db, files):
        if done:
            bars.skipped += 1
        else:
            tasks.append(task)
            bars.expect(task)
    return tasks


class _Bars:
    """One bar over all audio, in seconds, with speed and time left; events as JSON where asked for."""

    def __init__(self, as_json: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} s"),
            TextColumn("{task.fields[speed]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=stderr,
        )
        self._as_json = as_json
        self._whole = self._progress.add_task("批量 / backfill", total=0, speed="")
        self._lengths: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        self.skipped = self.finished = self.alerts = self.received = 0
        self.failed: list[tuple[Path, Json]] = []

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def expect(self, task: Task) -> None:
        """A file to come: its length makes the bar longer."""
        try:
            length = (probe(str(task.path)).duration_ms or 0) / 1000
        except LiveWitnessError:
            length = 0.0  # said when its turn comes
        self._lengths[task.job.stream] = length
        self._progress.update(self._whole, total=sum(self._lengths.values()))

    def take(self, report: Report) -> None:
        """A report of a worker."""
        stream = report.task.job.stream
        if report.kind == "ended":
            self._end(report)
        elif report.fields["event"] == "utterance":
            self._heard[stream] = report.fields["end"]
        elif report.fields["event"] == "alert":
            self.alerts += report.fields["status"] == "confirmed"
        if report.kind == "event" and self._as_json:
            emit(report.fields)
        self._advance()

    def _end(self, report: Report) -> None:
        stream = report.task.job.stream
        self._heard[stream] = self._lengths.get(stream, 0.0)
        if report.fields:
            self.failed.append((report.task.path, report.fields))
        else:
            self.finished += 1
        if self._as_json:
            ended = {"event": "file", "path": str(report.task.path), "stream": stream}
            emit(ended | {"ok": not report.fields, "error": report.fields or None})

    def _advance(self) -> None:
        heard = sum(self._heard.values())
        elapsed = self._progress.tasks[0].elapsed or 0.0
        speed = f"{heard / elapsed:.1f}×" if elapsed > 1 else ""
        self._progress.update(self._whole, completed=heard, speed=speed)


def _conclude(bars: _Bars) -> None:
    say(
        f"完成 {bars.finished} 个，跳过已做 {bars.skipped} 个，失败 {len(bars.failed)} 个；告警 {bars.alerts} 条；"
        f"随附文件 {bars.received} 个。",
        f"{bars.finished} done, {bars.skipped} were done before, {len(bars.failed)} failed; {bars.alerts} alerts; "
        f"{bars.received} files beside them.",
    )
    for path, error in bars.failed:
        say_error(LiveWitnessError(error["code"], f"{path}：{error['zh']}", f"{path}: {error['en']}"))
    if bars.failed:
        raise BadInputError(
            "backfill_failed",
            f"{len(bars.failed)} 个文件未能处理，其余已完成。",
            f"{len(bars.failed)} files could not be worked on; the rest is done.",
            hint=Sentence("修好后重跑同一命令即可。", "Mend them and run the same command again."),
        )
