"""The commands of the adjudicator: search with its options, and the care of the index."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.errors import BadInputError
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


def test_answers_as_json_hold_what_was_searched(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.json"
    assert run("search", "三天祛斑", "--out", str(out), "--data", str(data)).exit_code == 0
    (answer,) = json.loads(out.read_text(encoding="utf-8"))
    assert answer["hits"][0]["text"] == SAID[1]
    assert answer["searched"]["utterances"] == len(SAID)
    assert not list(tmp_path.glob(".*"))


def test_an_export_that_cannot_be_written_says_so(data: Path, tmp_path: Path) -> None:
    answer = run("search", "三天祛斑", "--csv", str(tmp_path / "no" / "hits.csv"), "--data", str(data))
    assert answer.exit_code != 0
    assert "Traceback" not in answer.output


def test_a_batch_answers_every_line(data: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries"
    queries.write_text('三天祛斑\n\n{"id": "Q2", "query": "不好用退钱"}\n', encoding="utf-8")
    answers = run("search", "--batch", str(queries), "--json", "--limit", "1", "--data", str(data)).stdout.splitlines()
    first, second = map(json.loads, answers)
    assert first["hits"][0]["text"] == SAID[1]
    assert (second["id"], second["hits"][0]["text"]) == ("Q2", SAID[3])


def test_lines_of_a_batch_that_are_no_queries_lose_no_others(data: Path, tmp_path: Path) -> None:
    queries, table = tmp_path / "queries", tmp_path / "hits.csv"
    queries.write_text('三天祛斑\n！！\n{"id": 7, "query": null}\n{broken\n不好用退钱\n', encoding="utf-8")
    done = run("search", "--batch", str(queries), "--json", "--csv", str(table), "--data", str(data))
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [a["error"]["code"] if "error" in a else "hits" for a in answers] == [
        "hits", "search_empty", "batch_line", "batch_line", "hits",
    ]  # fmt: skip
    assert isinstance(done.exception, BadInputError)
    assert done.exception.exit_code == 3
    rows = csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines())
    assert {"三天祛斑", "不好用退钱"} == {row["query"] for row in rows}


def test_a_query_that_is_no_text_is_written_all_the_same(data: Path, tmp_path: Path) -> None:
    table = tmp_path / "hits.csv"
    assert run("search", "\udcff祛斑", "--csv", str(table), "--data", str(data)).exit_code == 0
    assert "\\udcff祛斑" in table.read_text(encoding="utf-8-sig")


def test_a_saved_search_is_told_of_what_is_imported_later(data: Path, tmp_path: Path) -> None:
    where = ("--data", str(tmp_path))
    (tmp_path / "one.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\n三天祛斑的面膜\n", encoding="utf-8")
    (tmp_path / "two.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\n这个三天去班的精华\n", encoding="utf-8")
    assert run("import-transcript", str(tmp_path / "one.srt"), "--stream", "one", *where).exit_code == 0
    assert run("search", "三天祛斑", "--save", "斑", "--level", "words", *where).exit_code == 0
    assert run("import-transcript", str(tmp_path / "two.srt"), "--stream", "two", *where).exit_code == 0
    (listed,) = map(json.loads, run("searches", "list", "--json", *where).stdout.splitlines())
    assert (listed["name"], listed["level"], listed["matches"]) == ("斑", "words", 1)
    assert "斑" in run("searches", "list", *where).output
    (match,) = map(json.loads, run("searches", "matches", "斑", "--json", *where).stdout.splitlines())
    assert (match["stream"], match["text"]) == ("two", "这个三天去班的精华")
    assert "two" in run("searches", "matches", "斑", *where).output
    assert run("searches", "delete", "斑", *where).exit_code == 0
    assert run("searches", "delete", "斑", *where).exit_code != 0
    assert run("searches", "matches", "斑", *where).exit_code != 0


@pytest.mark.parametrize("arguments", [["--near", "2026-11-11 20:31"], ["--alerted"], ["--from", "2026-11-11"]])
def test_what_only_the_past_has_cannot_be_saved(data: Path, arguments: list[str]) -> None:
    answer = run("search", "祛斑", "--save", "x", *arguments, "--data", str(data))
    assert answer.exit_code != 0
    assert "Traceback" not in answer.output


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
