"""``livewitness check``: unlawful claims in text given as arguments, in a JSON-lines file, or on stdin."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import click
from rich.text import Text

from claims.checker import Checker, load_checker
from core.errors import BadInputError, NotFoundError, UsageError
from core.records import Finding
from core.settings import Settings
from core.shapes import finding_json
from livewitness.cli import json_option
from livewitness.console import emit, printable, stdout
from livewitness.wiring import embedder_of


@click.command(name="check")
@click.argument("texts", nargs=-1)
@click.option(
    "--input", "input_", type=click.Path(path_type=Path), help="JSONL：{id,text,product?}；- 为标准输入 / stdin"
)
@click.option("--product", default="", help="商品类别，如 cosmetics、health_food / product class")
@click.option("--meaning/--no-meaning", default=True, help="语义模型（含句向量）/ the meaning model with embeddings")
@click.option("--pack", "packs", multiple=True, type=click.Path(path_type=Path), help="另加规则包 / an extra rule pack")
@json_option
def command(
    texts: tuple[str, ...], input_: Path | None, product: str, meaning: bool, packs: tuple[Path, ...], as_json: bool
) -> None:
    """检查文字中的违规宣称 / Check text for unlawful claims."""
    if not texts and input_ is None:
        raise UsageError("check_nothing", "请给出文字或 --input 文件。", "Give some text or a file with --input.")
    settings = Settings()
    with ExitStack() as stack:
        embedder = stack.enter_context(embedder_of(settings)) if meaning else None
        checker = load_checker((*settings.packs, *packs), embedder=embedder, meaning=meaning)
        for number, text in enumerate(texts):
            _report(checker, {"id": str(number), "text": text, "product": product}, as_json)
        if input_ is not None:
            with _open(input_) as lines:
                for item in read_items(lines, str(input_)):
                    _report(checker, {"product": product} | item, as_json)


def _open(path: Path) -> TextIO:
    if str(path) == "-":
        return sys.stdin
    if not path.is_file():
        raise NotFoundError("file_missing", f"找不到文件 {path}。", f"There is no file {path}.")
    return path.open(encoding="utf-8")


def read_items(lines: TextIO, name: str) -> Iterator[dict[str, str]]:
    """Objects with ``id``, ``text`` and perhaps ``product``. Raises `BadInputError` with the line's number."""
    number = 0
    try:
        for line in lines:
            number += 1
            if line.strip():
                fields = json.loads(line)
                item = {"id": str(fields.get("id", number)), "text": fields["text"]}
                if not isinstance(item["text"], str):
                    raise TypeError("text")
                yield item | ({"product": str(fields["product"])} if fields.get("product") else {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInputError(
            "check_line",
            f"{name} 第 {max(1, number)} 行附近不是含 text 的 UTF-8 JSON 对象。",
            f"{name}, near line {max(1, number)}: not a UTF-8 JSON object with a text.",
        ) from error


def _report(checker: Checker, item: dict[str, str], as_json: bool) -> None:
    findings = checker.check(item["text"], item.get("product", ""))
    if as_json:
        emit({"id": item["id"], "text": item["text"], "findings": [finding_json(f) for f in findings]})
    else:
        _show(item["text"], findings)


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
