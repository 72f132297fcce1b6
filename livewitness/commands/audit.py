"""``livewitness audit``: who did what with the evidence."""

import json
import sys
from pathlib import Path

import click

from core.errors import Sentence
from evidence.audit import read_audit
from evidence.audit_seal import check_audit
from livewitness.cli import data_option, json_option
from livewitness.console import emit, phrase, printable, say, stdout
from livewitness.wiring import settings_for


@click.group(name="audit")
def command() -> None:
    """审计记录 / The audit chain: list, verify."""


@command.command(name="list")
@data_option
def list_(data: Path | None) -> None:
    """列出记录，每行一个 JSON / The entries, one JSON object a line."""
    for line in read_audit(settings_for(data).data):
        emit(json.loads(line))


@command.command(name="verify")
@data_option
@json_option
def verify(data: Path | None, as_json: bool) -> None:
    """逐条核对哈希链，并与已签名的检查点核对 / Check every link, and the chain against the signed checkpoints."""
    entries, problems = check_audit(settings_for(data).data)
    if as_json:
        emit({"holds": not problems, "entries": entries, "failures": [{"zh": p.zh, "en": p.en} for p in problems]})
    else:
        for problem in problems:
            text = phrase(Sentence(problem.zh, problem.en))
            stdout.print(printable(f"✗ {text}"), style="red", markup=False, soft_wrap=True)
        say(f"{entries} 条记录，{len(problems)} 处不符。", f"{entries} entries, {len(problems)} not as they were.")
    sys.exit(1 if problems else 0)
