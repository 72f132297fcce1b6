"""``livewitness rules``: what the packs hold, whether a pack loads, and what a rule stands on."""

from pathlib import Path

import click
from rich.table import Table

from claims.checker import Checker, bundled_packs, load_checker, load_pack, pack_failures
from claims.rules import Pack, Rule
from core.errors import BadInputError, NotFoundError
from core.settings import Settings
from core.shapes import Json, legal_basis_json
from livewitness.cli import json_option
from livewitness.console import emit, say, stdout


@click.group(name="rules")
def command() -> None:
    """规则：列出、校验、测试、说明 / List, check, test and explain rules."""


def rule_json(rule: Rule, pack: Pack) -> Json:
    """A rule as one JSON object, without its patterns."""
    return {
        "rule_id": rule.id,
        "title": rule.title,
        "category": rule.category.value,
        "severity": rule.severity.value,
        "verdict": rule.verdict.value,
        "legal_basis": [legal_basis_json(basis) | {"seen": basis.seen} for basis in rule.legal_basis],
        "penalty_ref": rule.penalty_ref,
        "advice": rule.advice,
        "advice_en": rule.advice_en,
        "must_hit": [example.text for example in rule.must_hit],
        "must_miss": [example.text for example in rule.must_miss],
        "exceptions": [{"effect": e.effect, "where": e.where, "reason": e.reason} for e in rule.exceptions],
        "pack": pack.id,
        "pack_version": pack.version,
        "pack_sha256": pack.sha256,
        "place": f"{rule.file}:{rule.line}",
    }


def _rules(checker: Checker) -> list[tuple[Rule, Pack]]:
    return [(rule, pack) for pack in checker.packs for rule in pack.rules]


@command.command(name="list")
@click.option("--category", default="", help="只列一类 / one class only")
@json_option
def list_(category: str, as_json: bool) -> None:
    """列出规则 / List the rules."""
    chosen = [(r, p) for r, p in _rules(load_checker(Settings().packs)) if category in ("", r.category.value)]
    if as_json:
        for rule, pack in chosen:
            emit(rule_json(rule, pack))
        return
    table = Table(box=None)
    for title in ("编号 id", "类别 class", "级别", "名称 title", "依据 basis"):
        table.add_column(title, no_wrap=title.startswith("编号"))
    for rule, _ in chosen:
        basis = "；".join(f"{b.law}{b.article}" for b in rule.legal_basis[:2])
        table.add_row(rule.id, rule.category.value, rule.severity.value, rule.title, basis)
    stdout.print(table)
    packs = {pack.id: pack for _, pack in chosen}
    names = ", ".join(f"{pack.id} {pack.version}" for pack in packs.values())
    say(f"{len(chosen)} 条规则，规则包 {names}。", f"{len(chosen)} rules in {names}.")


@command.command(name="check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """校验规则包，并运行其自带例句 / Load packs and run their own sentences."""
    for file in files:
        if not file.exists():
            raise NotFoundError("file_missing", f"找不到文件 {file}。", f"There is no file {file}.")
        pack = load_pack(file)
        say(f"{file}：{pack.id} {pack.version}，{len(pack.rules)} 条规则，例句全部通过。", f"{file}: all is well.")


@command.command(name="test")
def test() -> None:
    """运行所有在用规则的例句 / Run the sentences of every rule in use."""
    packs = [load_pack(path) for path in (*bundled_packs(), *Settings().packs)]
    failures = [failure for pack in packs for failure in pack_failures(pack)]
    for _, zh, en in failures:
        say(zh, en)
    if failures:
        raise BadInputError("rules_failed", f"{len(failures)} 处不符。", f"{len(failures)} sentences came out wrong.")
    count = sum(len(rule.must_hit) + len(rule.must_miss) for pack in packs for rule in pack.rules)
    say(f"{count} 个例句全部通过。", f"All {count} sentences came out right.")


@command.command(name="explain")
@click.argument("rule_id")
@json_option
def explain(rule_id: str, as_json: bool) -> None:
    """说明一条规则：依据、建议、例句 / What a rule stands on, with its sentences."""
    found = next(((r, p) for r, p in _rules(load_checker(Settings().packs)) if r.id == rule_id), None)
    if found is None:
        raise NotFoundError("rule_unknown", f"没有规则 {rule_id}。", f"There is no rule {rule_id}.")
    rule, pack = found
    if as_json:
        emit(rule_json(rule, pack))
        return
    lines = [
        f"{rule.id} {rule.title}（{rule.category.value}，{rule.severity.value}，{rule.verdict.value}）",
        *(
            f"  依据 / basis: {b.law} {b.article}{'' if b.seen else '（条文未核对 / text not read）'}"
            for b in rule.legal_basis
        ),
        f"  罚则 / penalty: {rule.penalty_ref}",
        f"  建议 / advice: {rule.advice} / {rule.advice_en}",
        *(f"  应命中 / must hit: {example.text}" for example in rule.must_hit),
        *(f"  不应命中 / must miss: {example.text}" for example in rule.must_miss),
        f"  {pack.id} {pack.version} {pack.sha256[:12]} · {rule.file}:{rule.line}",
    ]
    for line in lines:
        stdout.print(line, markup=False, soft_wrap=True)
