"""Denials, refutations, and what only looks like one."""

import pytest

from index.polarity import denied


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
    ],
)
def test_not_denied(text: str, words: str) -> None:
    assert not is_denied(text, words)
