"""``livewitness search``: say what was claimed, get the place where it was said."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click
from rich.text import Text

from core.clock import timecode
from core.errors import BadInputError, NotFoundError, UsageError
from core.shapes import Json
from evidence.audit import append_audit, local_actor
from index.answer import Hit, SearchAnswer, answer_json
from index.request import Moment, SearchRequest, parse_moment
from index.search import Searcher
from livewitness.cli import data_option, json_option
from livewitness.console import emit, printable, say, stdout
from livewitness.wiring import searcher_of, settings_for


@click.command(name="search")
@click.argument("query", required=False)
@click.option(
    "--batch",
    type=click.Path(path_type=Path),
    help="每行一个查询，或 JSONL {query, id?} / a query or JSON object a line",
)
@click.option("--stream", default="", help="只搜一场 / one stream only")
@click.option("--shop", default="", help="只搜一家店 / one shop only")
@click.option("--from", "from_", default=None, help="起：UTC 时间，或场内秒数 / from: UTC, or seconds in the stream")
@click.option("--to", default=None, help="止 / to")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="条数 / hits")
@data_option
@json_option
def command(
    query: str | None,
    batch: Path | None,
    stream: str,
    shop: str,
    from_: str | None,
    to: str | None,
    limit: int,
    data: Path | None,
    as_json: bool,
) -> None:
    """按说过的话搜索 / Search for what was said."""
    if (query is None) == (batch is None):
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
    begin, end = _moment(from_), _moment(to)
    asked = 0
    with searcher_of(settings) as searcher:
        for item in _queries(query, batch):
            request = SearchRequest(str(item["query"]), stream, shop, begin, end, limit)
            _report(searcher, request, item, as_json)
            asked += 1
    what = {"query": query} if batch is None else {"batch": batch.name, "queries": asked}
    append_audit(settings.data, local_actor(), "search", what | {"stream": stream, "shop": shop})


def _moment(text: str | None) -> Moment | None:
    return None if text is None else parse_moment(text)


def _queries(query: str | None, batch: Path | None) -> Iterator[Json]:
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


def _report(searcher: Searcher, request: SearchRequest, item: Json, as_json: bool) -> None:
    answer = searcher.search(request)
    if as_json:
        emit(({"id": item["id"]} if "id" in item else {}) | answer_json(answer))
        return
    _show(answer)


def _show(answer: SearchAnswer) -> None:
    for rank, hit in enumerate(answer.hits, 1):
        stdout.print(_line(rank, hit), soft_wrap=True)
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
