"""``livewitness export``: a stretch as a package that a stranger can verify, its masked edition; a negative result."""

from pathlib import Path

import click

from core.clock import seconds
from core.errors import UsageError
from evidence.audit import local_actor
from evidence.clip import clip_json
from evidence.masks import Box, MaskRequest, Range
from evidence.negative import THRESHOLD
from evidence.package import ExportContext, ExportRequest, Package, export_package
from livewitness.cli import data_option, json_option
from livewitness.console import emit, say, stdout
from livewitness.negative import NegativeQuery, search_and_export
from livewitness.times import milliseconds
from livewitness.wiring import database_of, seal_options, settings_for


@click.command(name="export")
@click.argument("stretch", nargs=-1, metavar="[STREAM START END]")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="证据包 .zip / package, .zip")
@click.option("--case", default="", help="案号 / case")
@click.option("--reason", default="", help="事由 / reason")
@click.option(
    "--masked", type=click.Path(path_type=Path), help="同时写出遮蔽版 .zip / also the masked edition, to this file"
)
@click.option("--mute", multiple=True, metavar="FROM-TO", help="遮蔽版：静音时段 / masked: mute this stretch")
@click.option(
    "--blur",
    multiple=True,
    metavar="X,Y,W,H[@FROM-TO]",
    help="遮蔽版：遮住画面矩形（像素） / masked: hide this rectangle, in pixels",
)
@click.option("--faces", is_flag=True, help="遮蔽版：自动遮脸（需 vision）/ masked: hide faces that are found (vision)")
@click.option("--negative", metavar="QUERY", default="", help="导出“检索未果” / export that this was not found")
@click.option("--stream", default="", help="检索未果：只检索一场 / negative: this stream only")
@click.option("--shop", default="", help="检索未果：只检索一家店 / negative: this shop only")
@click.option("--host", default="", help="检索未果：只检索一位主播 / negative: this host only")
@click.option("--from", "from_", default=None, help="检索未果：起 / negative: from, UTC or seconds in the stream")
@click.option("--to", default=None, help="检索未果：止 / negative: to")
@click.option(
    "--threshold",
    type=click.FloatRange(0.01, 10),
    default=THRESHOLD,
    show_default=True,
    help="检索未果：得分达到即算找到 / negative: a score that counts as found",
)
@data_option
@json_option
def command(
    stretch: tuple[str, ...],
    output: Path,
    case: str,
    reason: str,
    masked: Path | None,
    mute: tuple[str, ...],
    blur: tuple[str, ...],
    faces: bool,
    negative: str,
    stream: str,
    shop: str,
    host: str,
    from_: str | None,
    to: str | None,
    threshold: float,
    data: Path | None,
    as_json: bool,
) -> None:
    """导出可独立核验的证据包 / Export a stretch as a package others can verify.

    STREAM START END（秒或 时:分:秒），或 --negative 查询 / a stretch in seconds or h:mm:ss, or a query not found.
    """
    if bool(negative) == bool(stretch):
        raise UsageError(
            "export_what", "请给出 直播 起 止，或 --negative 查询。", "Give STREAM START END, or --negative QUERY."
        )
    settings = settings_for(data)
    if negative:
        query = NegativeQuery(negative, stream, shop, host, from_, to, threshold)
        search_and_export(settings, query, output, case, reason, as_json=as_json)
        return
    masks = _masks(masked, mute, blur, faces=faces)
    request = _request(stretch, case, reason)
    with database_of(settings) as db:
        context = ExportContext(
            db, settings.data.absolute(), seal_options(settings), local_actor(), settings.ffmpeg, settings.ffmpeg_user
        )
        package = export_package(context, request, output, masks)
    _tell(package, as_json=as_json)


def _request(stretch: tuple[str, ...], case: str, reason: str) -> ExportRequest:
    if len(stretch) != 3:
        raise UsageError("export_stretch", "请给出 直播 起 止 三项。", "Give three things: STREAM START END.")
    return ExportRequest(stretch[0], milliseconds(stretch[1]), milliseconds(stretch[2]), case, reason)


def _masks(masked: Path | None, mute: tuple[str, ...], blur: tuple[str, ...], *, faces: bool) -> MaskRequest | None:
    if masked is None:
        if mute or blur or faces:
            raise UsageError(
                "mask_where",
                "--mute、--blur、--faces 需要 --masked 文件.zip。",
                "--mute, --blur and --faces need --masked FILE.zip.",
            )
        return None
    return MaskRequest(masked, tuple(map(_range, mute)), tuple(map(_box, blur)), faces)


def _range(text: str) -> Range:
    start, dash, end = text.partition("-")
    if not dash:
        raise UsageError("bad_range", f"看不懂时段 {text}；例：83.5-90。", f"Not a stretch: {text}; e.g. 83.5-90.")
    return Range(milliseconds(start), milliseconds(end))


def _box(text: str) -> Box:
    place, _, when = text.partition("@")
    parts = place.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise UsageError(
            "bad_box",
            f"看不懂矩形 {text}；例：10,20,200,80@83.5-90。",
            f"Not a box: {text}; e.g. 10,20,200,80@83.5-90.",
        )
    x, y, width, height = (int(part) for part in parts)
    return Box(x, y, width, height, _range(when) if when else None)


def _tell(package: Package, *, as_json: bool) -> None:
    masked = package.masked
    if as_json:
        fields = {"path": str(package.path), "sha256": package.sha256, "size": package.size}
        counts = {"segments": package.segments, "checkpoints": package.checkpoints, "alerts": package.alerts}
        edition = None
        if masked is not None:
            edition = {"path": str(masked.path), "sha256": masked.sha256, "size": masked.size, "found": masked.masks}
        emit(fields | counts | {"stamped": package.stamped, "clip": clip_json(package.clip), "masked": edition})
        return
    stdout.print(f"{package.path}\nSHA-256 {package.sha256}", markup=False, soft_wrap=True)
    length = seconds(package.clip.end_ms - package.clip.start_ms)
    say(
        f"{package.segments} 个原始分段，片段 {length} 秒，告警 {package.alerts} 条，检查点 {package.checkpoints} 个"
        f"（{'有' if package.stamped else '无'}时间戳）。",
        f"{package.segments} original segments, a clip of {length} s, {package.alerts} alerts, "
        f"{package.checkpoints} checkpoints ({'with' if package.stamped else 'without'} time-stamp).",
    )
    if masked is not None:
        stdout.print(f"{masked.path}\nSHA-256 {masked.sha256}", markup=False, soft_wrap=True)
        say(
            "遮蔽版已写出：交付前请看一遍、听一遍。未遮蔽版含绑定用的密行，请自己保管。",
            "The masked edition is written: look and listen before you hand it out. Keep the unmasked one; it holds "
            "the secret line that binds them.",
        )
