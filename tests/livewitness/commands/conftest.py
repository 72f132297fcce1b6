"""Commands run in this process share a checker: making one takes two seconds, and it never changes."""

from functools import cache

import pytest

from claims.checker import Checker, load_checker
from livewitness.commands import check, import_transcript, rules


@cache
def _without_encoder(packs: tuple, meaning: bool) -> Checker:
    return load_checker(packs, meaning=meaning)


def _shared(packs=(), *, embedder=None, meaning=True, judge=None) -> Checker:
    if embedder is None and judge is None and not packs:
        return _without_encoder(tuple(packs), meaning)
    return load_checker(packs, embedder=embedder, meaning=meaning, judge=judge)


@pytest.fixture(autouse=True)
def one_checker(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (check, import_transcript, rules):
        monkeypatch.setattr(module, "load_checker", _shared)
