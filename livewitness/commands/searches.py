"""``livewitness searches``: queries that are asked of everything new, and what they found."""

from pathlib import Path

import click

from core.clock import timecode
from evidence.audit import append_audit, local_actor
from index.saved import match_json, search_json, unknown_search
from livewitness.cli import data_option, json_option
from livewitness.console import emit, printable, say, stdout
from livewitness.wiring import database_of, settings_for
from store import saved_searches as saved
from store.utterances import get_utterances


@click.group(name="searches")
def command() -> None:
    """保存的检索：列出、删除、找到了什么 / Saved searches: list, delete, what they found."""


@command.command(name="list")
@data_option
@json_option
def list_(data: Path | None, as_json: bool) -> None:
    """列出保存的检索 / List saved searches."""
    with database_of(settings_for(data)) as db, db.read() as connection:
        counts = saved.count_matches(connection)
        rows = [search_json(s, counts.get(s.name, 0)) for s in saved.list_searches(connection)]
    for row in rows:
        if as_json:
            emit(row)
        else:
            where = " ".join(str(row[part]) for part in ("stream", "shop", "host", "product", "category") if row[part])
            line = f"{row['name']}  {row['query']}  {row['level']}  {where}  {row['matches']} 次 / matches"
            stdout.print(printable(line), markup=False, soft_wrap=True)


@command.command(name="delete")
@click.argument("name")
@data_option
def delete(name: str, data: Path | None) -> None:
    """删除保存的检索 / Delete a saved search."""
    settings = settings_for(data)
    with database_of(settings) as db, db.write() as connection:
        if not saved.delete_search(connection, name):
            raise unknown_search(name)
    append_audit(settings.data, local_actor(), "search.delete", {"name": name})
    say(f"已删除“{name}”。", f"“{name}” is deleted.")


@command.command(name="matches")
@click.argument("name")
@click.option("--after", type=click.IntRange(0), default=0, help="此编号之后 / after this cursor")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="条数 / how many")
@data_option
@json_option
def matches(name: str, after: int, limit: int, data: Path | None, as_json: bool) -> None:
    """列出找到的话 / List what a saved search found."""
    with database_of(settings_for(data)) as db, db.read() as connection:
        if saved.get_search(connection, name) is None:
            raise unknown_search(name)
        found = saved.list_matches(connection, name, after=after, limit=limit)
        said = get_utterances(connection, [match.utterance_id for match in found])
    for match in found:
        utterance = said.get(match.utterance_id)
        if utterance is None:
            continue
        if as_json:
            emit(match_json(match, utterance))
        else:
            line = f"{utterance.stream} {timecode(match.start_ms)}  {match.score:.2f} {utterance.text}"
            stdout.print(printable(line), markup=False, soft_wrap=True)
