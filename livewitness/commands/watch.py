"""``livewitness watch``: record a source, listen, and tell alerts as they come."""

import signal
from pathlib import Path
from types import FrameType

import click

from core.records import Stream
from ingest.sources import parse_source
from livewitness.cli import data_option, json_option
from livewitness.console import say
from livewitness.display import StreamDisplay
from livewitness.wiring import settings_for, truncated_error, watch_of
from pipeline.live import StreamWatch, WatchResult


@click.command(name="watch")
@click.argument("source")
@click.option("--stream", "name", required=True, help="直播名，由你取 / a name of your choice")
@click.option("--shop", default="", help="店铺 / shop")
@click.option("--host", default="", help="主播 / host")
@click.option("--title", default="", help="标题 / title")
@click.option("--product", default="", help="商品类别 / product class")
@click.option("--realtime", is_flag=True, help="文件按原速播放 / play a file at its own pace")
@data_option
@json_option
def command(
    source: str,
    name: str,
    shop: str,
    host: str,
    title: str,
    product: str,
    realtime: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """录制并实时告警；SOURCE 为文件或 http(s)/rtmp/rtsp/srt 地址 / Record a file or address and alert."""
    record = Stream(name=name, source=source, shop=shop, host=host, title=title, product=product)
    parsed = parse_source(source)
    settings = settings_for(data)
    with StreamDisplay(as_json) as display, watch_of(settings, record, parsed, display.show, realtime) as watch:
        stop_on_signals(watch)
        result = watch.run()
    conclude(result)
    if result.truncated:
        raise truncated_error(source, result.recorded_ms)


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
        f"{result.utterances} 句，告警 {result.alerts} 条，中断 {result.gaps} 处。",
        f"{result.stream} ended ({result.reason}): {result.recorded_ms / 1000:.1f} s recorded, "
        f"{result.utterances} utterances, {result.alerts} alerts, {result.gaps} gaps.",
    )
