"""``livewitness timeline``: products on the shelf, prices, comments and notes of a stream."""

from pathlib import Path

import click

from core.clock import iso, parse_seconds, timecode, utc_now
from core.errors import NotFoundError, UsageError
from core.records import TimelineEvent, TimelineKind
from core.shapes import timeline_json
from evidence.audit import append_audit, local_actor
from livewitness.cli import data_option, json_option
from livewitness.console import emit, printable, say, stdout
from livewitness.wiring import database_of, settings_for
from store import streams, timeline
from store.engine import Database


@click.group(name="timeline")
def command() -> None:
    """时间线：上架商品、价格、弹幕、备注 / Products, prices, comments and notes of a stream."""


def _refuse_unknown(db: Database, name: str) -> None:
    with db.read() as connection:
        if streams.get_stream(connection, name) is None:
            raise NotFoundError("stream_unknown", f"没有名为“{name}”的直播流。", f"There is no stream named “{name}”.")


@command.command(name="add")
@click.argument("stream")
@click.argument("kind", type=click.Choice([kind.value for kind in TimelineKind]))
@click.argument("text", default="")
@click.option("--at", default="", help="直播内时间，如 83.5 或 1:23.5；默认现在 / time in the stream; default: now")
@click.option("--class", "product_class", default="", help="商品类别 / product class, for the rules")
@click.option("--price", type=click.FloatRange(0, 1e9), default=None, help="价格，元 / price in yuan")
@click.option("--author", default="", help="弹幕作者 / who wrote the comment")
@data_option
@json_option
def add(
    stream: str,
    kind: str,
    text: str,
    at: str,
    product_class: str,
    price: float | None,
    author: str,
    data: Path | None,
    as_json: bool,
) -> None:
    """记入一条：STREAM KIND [TEXT]；product 不带 TEXT 表示下架 / Note an event; product without TEXT: taken off."""
    wanted = TimelineKind(kind)
    _refuse_misfit(wanted, text, price)
    with database_of(settings_for(data)) as db:
        _refuse_unknown(db, stream)
        with db.write() as connection:
            at_ms = _milliseconds(at) if at else timeline.stream_ms_at(connection, stream, iso(utc_now()))
            fen = None if price is None else round(price * 100)
            event = TimelineEvent(stream, at_ms, wanted, text.strip(), utc_now(), product_class, fen, author)
            key = timeline.add_event(connection, event)
    append_audit(
        settings_for(data).data, local_actor(), "timeline.posted", {"stream": stream, "event": key, "kind": kind}
    )
    if as_json:
        emit(timeline_json(event) | {"id": key})
    say(f"已记入 {timecode(at_ms)}。", f"Noted at {timecode(at_ms)}.")


def _milliseconds(text: str) -> int:
    try:
        return round(parse_seconds(text) * 1000)
    except ValueError as error:
        raise UsageError("bad_time", f"看不懂时间 {text}。", f"{text} is not a time.") from error


def _refuse_misfit(kind: TimelineKind, text: str, price: float | None) -> None:
    if (kind is TimelineKind.PRICE) == (price is None):
        raise UsageError("timeline_price", "--price 只用于 price，且必须给出。", "--price goes with price, always.")
    if kind in {TimelineKind.COMMENT, TimelineKind.NOTE} and not text.strip():
        raise UsageError("timeline_text", "请写出内容。", "Some text is needed.")


@command.command(name="list")
@click.argument("stream")
@data_option
@json_option
def list_(stream: str, data: Path | None, as_json: bool) -> None:
    """按时间列出 / List in order of time."""
    with database_of(settings_for(data)) as db:
        _refuse_unknown(db, stream)
        with db.read() as connection:
            events = timeline.list_events(connection, stream, limit=100_000)
    for event in events:
        if as_json:
            emit(timeline_json(event))
            continue
        price = "" if event.price_fen is None else f"¥{event.price_fen / 100:.2f} "
        line = f"{timecode(event.at_ms)}  {event.kind.value:8} {price}{event.text} {event.product_class}".rstrip()
        stdout.print(printable(line), markup=False, soft_wrap=True)
