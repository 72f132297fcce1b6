"""The commands of the adjudicator: search with its options, and the care of the index."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from livewitness.cli import cli

SAID = ["欢迎来到直播间", "三天去班的面膜在二号链接", "=1+1 是一道算术题", "不好用我把钱给你"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    transcript = folder / "said.jsonl"
    lines = [{"start": 4 * n, "end": 4 * n + 4, "text": text} for n, text in enumerate(SAID)]
    transcript.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    assert run("import-transcript", str(transcript), "--stream", "s", "--data", str(folder)).exit_code == 0
    return folder


def test_hits_are_explained(data: Path) -> None:
    shown = run("search", "三天祛斑", "--explain", "--limit", "1", "--data", str(data)).output
    assert "三天去班的面膜" in shown
    assert "音 sound 0.90：三天去班" in shown


def test_hits_as_csv_hold_no_formulas(data: Path, tmp_path: Path) -> None:
    table = tmp_path / "hits.csv"
    assert run("search", "算术题", "退款承诺", "--csv", str(table), "--data", str(data)).exit_code == 0
    rows = list(csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines()))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    assert "'=1+1 是一道算术题" in {row["text"] for row in rows}


@pytest.mark.parametrize("arguments", [["--near", "83.5"], ["--near", "2026-11-11 20:31", "--from", "2026-11-11"], []])
def test_contradictions_are_wrong_usage(data: Path, arguments: list[str]) -> None:
    query = ["祛斑"] if arguments else []
    answer = run("search", *query, *arguments, "--data", str(data))
    assert answer.exit_code != 0
    assert "Traceback" not in answer.output


def test_the_index_is_counted_verified_and_rebuilt(data: Path) -> None:
    assert run("index", "verify", "--data", str(data)).exit_code == 0
    assert run("index", "rebuild", "--data", str(data)).exit_code == 0
    counted = json.loads(run("index", "stats", "--json", "--data", str(data)).stdout)
    assert (counted["utterances"], counted["postings"], counted["vectors"]) == (4, 4, 4)
    verified = json.loads(run("index", "verify", "--json", "--data", str(data)).stdout)
    assert verified["sound"]
    (data / "index").rename(data / "elsewhere")
    assert run("index", "verify", "--data", str(data)).exit_code == 0
