"""Packs that change while the program runs."""

import threading
from pathlib import Path

import claims.reload
from claims.checker import load_checker
from claims.reload import ReloadingChecker

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


def found(checker: ReloadingChecker, text: str) -> list[str]:
    """What is found once a change of the files has been noticed and loaded."""
    checker.current()
    checker.settle()
    return [finding.rule_id for finding in checker.check(text)]


def test_a_changed_pack_is_in_force_and_a_broken_one_is_not(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(claims.reload, "LOOK_EVERY_S", 0.0)
    pack = tmp_path / "shop.yaml"
    pack.write_text(HEAD + RULE, "utf-8")
    checker = ReloadingChecker([pack])
    assert [f.rule_id for f in checker.check("今天是宇宙无敌旋风")] == ["SHOP-001"]
    pack.write_text(HEAD + RULE.replace("宇宙无敌旋风", "银河超级电扇吧"), "utf-8")
    assert found(checker, "这是银河超级电扇吧") == ["SHOP-001"]
    pack.write_text(HEAD + "rules: [", "utf-8")
    assert found(checker, "这是银河超级电扇吧") == ["SHOP-001"]


def test_packs_of_a_folder_come_and_go(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(claims.reload, "LOOK_EVERY_S", 0.0)
    folder = tmp_path / "active"
    checker = ReloadingChecker(folder=folder)

    text = "今天是宇宙无敌旋风"
    assert "SHOP-001" not in found(checker, text)
    folder.mkdir()
    (folder / "shop.yaml").write_text(HEAD + RULE, "utf-8")
    assert found(checker, text) == ["SHOP-001"]
    assert [pack.id for pack in checker.packs] == ["cn-law", "shop"]
    (folder / "shop.yaml").unlink()
    assert "SHOP-001" not in found(checker, text)


def test_a_stream_goes_on_by_the_old_rules_while_new_ones_are_loaded(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(claims.reload, "LOOK_EVERY_S", 0.0)
    pack = tmp_path / "shop.yaml"
    pack.write_text(HEAD + RULE, "utf-8")
    checker = ReloadingChecker([pack])
    loaders: list[threading.Thread] = []
    ready = threading.Event()

    def slowly(*given, **options):
        loaders.append(threading.current_thread())
        assert ready.wait(30)
        return load_checker(*given, **options)

    monkeypatch.setattr(claims.reload, "load_checker", slowly)
    pack.write_text(HEAD + RULE.replace("宇宙无敌旋风", "银河超级电扇吧"), "utf-8")
    for _ in range(3):
        assert [f.rule_id for f in checker.check("今天是宇宙无敌旋风")] == ["SHOP-001"], "meanwhile"
    ready.set()
    assert found(checker, "这是银河超级电扇吧") == ["SHOP-001"]
    assert threading.current_thread() not in loaders
    assert len(loaders) == 1
