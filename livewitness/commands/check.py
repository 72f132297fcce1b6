"""``livewitness check``: unlawful claims in text given as arguments, in a JSON-lines file, or on stdin."""

import json
import sys
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import click
from rich.text import Text

from claims.checker import Checker, load_checker
from claims.joined import Across, Judged, join, judge, near
from core.clock import beijing_day, utc_now
from core.errors import BadInputError, NotFoundError, UsageError
from core.records import Finding
from core.settings import Settings
from core.shapes import Json, finding_json
from livewitness.cli import json_option
from livewitness.console import emit, printable, stdout
from livewitness.wiring import embedder_of
from models.judge import load_judge

_MOST_STREAMS = 1_000


@click.command(name="check")
@click.argument("texts", nargs=-1)
@click.option(
    "--input",
    "input_",
    type=click.Path(path_type=Path),
    help="JSONL：{id,text,product?,stream?,start?,end?}；- 为标准输入 / stdin",
)
@click.option("--product", default="", help="商品类别，如 cosmetics、health_food / product class")
@click.option("--meaning/--no-meaning", default=True, help="语义模型（含句向量）/ the meaning model with embeddings")
@click.option("--pack", "packs", multiple=True, type=click.Path(path_type=Path), help="另加规则包 / an extra rule pack")
@click.option("--judge", type=click.Path(path_type=Path), help="更强的判断模型的文件夹 / folder of a stronger judge")
@json_option
def command(
    texts: tuple[str, ...],
    input_: Path | None,
    product: str,
    meaning: bool,
    packs: tuple[Path, ...],
    judge: Path | None,
    as_json: bool,
) -> None:
    """检查文字中的违规宣称；同一 stream 相邻的行连着看 / Check text; near lines of one stream are read on."""
    if not texts and input_ is None:
        raise UsageError("check_nothing", "请给出文字或 --input 文件。", "Give some text or a file with --input.")
    settings = Settings()
    with ExitStack() as stack:
        embedder = stack.enter_context(embedder_of(settings)) if meaning else None
        strong = load_judge(judge) if judge else None
        checker = load_checker((*settings.all_packs, *packs), embedder=embedder, meaning=meaning, judge=strong)
        reporter = Reporter(checker, product, as_json)
        for number, text in enumerate(texts):
            reporter.report(Item(str(number), text))
        if input_ is not None:
            with _open(input_) as lines:
                for item in read_items(lines, str(input_)):
                    reporter.report(item)


def _open(path: Path) -> TextIO:
    if str(path) == "-":
        return sys.stdin
    if not path.is_file():
        raise NotFoundError("file_missing", f"找不到文件 {path}。", f"There is no file {path}.")
    return path.open(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Item:
    """One text to check. With a ``stream`` and times it is a neighbour of the line before it in that stream."""

    id: str
    text: str
    product: str = ""
    stream: str = ""
    start_ms: int = 0
    end_ms: int = 0


def read_items(lines: TextIO, name: str) -> Iterator[Item]:
    """One item a line. Raises `BadInputError` with the line's number."""
    number = 0
    try:
        for line in lines:
            number += 1
            if line.strip():
                yield _item(json.loads(line), number)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise BadInputError(
            "check_line",
            f"{name} 第 {max(1, number)} 行附近不是含 text 的 UTF-8 JSON 对象。",
            f"{name}, near line {max(1, number)}: not a UTF-8 JSON object with a text.",
        ) from error


def _item(fields: dict[str, object], number: int) -> Item:
    text, start = fields["text"], fields.get("start")
    if not isinstance(text, str):
        raise TypeError("text")
    product = str(fields.get("product") or "")
    if start is None or not fields.get("stream"):
        return Item(str(fields.get("id", number)), text, product)
    start_ms, end_ms = (round(float(str(value)) * 1000) for value in (start, fields.get("end", start)))
    return Item(str(fields.get("id", number)), text, product, str(fields["stream"]), start_ms, max(start_ms, end_ms))


class Reporter:
    """Checks items in turn and writes what is found; knows the last line of each stream."""

    def __init__(self, checker: Checker, product: str, as_json: bool) -> None:
        self._checker, self._product, self._as_json = checker, product, as_json
        self._last: OrderedDict[str, tuple[Item, tuple[Finding, ...]]] = OrderedDict()

    def report(self, item: Item) -> None:
        """Judge ``item``, behind the line before it where that is near, and write the result."""
        product = item.product or self._product

        def check(text: str, probabilities: Sequence[float] | None) -> tuple[Finding, ...]:
            return self._checker.check(text, product, probabilities, beijing_day(utc_now()))

        earlier, made = self._last.get(item.stream, (None, ()))
        if not item.stream or earlier is None or not near(earlier.end_ms, item.start_ms):
            earlier, judged = None, Judged(check(item.text, None))
        else:
            judged = judge(check, join(earlier.text, item.text), made)
        if item.stream:
            self._remember(item, judged)
        self._write(item, judged, earlier)

    def _remember(self, item: Item, judged: Judged) -> None:
        self._last[item.stream] = item, judged.made
        self._last.move_to_end(item.stream)
        if len(self._last) > _MOST_STREAMS:
            self._last.popitem(last=False)

    def _write(self, item: Item, judged: Judged, earlier: Item | None) -> None:
        before = earlier.id if earlier else ""
        if self._as_json:
            found = [finding_json(f) for f in judged.own]
            found += [_across_json(across, before) for across in judged.across]
            excuses = [{"id": before, "rule_id": f.rule_id, "start": f.start, "end": f.end} for f in judged.excused]
            emit({"id": item.id, "text": item.text, "findings": found} | ({"excuses": excuses} if excuses else {}))
            return
        across = tuple(replace(a.finding, start=0, end=a.later_end) for a in judged.across)
        _show(item.text, (*judged.own, *across))
        for finding in judged.excused:
            words = printable(finding.matched)
            stdout.print(f"  前一句的「{words}」由此不算 / takes back {finding.rule_id}", markup=False)


def _across_json(across: Across, earlier: str) -> Json:
    """A finding in code points of its own line, from 0 on, and where it began in the line before."""
    place = {"start": 0, "end": across.later_end, "across": {"id": earlier, "start": across.earlier_start}}
    return finding_json(across.finding) | place


def _show(text: str, findings: tuple[Finding, ...]) -> None:
    line = Text(printable(text))
    for finding in findings:
        line.stylize("bold red", finding.start, finding.end)
    stdout.print(line)
    if not findings:
        stdout.print("  未发现问题 / nothing found", style="green")
    for finding in findings:
        basis = "；".join(f"{b.law} {b.article}" for b in finding.legal_basis)
        stdout.print(
            f"  {finding.rule_id} {finding.title}「{printable(finding.matched)}」"
            f"{finding.verdict.value}/{finding.severity.value} {finding.score:.2f}\n"
            f"    依据 / basis: {basis}\n    建议 / advice: {finding.advice}",
            markup=False,
        )
