"""``livewitness check``: lines alone, neighbouring lines of a stream, and lines that nobody would write."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from livewitness.cli import cli
from tests.counts import times


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ("check", "--no-meaning", *arguments), input=stdin)


def checked(*lines: dict[str, object]) -> list[dict[str, Any]]:
    """What ``check --json`` makes of those lines."""
    stdin = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    done = run("--input", "-", "--json", "--product", "cosmetics", stdin=stdin)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def said(text: str, start: float, stream: str = "s") -> dict[str, object]:
    return {"id": text[:2], "text": text, "stream": stream, "start": start, "end": start + 2}


def test_neighbouring_lines_of_a_stream_make_one_claim() -> None:
    first, second = checked(said("你就抹三天。", 1), said("斑就没了", 3.5))
    assert first["findings"] == []
    (finding,) = second["findings"]
    assert finding["matched"] == "三天，斑就没了"
    assert (finding["start"], finding["end"]) == (0, 4)
    assert finding["across"] == {"id": "你就", "start": 3}


@pytest.mark.parametrize("later", [said("斑就没了", 30), said("斑就没了", 3.5, "other"), {"text": "斑就没了"}])
def test_lines_far_apart_or_of_another_stream_are_read_alone(later: dict[str, object]) -> None:
    _, second = checked(said("你就抹三天。", 1), later)
    assert [finding["matched"] for finding in second["findings"]] == ["斑就没了"]


def test_the_next_line_takes_back_what_was_said() -> None:
    first, second = checked(said("这款三天祛斑", 1), said("这话我可不敢说", 3.2))
    assert [finding["rule_id"] for finding in first["findings"]] == ["COS-001"]
    assert second["findings"] == []
    assert [(back["id"], back["rule_id"]) for back in second["excuses"]] == [("这款", "COS-001")]


def test_people_see_the_words_of_a_claim_across_lines(tmp_path: Path) -> None:
    file = tmp_path / "said.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in (said("抹三天", 1), said("斑就没了", 3))), "utf-8")
    done = run("--input", str(file), "--product", "cosmetics")
    assert "三天，斑就没了" in done.stdout


@pytest.mark.slow
def test_a_line_of_megabytes_is_checked() -> None:
    (line,) = checked({"text": "这款精华三天祛斑，" * times(120_000, 1_200_000)})
    assert line["findings"]


@pytest.mark.parametrize("text", ["\x00\x07\x1b[2J祛斑\r\n\u202e", "\ud800祛斑\udfff", "\ufdfa" * 2_000, ""])
def test_control_characters_and_lone_surrogates_pass(text: str) -> None:
    stdin = json.dumps({"text": text})
    assert json.loads(run("--input", "-", "--json", stdin=stdin).stdout)["text"] == text
    done = run("--input", "-", stdin=stdin)
    assert done.exit_code == 0
    assert "\x1b[2J" not in done.stdout


@pytest.mark.parametrize(
    "stdin",
    ['{"text": 3}', "[]", "{", '{"no": "text"}', b"\xff\xfe", '{"text": "a", "stream": "s", "start": "soon"}',
     '{"text": "a", "stream": "s", "start": 1e400}', "[" * 100_000],
)  # fmt: skip
def test_what_is_no_line_is_refused_with_its_number(stdin: str | bytes) -> None:
    done = run("--input", "-", stdin=stdin)
    assert done.exit_code != 0
    assert "near line 1" in str(done.exception)
