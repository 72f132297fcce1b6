"""``livewitness watch``: record a source, or all of a streams.yaml, listen, and tell alerts as they come."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
from prometheus_client import start_http_server

from core.errors import ConflictError, SourceError
from core.metrics import Metrics
from core.records import Stream
from core.settings import Settings
from index.indexer import VectorIndexer
from ingest.sources import parse_source
from livewitness.cli import data_option, json_option
from livewitness.console import say
from livewitness.display import StreamDisplay
from livewitness.supervision import put_file_webhooks, run_until_settled, supervisor_of
from livewitness.wiring import (
    FLUSH_S,
    database_of,
    delivery_of,
    embedder_of,
    settings_for,
    truncated_error,
    watch_of,
)
from pipeline.live import StreamWatch, WatchResult
from pipeline.streams_file import read_streams_file


@click.command(name="watch")
@click.argument("source", required=False)
@click.option("--stream", "name", default="", help="直播名，由你取 / a name of your choice")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=None,
    help="streams.yaml：同时监看其中所有直播 / watch all streams of the file",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(1, 65535),
    default=None,
    help="与 --config 同用：在本机端口提供指标 / with --config: metrics on this port of loopback",
)
@click.option("--shop", default="", help="店铺 / shop")
@click.option("--host", default="", help="主播 / host")
@click.option("--title", default="", help="标题 / title")
@click.option("--product", default="", help="商品类别 / product class")
@click.option("--realtime", is_flag=True, help="文件按原速播放 / play a file at its own pace")
@data_option
@json_option
def command(
    source: str | None,
    name: str,
    config: Path | None,
    metrics_port: int | None,
    shop: str,
    host: str,
    title: str,
    product: str,
    realtime: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """录制并实时告警；SOURCE 为文件或 http(s)/rtmp/rtsp/srt 地址 / Record a file or address and alert."""
    if config is not None and source is None and not name:
        watch_all(config, settings_for(data), as_json, metrics_port)
        return
    if source is None or not name or config is not None or metrics_port is not None:
        raise click.UsageError(
            "请给出 SOURCE 和 --stream，或只给 --config / name a SOURCE with --stream, or a --config file alone"
        )
    record = Stream(name=name, source=source, shop=shop, host=host, title=title, product=product)
    parsed = parse_source(source)
    settings = settings_for(data)
    with StreamDisplay(as_json) as display, watch_of(settings, record, parsed, display.show, realtime) as watch:
        stop_on_signals(watch)
        result = watch.run()
    conclude(result)
    if result.truncated:
        raise truncated_error(source, result.recorded_ms)


def watch_all(path: Path, settings: Settings, as_json: bool, metrics_port: int | None) -> None:
    """Watch every stream of a streams.yaml until all have ended; exit code 1 when one failed for good."""
    found, hooks = read_streams_file(path)
    metrics = Metrics()
    with (
        database_of(settings) as db,
        embedder_of(settings) as embedder,
        delivery_of(settings, db),
        StreamDisplay(as_json, named=True) as display,
        serving_metrics(metrics, metrics_port),
    ):
        put_file_webhooks(db, hooks)
        indexer = VectorIndexer(db, embedder)
        indexer.start()
        try:
            with supervisor_of(
                settings, db, display.show, metrics, written=found.streams, embedder=embedder
            ) as supervisor:
                for stream in found.streams:
                    supervisor.add(stream)
                run_until_settled(supervisor)
                failed = [state for state in supervisor.states() if state["state"] == "failed"]
            indexer.flush(FLUSH_S)
        finally:
            indexer.stop()
    if failed:
        names = ", ".join(state["name"] for state in failed)
        raise SourceError("streams_failed", f"这些直播未能完成：{names}。", f"These streams failed: {names}.")


@contextmanager
def serving_metrics(metrics: Metrics, port: int | None) -> Iterator[None]:
    """Measurements on a port of loopback, where one is named."""
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, "127.0.0.1", metrics.registry)
    except OSError as error:
        raise ConflictError("port_busy", f"端口 {port} 已被占用。", f"Port {port} is in use.") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def stop_on_signals(watch: StreamWatch) -> None:
    """Ctrl-C and SIGTERM close the open segment and store what was heard; a second one ends at once."""

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        say("正在收尾，再按一次立即退出。", "Finishing; once more to quit at once.")
        watch.stop()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def conclude(result: WatchResult) -> None:
    """The closing sentence for people."""
    if result.reason == "already_done":
        say(f"{result.stream}：同一文件已处理完，无需重做。", f"{result.stream}: this file is done already.")
        return
    say(
        f"{result.stream} 结束（{result.reason}）：录制 {result.recorded_ms / 1000:.1f} 秒，"
        f"{result.utterances} 句，告警 {result.alerts} 条，缺口 {result.gaps} 处。",
        f"{result.stream} ended ({result.reason}): {result.recorded_ms / 1000:.1f} s recorded, "
        f"{result.utterances} utterances, {result.alerts} alerts, {result.gaps} gaps.",
    )
