"""``livewitness search``: say what was claimed, get the place where it was said."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click
from rich.progress import Progress
from rich.text import Text

from core.clock import iso, timecode
from core.errors import BadInputError, NotFoundError, StorageError, UsageError
from core.records import Category
from core.settings import Settings
from core.shapes import Json
from evidence.audit import append_audit, local_actor
from index.answer import Hit, SearchAnswer, answer_json
from index.export import hits_csv
from index.request import MAX_WITHIN_MINUTES, Moment, SearchRequest, asked_phrases, parse_moment
from index.search import Searcher
from livewitness.cli import data_option, json_option
from livewitness.console import emit, printable, say, say_error, stderr, stdout
from livewitness.wiring import database_of, searcher_of, settings_for
from store.saved_searches import MatchLevel, SavedSearch, save_search


@click.command(name="search")
@click.argument("query", nargs=-1)
@click.option(
    "--batch",
    type=click.Path(path_type=Path),
    help="每行一个查询，或 JSONL {query, id?} / a query or JSON object a line",
)
@click.option("--stream", default="", help="只检索一场 / one stream only")
@click.option("--shop", default="", help="只检索一家店 / one shop only")
@click.option("--host", default="", help="只检索一位主播 / one host only")
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
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="结果另存为 JSON / answers as a JSON file")
@click.option("--save", "name", default="", help="保存，以后说到即告知 / keep asking: told when it is said")
@click.option(
    "--level",
    type=click.Choice([level.value for level in MatchLevel]),
    default=MatchLevel.CLAIM.value,
    show_default=True,
    help="保存的检索要多确定 / how sure a match of a saved search has to be",
)
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
    out: Path | None,
    name: str,
    level: str,
    data: Path | None,
    as_json: bool,
) -> None:
    """按说过的话检索 / Search for what was said.

    几个说法任一即可：三天祛斑 假一赔十；必须原话："三天"；排除：-面膜（放在引号内的整句里）。
    Several phrases: any of them. Exact words in double quotes, words to leave out after a minus, within one argument.
    """
    if bool(query) == (batch is not None):
        raise UsageError(
            "search_nothing", "请给出查询，或用 --batch 指定文件。", "Give a query, or a file with --batch."
        )
    if name and batch is not None:
        raise UsageError("search_save_batch", "--save 保存一个查询，不能与 --batch 同用。", "--save takes one query.")
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
    if name:
        _save(settings, wanted, name, level)
    kept: list[SearchAnswer] = []
    asked = refused = 0
    with _searcher(settings) as searcher:
        for item in _queries(wanted.query, batch):
            asked += 1
            answer = _answer(searcher, wanted, item, as_json, alone=batch is None)
            if answer is None:
                refused += 1
            else:
                _report(answer, item, as_json, explain)
                kept += [answer] if table or out else []
    if table is not None:
        write_csv(table, kept)
    if out is not None:
        write_json(out, kept)
    what = {"query": wanted.query} if batch is None else {"batch": batch.name, "queries": asked}
    append_audit(settings.data, local_actor(), "search", what | {"stream": stream, "shop": shop})
    _check_refused(refused, asked)


def _check_refused(refused: int, asked: int) -> None:
    if refused:
        raise BadInputError(
            "batch_lines",
            f"{asked} 条查询中有 {refused} 条不能用，其余都已回答。",
            f"{refused} of {asked} queries cannot be used; all others were answered.",
        )


def _answer(
    searcher: Searcher, wanted: SearchRequest, item: Json, as_json: bool, *, alone: bool
) -> SearchAnswer | None:
    """The answer to one query; None for a line of a batch that is no query, which is told and passed over."""
    try:
        if "error" in item:
            raise item["error"]
        return searcher.search(replace(wanted, query=item["query"]))
    except BadInputError as error:
        if alone or isinstance(error, NotFoundError):
            raise
        if as_json:
            emit({key: item[key] for key in ("id", "query") if key in item} | {"error": error.as_dict()})
        else:
            say_error(error)
        return None


def _moment(text: str | None) -> Moment | None:
    return None if text is None else parse_moment(text)


def _wall_time(text: str | None) -> datetime | None:
    moment = _moment(text)
    if moment is None or isinstance(moment, datetime):
        return moment
    raise UsageError("search_near_time", "--near 要写日期和时间。", "--near takes a date and a time.")


@contextmanager
def _searcher(settings: Settings) -> Iterator[Searcher]:
    """The opened searcher; a terminal is shown how far the index is read."""
    with ExitStack() as stack:
        with Progress(console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
            task = bar.add_task("读取检索索引 / reading the search index", total=None)
            searcher = stack.enter_context(searcher_of(settings, lambda more: bar.advance(task, more)))
        yield searcher


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
    """Objects with ``query`` and perhaps ``id``, from JSON lines or plain lines; with ``error`` for what is neither.

    Raises `BadInputError` when the file is no text.
    """
    try:
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if text:
                yield _query_of(text, name, number)
    except UnicodeDecodeError as error:
        raise BadInputError("batch_text", f"{name} 不是 UTF-8 文本。", f"{name} is not text in UTF-8.") from error


def _query_of(text: str, name: str, number: int) -> Json:
    if not text.startswith("{"):
        return {"query": text}
    try:
        fields = json.loads(text)
        if not isinstance(fields["query"], str):
            raise TypeError("a query is text")
    except (ValueError, KeyError, TypeError, RecursionError):
        error = BadInputError(
            "batch_line",
            f"{name} 第 {number} 行不是含 query 的 JSON 对象。",
            f"{name}, line {number}: no JSON object with a query.",
        )
        return {"error": error}
    return {"query": fields["query"]} | ({"id": fields["id"]} if "id" in fields else {})


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
        say(f"没有检索到「{answer.query}」。", f"Nothing was found for {answer.query}.")
    say(
        f"已检索 {searched.streams} 场、{hours:.2f} 小时、{searched.utterances} 句，缺口 {searched.gaps} 处，"
        f"尚未编入索引 {searched.not_indexed} 句。",
        f"Searched {searched.streams} streams, {hours:.2f} h, {searched.utterances} utterances, {searched.gaps} gaps; "
        f"{searched.not_indexed} not indexed yet.",
    )
    if searched.untranscribed_ms:
        length = timecode(searched.untranscribed_ms)
        say(f"另有 {length} 录像还没识别，检索不到。", f"{length} of recordings are not transcribed yet: not searched.")


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


def write_csv(path: Path, answers: Sequence[SearchAnswer]) -> None:
    """Hits as CSV. Raises `StorageError`."""
    _write(path, hits_csv(answers))


def write_json(path: Path, answers: Sequence[SearchAnswer]) -> None:
    """Hits as a JSON list of answers, one a query. Raises `StorageError`."""
    _write(path, json.dumps([answer_json(answer) for answer in answers], ensure_ascii=False, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    """Replace ``path`` at once: a full disk leaves what was there before."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError("export_unwritable", f"无法写入 {path}。", f"{path} cannot be written.") from error


def _save(settings: Settings, wanted: SearchRequest, name: str, level: str) -> None:
    """Leave the query, to be asked of everything new. Raises `UsageError` for what only the past has."""
    if wanted.near is not None or wanted.from_ is not None or wanted.to is not None or wanted.alerted is not None:
        raise UsageError(
            "search_save_when",
            "保存的检索针对以后的话，不能再限定时间或有无告警。",
            "A saved search is asked of what comes: it takes no times, and no --alerted.",
        )
    asked_phrases(wanted)
    fields = {field: getattr(wanted, field) for field in ("query", "stream", "shop", "host", "product", "category")}
    with database_of(settings) as db, db.write() as connection:
        save_search(connection, SavedSearch(name, level=MatchLevel(level), created_by=local_actor().name, **fields))
    say(f"已保存“{name}”，以后说到时会告知。", f"Saved as “{name}”: you are told when it is said.")
