"""``livewitness bench --help`` lists every bench with its whole line."""

from click.testing import CliRunner

from livewitness.commands.bench import command


def test_help_has_the_line_of_every_bench_and_cuts_none_off() -> None:
    shown = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert {"evidence", "search-scale"} <= set(command.commands)
    for name, bench in command.commands.items():
        line = " ".join((bench.help or "").split("\n\n")[0].split()).rstrip(".")
        assert f"{name} {line}" in shown
