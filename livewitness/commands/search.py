"""``livewitness search``: say what was claimed, get the place where it was said."""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click
from rich.text import Text

from core.clock import iso, seconds, timecode
from core.errors import BadInputError, NotFoundError, StorageError, UsageError
from core.records import Category
from core.shapes import Json
from evidence.audit import append_audit, local_actor
from index.answer import Hit, SearchAnswer, answer_json
from index.request import MAX_WITHIN_MINUTES, Moment, SearchRequest, parse_moment
from livewitness.cli import data_option, json_option
from livewitness.console import emit, printable, say, stdout
from livewitness.wiring import searcher_of, settings_for


@click.command(name="search")
@click.argument("query", nargs=-1)
@click.option(
    "--batch",
    type=click.Path(path_type=Path),
    help="每行一个查询，或 JSONL {query, id?} / a query or JSON object a line",
)
@click.option("--stream", default="", help="只搜一场 / one stream only")
@click.option("--shop", default="", help="只搜一家店 / one shop only")
@click.option("--host", default="", help="只搜一位主播 / one host only")
@click.option("--product", default="", help="当时在架的商品，名称或类别 / on the shelf meanwhile, by name or class")
@click.option(
    "--category", type=click.Choice([c.value for c in Category]), help="有该类告警的句子 / alerted for this class"
)
@click.option("--alerted/--not-alerted", default=None, help="有无告警 / with or without an alert")
@click.option("--near", default=None, help="某时刻前后，如下单时间 / around a moment, as that of an order")
@click.option(
    "--within",
    type=click.FloatRange(0.1, MAX_WITHIN_MINUTES),
    default=30.0,
    show_default=True,
    help="前后几分钟 / minutes",
)
@click.option("--from", "from_", default=None, help="起：UTC 时间，或场内秒数 / from: UTC, or seconds in the stream")
@click.option("--to", default=None, help="止 / to")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="条数 / hits")
@click.option("--explain", is_flag=True, help="逐条说明为何命中 / say for each hit why it is one")
@click.option("--csv", "table", type=click.Path(dir_okay=False, path_type=Path), help="结果另存为 CSV / hits as CSV")
@data_option
@json_option
def command(
    query: tuple[str, ...],
    batch: Path | None,
    stream: str,
    shop: str,
    host: str,
    product: str,
    category: str | None,
    alerted: bool | None,
    near: str | None,
    within: float,
    from_: str | None,
    to: str | None,
    limit: int,
    explain: bool,
    table: Path | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """按说过的话搜索 / Search for what was said.

    几个说法任一即可：三天祛斑 假一赔十；必须原话："三天"；排除：-面膜（放在引号内的整句里）。
    Several phrases: any of them. Exact words in double quotes, words to leave out after a minus, within one argument.
    """
    if bool(query) == (batch is not None):
        raise UsageError(
            "search_nothing", "请给出查询，或用 --batch 指定文件。", "Give a query, or a file with --batch."
        )
    settings = settings_for(data)
    if not settings.database.is_file():
        raise NotFoundError(
            "no_data",
            f"{settings.data} 里还没有录像或字幕。",
            f"There is nothing recorded or imported in {settings.data}.",
        )
    wanted = SearchRequest(
        " | ".join(query), stream, shop, _moment(from_), _moment(to), limit,
        host=host, product=product, category=category or "", alerted=alerted,
        near=_wall_time(near), within_minutes=within,
    )  # fmt: skip
    answers: list[SearchAnswer] = []
    with searcher_of(settings) as searcher:
        for item in _queries(wanted.query, batch):
            answers.append(searcher.search(replace(wanted, query=str(item["query"]))))
            _report(answers[-1], item, as_json, explain)
    if table is not None:
        write_csv(table, answers)
    what = {"query": wanted.query} if batch is None else {"batch": batch.name, "queries": len(answers)}
    append_audit(settings.data, local_actor(), "search", what | {"stream": stream, "shop": shop})


def _moment(text: str | None) -> Moment | None:
    return None if text is None else parse_moment(text)


def _wall_time(text: str | None) -> datetime | None:
    moment = _moment(text)
    if moment is None or isinstance(moment, datetime):
        return moment
    raise UsageError("search_near_time", "--near 要写日期和时间。", "--near takes a date and a time.")


def _queries(query: str, batch: Path | None) -> Iterator[Json]:
    if batch is None:
        yield {"query": query}
        return
    if str(batch) == "-":
        yield from read_queries(sys.stdin, "-")
        return
    if not batch.is_file():
        raise NotFoundError("file_missing", f"找不到文件 {batch}。", f"There is no file {batch}.")
    with batch.open(encoding="utf-8-sig") as lines:
        yield from read_queries(lines, str(batch))


def read_queries(lines: TextIO, name: str) -> Iterator[Json]:
    """Objects with ``query`` and perhaps ``id``, from JSON lines or plain lines. `BadInputError` names the line."""
    number = 0
    try:
        for line in lines:
            text = line.strip()
            number += 1
            if text.startswith("{"):
                fields = json.loads(text)
                yield {"query": fields["query"]} | ({"id": fields["id"]} if "id" in fields else {})
            elif text:
                yield {"query": text}
    except (ValueError, KeyError, RecursionError) as error:
        raise BadInputError(
            "batch_line",
            f"{name} 第 {max(1, number)} 行附近不是查询，也不是含 query 的 JSON 对象。",
            f"{name}, near line {max(1, number)}: neither a query nor a JSON object with a query.",
        ) from error


def _report(answer: SearchAnswer, item: Json, as_json: bool, explain: bool) -> None:
    if as_json:
        emit(({"id": item["id"]} if "id" in item else {}) | answer_json(answer))
        return
    _show(answer, explain)


def _show(answer: SearchAnswer, explain: bool) -> None:
    for rank, hit in enumerate(answer.hits, 1):
        stdout.print(_line(rank, hit), soft_wrap=True)
        for line in explained(hit) if explain else ():
            stdout.print(Text(f"      {line}", style="dim"), soft_wrap=True)
    searched = answer.searched
    hours = searched.recorded_ms / 3_600_000
    if not answer.hits:
        say(f"没有搜到「{answer.query}」。", f"Nothing was found for {answer.query}.")
    say(
        f"已搜 {searched.streams} 场、{hours:.2f} 小时、{searched.utterances} 句，中断 {searched.gaps} 处，"
        f"尚未编入索引 {searched.not_indexed} 句。",
        f"Searched {searched.streams} streams, {hours:.2f} h, {searched.utterances} utterances, {searched.gaps} gaps; "
        f"{searched.not_indexed} not indexed yet.",
    )


def _line(rank: int, hit: Hit) -> Text:
    utterance = hit.utterance
    line = Text(f"{rank:>2}. {printable(utterance.stream)} {timecode(hit.start_ms)}  ")
    line.append(f"{hit.score:.2f} ", style="dim")
    spoken = Text(printable(utterance.text))
    spoken.highlight_words([printable(hit.matched)] if hit.matched else [], style="bold red")
    ways = "、".join(why.way for why in hit.why)
    return line.append_text(spoken).append(f"  （{ways}）", style="dim")


_WAYS = {
    "exact": "原话 exact",
    "letters": "字 letters",
    "sound": "音 sound",
    "concept": "意 concept",
    "meaning": "义 meaning",
}


def explained(hit: Hit) -> list[str]:
    """One line for each way by which the hit answers: its words, and the share of the query they cover."""
    lines = [f"{_WAYS.get(why.way, why.way)} {why.score:.2f}：{printable('、'.join(why.words))}" for why in hit.why]
    if hit.neighbour is not None:
        lines.append(f"连同前后句 with its neighbour：{printable(hit.neighbour.text)}")
    if hit.denied:
        lines.append("含否定 denied in part")
    return [*lines, f"时间 {timecode(hit.start_ms)}–{timecode(hit.end_ms)}，{iso(hit.wall_time)}"]


COLUMNS = ("query", "rank", "score", "stream", "start", "end", "wall_time", "matched", "text", "denied", "ways")


def write_csv(path: Path, answers: Sequence[SearchAnswer]) -> None:
    """Hits as CSV with a byte-order mark, so that spreadsheets read it as UTF-8. Raises `StorageError`."""
    rows = [
        [
            answer.query, rank, round(hit.score, 4), hit.utterance.stream, seconds(hit.start_ms), seconds(hit.end_ms),
            iso(hit.wall_time), hit.matched, hit.utterance.text, int(hit.denied), " ".join(why.way for why in hit.why),
        ]
        for answer in answers
        for rank, hit in enumerate(answer.hits, 1)
    ]  # fmt: skip
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([_harmless(cell) for cell in row] for row in rows)
    except OSError as error:
        raise StorageError("csv_unwritable", f"无法写入 {path}。", f"{path} cannot be written.") from error


def _harmless(cell: object) -> object:
    """Text that a spreadsheet would take for a formula is marked as text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
