"""``livewitness doctor``: every check of the machine on a line, with its repair."""

from pathlib import Path

import click

from core.errors import LiveWitnessError
from livewitness.checks import run_checks
from livewitness.cli import data_option, json_option
from livewitness.console import emit, phrase, printable, stdout
from livewitness.wiring import settings_for


@click.command(name="doctor")
@data_option
@json_option
def command(data: Path | None, as_json: bool) -> None:
    """检查本机环境 / Check this machine; exit code 1 when a check does not hold."""
    results = run_checks(settings_for(data))
    for result in results:
        if as_json:
            emit(result.as_dict())
            continue
        mark, style = ("✓", "green") if result.ok else ("✗", "red")
        stdout.print(
            f"{mark} {result.name}: {printable(phrase(result.detail))}", style=style, markup=False, soft_wrap=True
        )
        if not result.ok:
            stdout.print(f"    → {printable(phrase(result.repair))}", markup=False, soft_wrap=True)
    failed = [result.name for result in results if not result.ok]
    if failed:
        names = ", ".join(failed)
        raise LiveWitnessError("doctor_failed", f"未通过：{names}。", f"Not held: {names}.")
