"""Every command has help in Chinese and English, and bad usage ends with exit code 2."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from livewitness.cli import cli

COMMANDS = cli.list_commands(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert any("\u4e00" <= char <= "\u9fff" for char in result.output)
    assert "/" in result.output


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["watch"], ["search", "x", "--limit", "0"], ["--log-level", "LOUD"]]
)
def test_wrong_usage_is_exit_code_two(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli, arguments).exit_code == 2


def test_importing_the_command_line_is_cheap() -> None:
    heavy = ("faster_whisper", "faiss", "fastapi", "av")
    code = f"import sys, livewitness.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
