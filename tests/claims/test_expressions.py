"""Expressions of rule packs that could run away are refused before they meet speech."""

import pytest

from claims.expressions import UnsafeExpressionError, compile_expression


@pytest.mark.parametrize("source", ["(?:真的|真|的){1,40}包治", "(真的?){2,12}好", "(?:很+)+好", "好.*卖", "包{no}"])
def test_what_can_run_away_is_refused(source: str) -> None:
    with pytest.raises(UnsafeExpressionError):
        compile_expression(source, {})


@pytest.mark.parametrize("source", ["(?:真的|真){1,3}包治", "[一二三]{1,12}天", "(?=好|很)[好很]吃{1,20}", "包治{_}病"])
def test_what_cannot_is_taken(source: str) -> None:
    assert compile_expression(source, {}).search("没有这样的话") is None
