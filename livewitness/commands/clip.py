"""``livewitness clip``: the recorded minutes as a file, with its hash."""

from pathlib import Path

import click

from core.clock import seconds, timecode
from evidence.audit import append_audit, local_actor
from evidence.clip import Mode, clip_json, cut_clip
from evidence.sheet import write_sheet
from livewitness.cli import data_option, json_option
from livewitness.console import emit, say, stdout
from livewitness.times import milliseconds
from livewitness.wiring import database_of, settings_for


@click.command(name="clip")
@click.argument("stream")
@click.argument("start")
@click.argument("end")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="输出文件 / output file")
@click.option(
    "--mode",
    type=click.Choice(["copy", "exact"]),
    default="copy",
    help="copy：原样，从关键帧起；exact：重编码，精确到毫秒 / untouched from a key frame, or encoded anew to the ms",
)
@click.option("--sheet", type=click.Path(path_type=Path), help="另存缩略图（需 vision）/ contact sheet (extra vision)")
@data_option
@json_option
def command(
    stream: str, start: str, end: str, output: Path, mode: Mode, sheet: Path | None, data: Path | None, as_json: bool
) -> None:
    """截取片段；START、END 为秒或 时:分:秒 / Cut a clip; START and END in seconds or h:mm:ss."""
    start_ms, end_ms = milliseconds(start), milliseconds(end)
    settings = settings_for(data)
    with database_of(settings) as db:
        clip = cut_clip(
            db,
            settings.data.absolute(),
            stream,
            start_ms,
            end_ms,
            output,
            mode=mode,
            ffmpeg=settings.ffmpeg,
            ffmpeg_user=settings.ffmpeg_user,
        )
    if sheet is not None:
        write_sheet(clip, sheet)
    detail = {"stream": stream, "start": seconds(clip.start_ms), "end": seconds(clip.end_ms), "sha256": clip.sha256}
    append_audit(settings.data, local_actor(), "clip", detail)
    if as_json:
        emit({"path": str(clip.path)} | clip_json(clip))
        return
    stdout.print(f"{clip.path}\nSHA-256 {clip.sha256}", markup=False, soft_wrap=True)
    length = seconds(clip.end_ms - clip.start_ms)
    say(
        f"{timecode(clip.start_ms)} 起 {length} 秒，比所求提前 {clip.lead_ms} 毫秒（{clip.mode}）。",
        f"From {timecode(clip.start_ms)}, {length} s, {clip.lead_ms} ms earlier than asked ({clip.mode}).",
    )
