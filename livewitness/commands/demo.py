"""``livewitness demo``: the whole job on the bundled broadcast, as it would be done on any live address."""

import time
from pathlib import Path

import click
from rich.terminal_theme import SVG_EXPORT_THEME

from core.clock import timecode
from core.errors import LiveWitnessError, Sentence
from core.records import Stream
from core.settings import Settings
from evidence.clip import Clip, cut_clip
from evidence.coverage import stretch_around
from index.search import Hit, SearchRequest
from ingest.hls_server import HlsLoopbackServer
from ingest.sources import parse_source
from livewitness.broadcast import load_truth, media_path
from livewitness.cli import data_option
from livewitness.console import phrase, printable, say, stdout
from livewitness.display import StreamDisplay
from livewitness.wiring import database_of, searcher_of, settings_for, watch_of
from pipeline.live import WatchResult

QUERY = "三天祛斑"
_PAGE = """<!doctype html><meta charset="utf-8"><title>make demo</title>
<style>{stylesheet} body {{ margin: 0; padding: 16px; color: {foreground}; background: {background}; }}
pre {{ font: 14px/1.5 "Noto Sans Mono CJK SC", monospace; margin: 0; }}</style><pre><code>{code}</code></pre>
"""
_LEAD_MS, _TAIL_MS = 2_000, 3_000


@click.command(name="demo")
@click.option(
    "--speed",
    type=click.Choice(["live", "fast"]),
    default="live",
    help="live：按原速直播；fast：尽快放完 / live: at its own pace; fast: as fast as the machine can",
)
@click.option(
    "--page", type=click.Path(dir_okay=False, path_type=Path), help="把输出另存为网页 / keep the output as a page"
)
@data_option
def command(speed: str, page: Path | None, data: Path | None) -> None:
    """播放内置直播：告警、检索、截取 / Play the bundled broadcast: alert, search, cut."""
    stdout.record = page is not None
    _demo(speed, data)
    if page is not None:
        stdout.save_html(str(page), theme=SVG_EXPORT_THEME, code_format=_PAGE)


def _demo(speed: str, data: Path | None) -> None:
    settings = settings_for(data)
    name = time.strftime("demo-%Y%m%d-%H%M%S")
    _step(1, "把内置的 94 秒带货直播作为 HLS 直播流播放、录制、识别、告警", "serve the bundled broadcast, watch it")
    result = _watch(settings, name, realtime=speed == "live")
    if result.utterances == 0:
        raise LiveWitnessError(
            "demo_silent",
            "没有识别出任何话语。",
            "Nothing was heard.",
            hint=Sentence("运行 livewitness doctor 检查本机。", "Run livewitness doctor to check this machine."),
        )
    _step(2, f"检索「{QUERY}」", f"search {QUERY}")
    first = _search(settings, name)
    _step(3, "截取第一处命中的片段", "cut the clip of the first hit")
    clip = _cut(settings, name, first)
    stdout.print(f"  {clip.path}\n  SHA-256 {clip.sha256}", markup=False, soft_wrap=True)
    _step(4, "打开服务", "open the service")
    stdout.print(f"  make serve   →   http://127.0.0.1:{settings.port}/", markup=False)


def _step(number: int, zh: str, en: str) -> None:
    stdout.print(f"\n[{number}/4] {printable(phrase(Sentence(zh, en)))}", style="bold", markup=False)


def _watch(settings: Settings, name: str, *, realtime: bool) -> WatchResult:
    with (
        StreamDisplay(as_json=False, console=stdout) as display,
        HlsLoopbackServer(media_path(), realtime=realtime, ffmpeg=settings.ffmpeg) as server,
    ):
        stream = Stream(name=name, source=server.url, shop="演示小店", host="合成主播", title="内置演示直播")
        with watch_of(settings, stream, parse_source(server.url), display.show, realtime=False) as watch:
            result = watch.run()
    claims = sum(sentence.violating for sentence in load_truth())
    say(
        f"录制 {result.recorded_ms / 1000:.1f} 秒，{result.utterances} 句，告警 {result.alerts} 条"
        f"（脚本里有 {claims} 句违规）。",
        f"{result.recorded_ms / 1000:.1f} s recorded, {result.utterances} utterances, {result.alerts} alerts "
        f"({claims} sentences of the script are unlawful).",
    )
    return result


def _search(settings: Settings, name: str) -> Hit:
    with searcher_of(settings) as searcher:
        answer = searcher.search(SearchRequest(query=QUERY, stream=name, limit=3))
    for rank, hit in enumerate(answer.hits, 1):
        ways = "、".join(why.way for why in hit.why)
        said = printable(hit.utterance.text)
        stdout.print(f"  {rank}. {timecode(hit.start_ms)}  {said}  （{ways}）", markup=False, soft_wrap=True)
    if not answer.hits:
        raise LiveWitnessError("demo_no_hit", f"没有检索到{QUERY}。", f"{QUERY} was not found.")
    return answer.hits[0]


def _cut(settings: Settings, name: str, hit: Hit) -> Clip:
    output = settings.data / "clips" / f"{name}-{QUERY}.mp4"
    output.parent.mkdir(parents=True, exist_ok=True)
    with database_of(settings) as db:
        part = stretch_around(db, name, hit.start_ms - _LEAD_MS, hit.end_ms + _TAIL_MS)
        data_dir = settings.data.absolute()
        return cut_clip(
            db,
            data_dir,
            name,
            part.start_ms,
            part.end_ms,
            output,
            ffmpeg=settings.ffmpeg,
            ffmpeg_user=settings.ffmpeg_user,
        )
