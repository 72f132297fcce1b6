"""What a new pack changes: findings that appear, go, or are judged otherwise."""

from dataclasses import replace

from claims.checker import load_checker
from claims.compare import changes
from core.records import Finding, Verdict


def found(text: str) -> tuple[Finding, ...]:
    return load_checker(meaning=False).check(text, "cosmetics")


def test_the_same_findings_are_no_change() -> None:
    assert changes(found("这瓶精华三天祛斑"), found("这瓶精华三天祛斑")) == []


def test_new_and_gone_are_told_apart() -> None:
    some = found("这瓶精华三天祛斑")
    assert [change.kind for change in changes((), some)] == ["new"]
    assert [change.kind for change in changes(some, ())] == ["gone"]


def test_another_verdict_is_a_change_and_information_counts_as_gone() -> None:
    (one,) = found("这瓶精华三天祛斑")
    assert [c.kind for c in changes([one], [replace(one, verdict=Verdict.REVIEW)])] == ["changed"]
    assert [c.kind for c in changes([one], [replace(one, verdict=Verdict.INFO)])] == ["gone"]
