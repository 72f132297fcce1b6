"""Denials, refutations, and what only looks like one."""

import pytest

from index.polarity import asks, denied, disclaims, nearby


def is_denied(text: str, words: str) -> bool:
    start = text.index(words)
    return denied(text, start, start + len(words))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("我们不做祛斑的", "祛斑"),
        ("可不敢说根治", "根治"),
        ("祛斑是不可能的", "祛斑"),
        ("叫你转账的都是骗子", "转账"),
        ("它没有降糖的功效", "降糖"),
        ("严禁私下转账", "私下转账"),
        ("咱家从来没承诺过用了就能祛斑", "祛斑"),
        ("你要问祛斑吗？不能", "祛斑"),
    ],
)
def test_denied(text: str, words: str) -> None:
    assert is_denied(text, words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("用三天祛斑", "祛斑"),
        ("不仅祛斑还美白", "祛斑"),
        ("不管什么斑都能祛斑", "祛斑"),
        ("别家没有，我们祛斑", "祛斑"),
        ("特别祛斑", "祛斑"),
        ("别信他们，我们祛斑", "祛斑"),
        ("祛斑吗？当然了", "祛斑"),
    ],
)
def test_not_denied(text: str, words: str) -> None:
    assert not is_denied(text, words)


@pytest.mark.parametrize("text", ["血压高的遵医嘱吃药", "效果因人而异", "这个不治病", "敏感肌先别买", "开店有风险"])
def test_warnings_and_limits_are_known(text: str) -> None:
    assert disclaims(text)


@pytest.mark.parametrize("text", ["三天色斑全消", "不好用我把钱给你", "比去医院管用", "谁用谁知道"])
def test_claims_are_no_warnings(text: str) -> None:
    assert not disclaims(text)


def test_a_warning_far_from_the_words_is_about_something_else() -> None:
    text = "三天祛斑看得见，先说面膜，再说水杯，摔了会碎的，轻拿轻放"
    assert disclaims(text)
    assert nearby(text, 0, 4) == "三天祛斑看得见，先说面膜"
    assert not disclaims(nearby(text, 0, 4))


def test_a_warning_answers_a_question() -> None:
    assert asks("孕妇可以用吗")
    assert not asks("三天祛斑")
