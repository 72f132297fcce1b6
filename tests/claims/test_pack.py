"""The loader: what it accepts, and that every refusal names file and line."""

import shutil
import time
from datetime import date
from pathlib import Path

import pytest

from claims.checker import BUNDLED, Checker, load_checker, load_pack
from claims.pack import read_pack
from claims.rules import Pack, succeeded
from core.errors import BadInputError, NotFoundError
from core.records import Category

HEAD = """pack: {id: shop, version: "1", title: 店铺, jurisdiction: CN, kind: merchant, effective_from: 2026-02-01}
"""
RULE = """rules:
- id: SHOP-001
  title: 店内禁语
  category: absolute_term
  severity: low
  say: [宇宙无敌旋风]
  legal_basis: [{law: 店规, article: 一}]
  penalty_ref: 店规
  advice: 不说
  advice_en: Do not say it.
  must_hit: [这就是宇宙无敌旋风]
  must_miss: [普通电风扇]
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "shop.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_merchants_own_pack_is_loaded_beside_the_law(tmp_path: Path) -> None:
    checker = load_checker([written(tmp_path, HEAD + RULE)])
    found = checker.check("今天是宇宙无敌旋风")
    assert [(f.rule_id, f.pack, f.matched) for f in found] == [("SHOP-001", "shop", "宇宙无敌旋风")]
    assert len(found[0].pack_sha256) == 64


@pytest.mark.parametrize(
    ("text", "line", "about"),
    [
        (HEAD + RULE.replace("severity", "severty"), 6, "unknown key"),
        (HEAD + RULE + RULE.removeprefix("rules:\n"), 14, "appears twice"),
        (HEAD + RULE.replace("say: [宇宙无敌旋风]", "regex: ['(a+)+$']"), 7, "nested"),
        (HEAD + RULE.replace("say: [宇宙无敌旋风]", "regex: ['(宇宙']"), 7, "malformed"),
        (HEAD + RULE.replace("say: [宇宙无敌旋风]", "regex: ['{nowhere}']"), 7, "unknown term group"),
        (HEAD + RULE.replace("say: [宇宙无敌旋风]", "regex: ['.*宇宙']"), 7, "unbounded"),
        (HEAD + RULE.replace("absolute_term", "absolut"), 5, "not one of"),
        (HEAD + RULE.replace("这就是宇宙无敌旋风", "这就是电风扇"), 3, "misses"),
        (HEAD + RULE.replace("普通电风扇", "一台宇宙无敌旋风"), 3, "wrongly finds"),
        (HEAD + "lexicons: {a: &x [祛斑], b: *x}\n", 2, "anchors"),
        (HEAD + "rules: [[[[[[[[[[[[[[]]]]]]]]]]]]]]\n", 2, "nested too deeply"),
        (HEAD.encode() + b"rules: \xff\xfe\n", 2, "UTF-8"),
        (HEAD + "rules: [\n", 3, "malformed YAML"),
        (HEAD.replace("2026-02-01", "2026-02-31") + RULE, 1, "should look like"),
        (HEAD.replace("2026-02-01", "2026-02-01, effective_until: 2026-01-31") + RULE, 1, "ends before"),
        (HEAD + RULE.replace("  severity: low", "  severity: low\n  effective_from: soon"), 7, "should look like"),
        ("", 1, "empty"),
    ],
)
def test_an_unfit_pack_is_refused_with_file_and_line(tmp_path: Path, text: str | bytes, line: int, about: str) -> None:
    with pytest.raises(BadInputError) as caught:
        load_pack(written(tmp_path, text))
    sentence = caught.value.sentence
    assert "shop.yaml" in sentence.en
    assert f"line {line}" in sentence.en
    assert f"第 {line} 行" in sentence.zh
    assert about in sentence.en


def test_oversize_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"rules_pack"):
        load_pack(written(tmp_path, b"#" * 4_000_001))
    terms = " ".join(chr(0x4E00 + i % 20_000) + chr(0x4E00 + i // 20_000) for i in range(60_000))
    with pytest.raises(BadInputError) as caught:
        load_pack(written(tmp_path, HEAD + f"lexicons:\n  many: [{terms}]\n"))
    assert "50000 terms" in caught.value.sentence.en


def test_a_million_terms_are_refused_at_once(tmp_path: Path) -> None:
    began = time.perf_counter()
    for count in (500_000, 1_000_000):
        path = written(tmp_path, HEAD + "lexicons:\n  many: [" + "祛斑 " * count + "]\n")
        with pytest.raises(BadInputError) as caught:
            read_pack(path)
        assert "shop.yaml, line" in caught.value.sentence.en
    assert time.perf_counter() - began < 20


def test_a_missing_pack_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        load_pack(tmp_path / "none.yaml")


def test_the_bundled_law_pack_passes_its_own_sentences() -> None:
    pack = load_pack(BUNDLED / "cn-law")
    assert len(pack.rules) >= 120
    assert {rule.category for rule in pack.rules} == set(Category)
    assert all(rule.legal_basis and rule.advice and rule.advice_en for rule in pack.rules)


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + RULE)
    before = read_pack(path).sha256
    assert read_pack(path).sha256 == before
    path.write_text(HEAD + RULE + "# more\n", encoding="utf-8")
    assert read_pack(path).sha256 != before


_WORDS = "今天是宇宙无敌旋风"


def dated(folder: Path, period: str, rule: str = "") -> Pack:
    """The shop's pack with a period of its own, and one for its rule."""
    text = HEAD.replace("effective_from: 2026-02-01", period) + RULE.replace(
        "  severity: low", "  severity: low" + rule
    )
    return load_pack(written(folder, text))


