"""``livewitness export``: a stretch as a package that a stranger can verify."""

from pathlib import Path

import click

from core.clock import parse_seconds, seconds
from core.errors import UsageError
from evidence.audit import local_actor
from evidence.clip import clip_json
from evidence.package import ExportContext, ExportRequest, export_package
from livewitness.cli import data_option, json_option
from livewitness.console import emit, say, stdout
from livewitness.wiring import database_of, seal_options, settings_for


@click.command(name="export")
@click.argument("stream")
@click.argument("start")
@click.argument("end")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="证据包 .zip / package, .zip")
@click.option("--case", default="", help="案号 / case")
@click.option("--reason", default="", help="事由 / reason")
@data_option
@json_option
def command(
    stream: str, start: str, end: str, output: Path, case: str, reason: str, data: Path | None, as_json: bool
) -> None:
    """导出可独立核验的证据包；START、END 为秒或 时:分:秒 / Export a stretch as a package others can verify."""
    settings = settings_for(data)
    request = ExportRequest(stream, _milliseconds(start), _milliseconds(end), case, reason)
    with database_of(settings) as db:
        context = ExportContext(db, settings.data.absolute(), seal_options(settings), local_actor(), settings.ffmpeg)
        package = export_package(context, request, output)
    if as_json:
        fields = {"path": str(package.path), "sha256": package.sha256, "size": package.size}
        counts = {"segments": package.segments, "checkpoints": package.checkpoints, "alerts": package.alerts}
        emit(fields | counts | {"stamped": package.stamped, "clip": clip_json(package.clip)})
        return
    stdout.print(f"{package.path}\nSHA-256 {package.sha256}", markup=False, soft_wrap=True)
    length = seconds(package.clip.end_ms - package.clip.start_ms)
    say(
        f"{package.segments} 个原始分段，片段 {length} 秒，告警 {package.alerts} 条，检查点 {package.checkpoints} 个"
        f"（{'有' if package.stamped else '无'}时间戳）。",
        f"{package.segments} original segments, a clip of {length} s, {package.alerts} alerts, "
        f"{package.checkpoints} checkpoints ({'with' if package.stamped else 'without'} time-stamp).",
    )


def _milliseconds(text: str) -> int:
    try:
        return round(parse_seconds(text) * 1000)
    except ValueError as error:
        raise UsageError(
            "bad_time", f"看不懂时间 {text}；例：83.5 或 1:23.5。", f"Not a time: {text}; e.g. 83.5 or 1:23.5."
        ) from error
