"""``livewitness rules``: what the packs hold, whether a pack loads, and what a rule stands on."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.table import Table

from claims.checker import Checker, bundled_packs, load_checker, load_pack, pack_failures
from claims.compare import Change, changes
from claims.joined import Joined, join, judge, near
from claims.pack import read_pack
from claims.rules import Pack, Rule, succeeded
from claims.schema import pack_schema
from core.clock import beijing_day, utc_now
from core.errors import BadInputError, NotFoundError
from core.records import Finding, Utterance
from core.settings import Settings
from core.shapes import Json, finding_json, legal_basis_json
from evidence.audit import append_audit, local_actor
from livewitness.cli import data_option, json_option
from livewitness.console import emit, printable, say, stdout
from livewitness.wiring import database_of, embedder_of, settings_for
from pipeline.rerun import apply_change
from store import streams, timeline, utterances
from store.engine import Database

_BATCH = 500


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
        "effective_from": (rule.effective_from or pack.effective_from).isoformat(),
        "in_force": all(part.in_force(beijing_day(utc_now())) for part in (pack, rule)),
        "place": f"{rule.file}:{rule.line}",
    }


def _rules(checker: Checker) -> list[tuple[Rule, Pack]]:
    return [(rule, pack) for pack in checker.packs for rule in pack.rules]


@command.command(name="list")
@click.option("--category", default="", help="只列一类 / one class only")
@json_option
def list_(category: str, as_json: bool) -> None:
    """列出规则 / List the rules."""
    chosen = [(r, p) for r, p in _rules(load_checker(Settings().all_packs)) if category in ("", r.category.value)]
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
    for pack in packs.values():
        _say_period(pack)
    say(f"{len(chosen)} 条规则，规则包 {names}。", f"{len(chosen)} rules in {names}.")


@command.command(name="check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """校验规则包，并运行其自带例句 / Load packs and run their own sentences."""
    for file in files:
        if not file.exists():
            raise NotFoundError("file_missing", f"找不到文件 {file}。", f"There is no file {file}.")
        pack = load_pack(file, _base_for(file))
        say(f"{file}：{pack.id} {pack.version}，{len(pack.rules)} 条规则，例句全部通过。", f"{file}: all is well.")
        _say_period(pack)


def _say_period(pack: Pack) -> None:
    """Tell when a pack counts, where it does not count today (Beijing time)."""
    today = beijing_day(utc_now())
    if today < pack.effective_from:
        zh, en = f"尚未生效，自 {pack.effective_from} 起", f"is not in force yet, but from {pack.effective_from} on"
    elif pack.effective_until is not None and pack.effective_until < today:
        zh, en = f"已失效，止于 {pack.effective_until}", f"is in force no more: it ended on {pack.effective_until}"
    else:
        return
    say(f"规则包 {pack.id} {pack.version} {zh}。", f"The rule pack {pack.id} {pack.version} {en}.")


def _base_for(file: Path) -> Pack | None:
    """The law pack, whose term groups others may use; nothing for the law pack itself."""
    law = bundled_packs()[0]
    return None if file.resolve() == law.resolve() else read_pack(law, probe=False)


@command.command(name="test")
def test() -> None:
    """运行所有在用规则的例句 / Run the sentences of every rule in use."""
    law = [read_pack(path, probe=False) for path in bundled_packs()]
    packs = law + [read_pack(path, base=law[0]) for path in Settings().all_packs]
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
    found = next(((r, p) for r, p in _rules(load_checker(Settings().all_packs)) if r.id == rule_id), None)
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


@command.command(name="schema")
def schema() -> None:
    """规则包的 JSON Schema，供编辑器使用 / JSON Schema of rule packs, for editors."""
    emit(pack_schema())


@command.command(name="rerun")
@click.option("--pack", "path", required=True, type=click.Path(path_type=Path), help="新规则包 / the new pack")
@click.option("--stream", default="", help="只看一场 / one stream only")
@click.option("--apply", "applies", is_flag=True, help="写入告警；不给则只看 / change the alerts")
@data_option
@json_option
def rerun(path: Path, stream: str, applies: bool, data: Path | None, as_json: bool) -> None:
    """用新规则包重看已存的话；不加 --apply 不动旧告警 / What a new pack changes on stored speech."""
    settings = settings_for(data)
    found: list[tuple[Utterance, Change, str]] = []
    read = applied = 0
    with database_of(settings) as database, embedder_of(settings) as embedder:
        now = load_checker(settings.all_packs, embedder=embedder)
        pack = load_pack(path, now.packs[0])
        new = Checker(succeeded(now.packs, pack), now.meaning, embedder)
        judges = InContext(now), InContext(new)
        for utterance, product in _stored(database, stream):
            read += 1
            before, after = (judge.findings(utterance, product) for judge in judges)
            found += [(utterance, change, product) for change in changes(before, after)]
        if applies:
            applied = _apply(database, found)
            detail = {"pack": pack.id, "version": pack.version, "sha256": pack.sha256, "alerts": applied}
            append_audit(settings.data, local_actor(), "rules.applied", detail)
    _show_changes([(utterance, change) for utterance, change, _ in found], as_json)
    counts = {kind: sum(change.kind == kind for _, change, _ in found) for kind in ("new", "gone", "changed")}
    if as_json:
        told = {"event": "rerun", "pack": pack.id, "version": pack.version, "utterances": read, "applied": applied}
        emit(told | counts)
    say(
        f"{read} 句：新增 {counts['new']}，不再命中 {counts['gone']}，有变化 {counts['changed']}；"
        f"改动告警 {applied} 条。",
        f"{read} utterances: {counts['new']} new, {counts['gone']} gone, {counts['changed']} changed; "
        f"{applied} alerts changed.",
    )


def _apply(database: Database, found: Sequence[tuple[Utterance, Change, str]]) -> int:
    with database.write() as connection:
        return sum(apply_change(connection, utterance, change, product) for utterance, change, product in found)


class InContext:
    """A checker that reads each stored utterance behind the one before it in its stream, as live speech is read."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._last: dict[str, tuple[Utterance, tuple[Finding, ...]]] = {}

    def findings(self, utterance: Utterance, product: str) -> list[Finding]:
        """Findings in code points of the utterance; words before it have negative ones."""

        def check(text: str, probabilities: Sequence[float] | None) -> tuple[Finding, ...]:
            return self._checker.check(text, product, probabilities, beijing_day(utterance.wall_start))

        earlier, made = self._last.get(utterance.stream, (None, ()))
        joined = Joined(utterance.text, 0)
        if earlier and earlier.epoch == utterance.epoch and near(earlier.end_ms, utterance.start_ms):
            joined = join(earlier.text, utterance.text)
        judged = judge(check, joined, made if joined.offset else ())
        self._last[utterance.stream] = utterance, judged.made
        across = (a.finding for a in judged.across)
        return [*judged.own, *(replace(f, start=f.start - joined.offset, end=f.end - joined.offset) for f in across)]


