"""The loader: what it accepts, and that every refusal names file and line."""

import time
from pathlib import Path

import pytest

from claims.checker import BUNDLED, load_checker, load_pack
from claims.pack import read_pack
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
