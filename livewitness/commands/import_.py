"""``livewitness import``: files from elsewhere beside a stream, logged as received, never as recorded."""

from pathlib import Path

import click

from core.records import Stream
from evidence.audit import local_actor
from evidence.receipt import KINDS, Receipt, check_receivable, receive
from evidence.staging import ExportContext
from livewitness.cli import data_option, json_option
from livewitness.console import emit, say, stdout
from livewitness.wiring import database_of, seal_options, settings_for
from store import streams


@click.command(name="import")
@click.argument("stream")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--giver", default="", help="由谁提供 / who gave them")
@click.option("--kind", type=click.Choice(KINDS), default=None, help="默认看文件名 / told by the name by default")
@data_option
@json_option
def command(
    stream: str, files: tuple[Path, ...], giver: str, kind: str | None, data: Path | None, as_json: bool
) -> None:
    """接收外来文件，记为“接收” / Take files from elsewhere in, logged as received.

    字幕、弹幕、截图、订单截图、元数据；录像本身用 backfill / Recordings themselves: backfill.
    """
    settings = settings_for(data)
    for path in files:
        check_receivable(path)
    with database_of(settings) as db:
        with db.write() as connection:
            record = streams.open_stream(connection, Stream(stream, "received"))
        context = ExportContext(
            db, settings.data.absolute(), seal_options(settings), local_actor(), settings.ffmpeg, settings.ffmpeg_user
        )
        added = receive(context, record, [Receipt(path, kind or "") for path in files], giver)
    for leaf in added:
        if as_json:
            emit({"event": "received", "stream": stream} | {n: leaf[n] for n in ("name", "what", "sha256", "time")})
        else:
            stdout.print(f"{leaf['what']:<10} {leaf['sha256']}  {leaf['name']}", markup=False, soft_wrap=True)
    known = len(files) - len(added)
    say(
        f"已接收 {len(added)} 个文件（{known} 个原已接收）；证据里记为接收，不是录制。",
        f"{len(added)} files received ({known} were there); the evidence says received, not recorded.",
    )