def days_found(checker: Checker, *days: str) -> list[bool]:
    return [bool(checker.check(_WORDS, day=date.fromisoformat(day))) for day in days]


def test_a_pack_counts_from_its_first_day_to_its_last(tmp_path: Path) -> None:
    checker = Checker([dated(tmp_path, "effective_from: 2026-02-01, effective_until: 2026-06-30")])
    assert days_found(checker, "2026-01-31", "2026-02-01", "2026-06-30", "2026-07-01") == [False, True, True, False]
    assert checker.check(_WORDS), "no day in particular"


def test_a_rule_may_begin_later_and_end_sooner_than_its_pack(tmp_path: Path) -> None:
    rule = "\n  effective_from: 2026-03-01\n  effective_until: 2026-03-31"
    checker = Checker([dated(tmp_path, "effective_from: 2026-02-01", rule)])
    assert days_found(checker, "2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01") == [False, True, True, False]


def test_a_newer_version_ends_the_older_one_the_day_before(tmp_path: Path) -> None:
    old, new = (dated(tmp_path, f"effective_from: {day}") for day in ("2026-02-01", "2026-12-01"))
    first, second = succeeded([old], new)
    assert first.effective_until == date(2026, 11, 30)
    assert second is new
    assert not first.meets(second)
    assert succeeded([new], old) == [old], "a version of before takes the whole place"


def test_before_any_law_is_in_force_nothing_is_found() -> None:
    checker = load_checker()
    assert checker.check("这瓶精华三天祛斑", "cosmetics", day=date(2026, 11, 1))
    assert not checker.check("这瓶精华三天祛斑，擦之前全是沟，现在一条都找不着", "cosmetics", day=date(2001, 1, 1))


def test_a_group_of_the_base_may_be_written_anew(tmp_path: Path) -> None:
    base = read_pack(BUNDLED / "cn-law", probe=False)
    newer = tmp_path / "cn-law"
    shutil.copytree(BUNDLED / "cn-law", newer)
    header = newer / "pack.yaml"
    header.write_text(header.read_text("utf-8").replace(base.version, "2099.1"), "utf-8")
    assert read_pack(newer, probe=False, base=base).version == "2099.1"
    own = HEAD + "lexicons: {disease: [宇宙无敌旋风]}\n" + RULE.replace("say: [宇宙无敌旋风]", "terms: [disease]")
    assert read_pack(written(tmp_path, own), base=base).lexicons["disease"].terms == ("宇宙无敌旋风",)


def test_another_version_of_the_base_stands_on_its_own_groups(tmp_path: Path) -> None:
    base = read_pack(BUNDLED / "cn-law", probe=False)
    text = HEAD.replace("id: shop", "id: cn-law") + RULE.replace("say: [宇宙无敌旋风]", "terms: [disease]")
    with pytest.raises(BadInputError, match="no term group"):
        read_pack(written(tmp_path, text), base=base)
