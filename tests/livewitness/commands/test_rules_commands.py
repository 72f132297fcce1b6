"""``livewitness rules``: the schema, and what a new pack would change on stored speech."""

import json
from pathlib import Path

from click.testing import CliRunner

from livewitness.cli import cli

EXAMPLE = Path(__file__).parents[3] / "claims" / "examples" / "platform.yaml"

MONSTER = """pack: {id: mine, version: "1", title: 店铺, jurisdiction: CN, kind: merchant, effective_from: 2026-02-01}
rules:
- id: MINE-001
  title: 怪兽
  category: efficacy_exaggerated
  severity: low
  regex: ['喝这个，?怪兽退散']
  scope: {include: [food]}
  legal_basis: [{law: 店规, article: 一}]
  penalty_ref: 店规
  advice: 不说
  advice_en: Do not say it.
  must_hit: [{text: 喝这个怪兽退散, product: food}]
  must_miss: [{text: 喝这个怪兽退散, product: apparel}]
"""


def run(*arguments: str):
    return CliRunner().invoke(cli, arguments)


def test_the_schema_is_json() -> None:
    done = run("rules", "schema")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["required"] == ["pack"]


def test_a_new_pack_is_tried_on_stored_speech_without_touching_alerts(tmp_path: Path) -> None:
    lines = tmp_path / "said.jsonl"
    said = [
        {"start": 1.0, "end": 3.0, "text": "今天聊聊痛风怎么吃饭"},
        {"start": 4.0, "end": 6.0, "text": "尺码偏大一点"},
    ]
    lines.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in said), "utf-8")
    data = ("--data", str(tmp_path / "data"))
    assert run("import-transcript", str(lines), "--stream", "s", *data).exit_code == 0
    done = run("rules", "rerun", "--pack", str(EXAMPLE), "--json", *data)
    assert done.exit_code == 0, done.output
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [(e["change"], e["after"]["rule_id"]) for e in events if "change" in e] == [("new", "PLAT-001")]
    assert events[-1] | {"event": "rerun", "utterances": 2, "new": 1, "gone": 0, "changed": 0} == events[-1]
    applied = []
    for _ in range(2):
        done = run("rules", "rerun", "--pack", str(EXAMPLE), "--apply", "--json", *data)
        applied.append(json.loads(done.stdout.splitlines()[-1])["applied"])
    assert applied == [1, 0]


def test_rerun_judges_by_the_shelf_of_the_moment_and_across_utterances(tmp_path: Path) -> None:
    lines = tmp_path / "said.jsonl"
    said = [
        {"start": 1.0, "end": 3.0, "text": "天天喝这个"},
        {"start": 3.5, "end": 6.0, "text": "怪兽退散"},
        {"start": 61.0, "end": 63.0, "text": "天天喝这个怪兽退散"},
    ]
    lines.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in said), "utf-8")
    pack = tmp_path / "mine.yaml"
    pack.write_text(MONSTER, "utf-8")
    data = ("--data", str(tmp_path / "data"))
    assert run("import-transcript", str(lines), "--stream", "s", *data).exit_code == 0
    for at, shelf in (("0", "food"), ("30", "apparel")):
        assert run("timeline", "add", "s", "product", shelf, "--at", at, "--class", shelf, *data).exit_code == 0
    done = run("rules", "rerun", "--pack", str(pack), "--json", *data)
    # What the meaning model made of the same words before gives way to the rule.
    changes = [event for event in map(json.loads, done.stdout.splitlines()) if event.get("change") == "new"]
    assert [(c["start"], c["after"]["matched"], c["after"]["start"]) for c in changes] == [
        (3.5, "喝这个，怪兽退散", -4)
    ]


def test_an_unknown_stream_is_refused(tmp_path: Path) -> None:
    done = run("rules", "rerun", "--pack", str(EXAMPLE), "--stream", "nobody", "--data", str(tmp_path))
    assert done.exit_code != 0


def test_the_law_pack_and_the_examples_check_out_by_path() -> None:
    law = EXAMPLE.parents[1] / "packs" / "cn-law"
    done = run("rules", "check", str(law), *map(str, sorted(EXAMPLE.parent.glob("*.yaml"))))
    assert done.exit_code == 0, done.exception


def test_a_rule_is_explained_with_its_law_and_an_unknown_one_is_refused() -> None:
    (line,) = run("rules", "explain", "COS-001", "--json").stdout.splitlines()
    rule = json.loads(line)
    assert rule["rule_id"] == "COS-001"
    assert rule["legal_basis"][0]["law"] == "化妆品监督管理条例"
    assert rule["must_hit"]
    assert run("rules", "explain", "NO-SUCH-RULE").exit_code != 0
