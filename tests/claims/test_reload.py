"""Packs that change while the program runs."""

from pathlib import Path

import claims.reload
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


def test_a_changed_pack_is_in_force_and_a_broken_one_is_not(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(claims.reload, "LOOK_EVERY_S", 0.0)
    pack = tmp_path / "shop.yaml"
    pack.write_text(HEAD + RULE, "utf-8")
    checker = ReloadingChecker([pack])
    assert [f.rule_id for f in checker.check("今天是宇宙无敌旋风")] == ["SHOP-001"]
    pack.write_text(HEAD + RULE.replace("宇宙无敌旋风", "银河超级电扇吧"), "utf-8")
    assert [f.rule_id for f in checker.check("这是银河超级电扇吧")] == ["SHOP-001"]
    pack.write_text(HEAD + "rules: [", "utf-8")
    assert [f.rule_id for f in checker.check("这是银河超级电扇吧")] == ["SHOP-001"]


def test_packs_of_a_folder_come_and_go(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(claims.reload, "LOOK_EVERY_S", 0.0)
    folder = tmp_path / "active"
    checker = ReloadingChecker(folder=folder)

    def found() -> bool:
        return "SHOP-001" in [f.rule_id for f in checker.check("今天是宇宙无敌旋风")]

    assert not found()
    folder.mkdir()
    (folder / "shop.yaml").write_text(HEAD + RULE, "utf-8")
    assert found()
    assert [pack.id for pack in checker.packs] == ["cn-law", "shop"]
    (folder / "shop.yaml").unlink()
    assert not found()