def _stored(database: Database, stream: str) -> Iterator[tuple[Utterance, str]]:
    """Stored utterances with what was on the shelf then, a batch at a time; NotFoundError for an unknown stream."""
    with database.read() as connection:
        products = {record.name: record.product for record in streams.list_streams(connection)}
    if stream and stream not in products:
        raise NotFoundError("stream_missing", f"没有直播 {stream}。", f"There is no stream {stream}.")
    last = 0
    while True:
        with database.read() as connection:
            batch = utterances.utterances_after(connection, last, _BATCH)
            shelves = [timeline.product_at(connection, item.stream, item.start_ms) for item in batch]
        if not batch:
            return
        last = batch[-1].id
        for item, shelf in zip(batch, shelves, strict=True):
            if stream in {"", item.stream}:
                yield item, shelf.judged_as if shelf else products.get(item.stream, "")


def _show_changes(found: list[tuple[Utterance, Change]], as_json: bool) -> None:
    if as_json:
        for utterance, change in found:
            emit(
                {
                    "change": change.kind,
                    "stream": utterance.stream,
                    "start": utterance.start_ms / 1000,
                    "text": utterance.text,
                    "before": finding_json(change.before) if change.before else None,
                    "after": finding_json(change.after) if change.after else None,
                }
            )
        return
    table = Table(box=None)
    for title in ("变化", "直播 stream", "秒 s", "规则 rule", "原话 words"):
        table.add_column(title)
    for utterance, change in found:
        shown = change.after or change.before
        if shown is not None:
            where = f"{utterance.start_ms / 1000:.1f}"
            table.add_row(change.kind, utterance.stream, where, shown.rule_id, printable(shown.matched))
    stdout.print(table)
