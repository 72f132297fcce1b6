"""A rule pack is tried on stored speech by a process of its own, as the command does it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.errors import LiveWitnessError
from livewitness.cli import cli
from livewitness.trying import dry_run

EXAMPLE = Path(__file__).parents[2] / "claims" / "examples" / "platform.yaml"


@pytest.mark.slow
def test_what_a_pack_would_change_is_told_and_nothing_is_changed(tmp_path: Path) -> None:
    lines, data = tmp_path / "said.jsonl", tmp_path / "data"
    said = {"start": 1.0, "end": 3.0, "text": "今天聊聊痛风怎么吃饭"}
    lines.write_text(json.dumps(said, ensure_ascii=False), "utf-8")
    done = CliRunner().invoke(cli, ["import-transcript", str(lines), "--stream", "s", "--data", str(data)])
    assert done.exit_code == 0, done.output
    told = dry_run(data, EXAMPLE, "s", lambda: False)
    assert {name: told[name] for name in ("utterances", "new", "gone", "changed")} == {
        "utterances": 1,
        "new": 1,
        "gone": 0,
        "changed": 0,
    }
    assert [change["after"]["rule_id"] for change in told["changes"]] == ["PLAT-001"]


def test_it_is_given_up_at_once(tmp_path: Path) -> None:
    assert dry_run(tmp_path, EXAMPLE, "", lambda: True) == {}


def test_a_failure_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(LiveWitnessError, match="dry_run_failed"):
        dry_run(tmp_path / "data", EXAMPLE, "", lambda: False)
