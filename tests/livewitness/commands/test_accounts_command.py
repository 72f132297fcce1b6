"""``livewitness accounts``: what the person at the machine does without signing in."""

import json
from pathlib import Path

from click.testing import CliRunner

from core.errors import LiveWitnessError
from livewitness.cli import cli
from livewitness.commands.accounts import access_table

ACCESS = Path(__file__).parents[3] / "docs" / "access.md"


def run(data: Path, *words: str) -> str:
    result = CliRunner().invoke(cli, ["accounts", *words, "--data", str(data)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_account_is_added_changed_and_linked_again(tmp_path: Path) -> None:
    first = run(tmp_path, "add", "mei", "--role", "moderator", "--shop", "花店")
    assert "/sign-in#" in first
    run(tmp_path, "add", "root", "--role", "admin")
    run(tmp_path, "change", "mei", "--role", "viewer", "--disable")
    assert run(tmp_path, "link", "mei") != first
    listed = [json.loads(line) for line in run(tmp_path, "list", "--json").splitlines()]
    assert listed[0] == {"name": "mei", "role": "viewer", "shop": "", "active": False, "has_password": False}
    assert "account.created" in (tmp_path / "audit.jsonl").read_text()


def test_an_unknown_account_is_said_to_be_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["accounts", "link", "nobody", "--data", str(tmp_path)])
    assert isinstance(result.exception, LiveWitnessError)
    assert result.exception.code == "account_unknown"


def test_the_table_in_the_docs_is_the_one_of_the_code() -> None:
    """Regenerate the table with ``livewitness accounts roles``."""
    assert access_table() in ACCESS.read_text("utf-8")
