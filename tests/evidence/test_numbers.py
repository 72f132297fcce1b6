"""Numbers of persons are found however they are written, and other numbers are left alone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.numbers import MASK, is_bank_card, is_identity, masked_text, private_numbers


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("打我电话13800138000谢谢", "mobile", "13800138000"),
        ("号码是 138-0013-8000。", "mobile", "138-0013-8000"),
        ("打一三八零零幺三八零零零", "mobile", "一三八零零幺三八零零零"),
        ("１３８００１３８０００", "mobile", "１３８００１３８０００"),
        ("+8613800138000", "mobile", "8613800138000"),
        ("身份证11010519491231002X。", "identity", "11010519491231002X"),
        ("卡号 4111 1111 1111 1111", "bank card", "4111 1111 1111 1111"),
        ("加微信：hello_666 领券", "wechat", "hello_666"),
        ("我的VX是abc12345", "wechat", "abc12345"),
        ("wxid_abcdefg123", "wechat", "wxid_abcdefg123"),
        ("QQ群 12345678 进来", "qq", "12345678"),
    ],
)
def test_numbers_of_persons(text: str, kind: str, number: str) -> None:
    (found,) = private_numbers(text)
    assert (found.kind, text[found.start : found.end]) == (kind, number)
    masked = masked_text(text, [found])
    assert number not in masked
    assert len(masked) == len(text)
    assert private_numbers(masked) == []


@pytest.mark.parametrize(
    "text",
    ["订单号202611220001234567", "只要199元，第100件", "11010519491231002A", "2026年11月22日20点31分", "一二三上链接",
     "备案号 国妆特字G20261234", "4111 1111 1111 1112", "10086", "微信支付"],
)  # fmt: skip
def test_other_numbers_stay(text: str) -> None:
    assert private_numbers(text) == []


def test_two_numbers_one_after_the_other_are_both_found() -> None:
    found = private_numbers("13800138000，13900139000")
    assert [(one.start, one.end) for one in found] == [(0, 11), (12, 23)]


@given(st.text(alphabet="0123456789Xx一二三幺 -，a微信", max_size=60))
def test_whatever_the_text_masks_cover_just_what_was_found(text: str) -> None:
    found = private_numbers(text)
    masked = masked_text(text, found)
    inside = {n for one in found for n in range(one.start, one.end)}
    assert all((masked[n] == MASK) if n in inside else masked[n] == text[n] for n in range(len(text)))
    assert all(a.end <= b.start for a, b in pairwise(found))


@given(st.integers(10**16, 10**17 - 1))
def test_of_all_last_digits_one_makes_an_identity_number_or_none(number: int) -> None:
    assert sum(is_identity(f"{number}{last}") for last in "0123456789X") <= 1
    assert sum(is_bank_card(f"4{number}{last}") for last in range(10)) == 1
