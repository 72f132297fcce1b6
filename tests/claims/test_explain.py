"""Rules for reading."""

import pytest

from claims.checker import BUNDLED
from claims.explain import explain_rule, rule_rows
from claims.pack import read_pack
from core.errors import NotFoundError


def test_rules_are_listed_and_explained() -> None:
    packs = [read_pack(BUNDLED / "cn-law", probe=False)]
    rows = rule_rows(packs)
    assert len({row["id"] for row in rows}) == len(rows) >= 120
    told = explain_rule(packs, "COS-002")
    assert told["category"] == "cosmetic_special"
    assert told["legal_basis"]
    assert told["must_hit"]
    assert str(told["file"]).endswith("cosmetic.yaml")


def test_an_unknown_rule_is_said_to_be_unknown() -> None:
    with pytest.raises(NotFoundError):
        explain_rule([], "NONE-001")
