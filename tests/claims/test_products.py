"""Kinds of products."""

import pytest

from claims.products import product_kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cosmetics", "cosmetics"),
        ("补水面膜", "cosmetics"),
        ("维生素胶囊", "health_food"),
        ("玉手镯", "jewellery"),
        ("", ""),
    ],
)
def test_kinds(name: str, kind: str) -> None:
    assert product_kind(name) == kind
