"""An issuer that is slow or dead holds up a handful of threads and no more, and is not asked again at once."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import api.auth.issuer
from api.auth.issuer import EXCHANGES, WAITING, Issuer, Kept
from api.errors import BusyError
from core.egress import Egress
from core.errors import SourceError
from core.fetch import Fetcher

OPEN = Fetcher(Egress(allow_internal=True))


@pytest.fixture
def dead() -> Iterator[str]:
    """An address that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except (SourceError, BusyError) as error:
        return error.code
    return "answered"


def test_many_who_come_while_it_is_silent_are_sent_away(dead: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.fetch.ANSWER_S", 1.0)
    monkeypatch.setattr(api.auth.issuer, "WAIT_S", 0.3)
    issuer = Issuer(dead, OPEN)
    with ThreadPoolExecutor(30) as pool:
        begun = time.monotonic()
        coming = [pool.submit(outcome, issuer.metadata) for _ in range(30)]
        time.sleep(0.2)
        at_once = [future for future in coming if future.done()]
        assert len(at_once) == 30 - 1 - WAITING, "one asks, few wait for it"
        outcomes = [future.result() for future in coming]
    assert sorted(outcomes) == ["fetch_failed"] + ["oidc_busy"] * 29
    assert time.monotonic() - begun < 5
    again = time.monotonic()
    assert outcome(issuer.metadata) == "fetch_failed", "remembered"
    assert time.monotonic() - again < 0.2


def test_a_failure_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: Iterator[object] = iter([SourceError("x", "断", "down"), "well"])

    def ask() -> object:
        answer = next(answers)
        if isinstance(answer, SourceError):
            raise answer
        return answer

    kept = Kept(ask)
    with pytest.raises(SourceError):
        kept.get(60)
    with pytest.raises(SourceError):
        kept.get(60)
    monkeypatch.setattr(api.auth.issuer, "FAILED_S", 0.0)
    assert kept.get(60) == "well"
    assert kept.get(60) == "well", "asked once"


def test_those_who_wait_share_the_answer() -> None:
    ready, asked = threading.Event(), []

    def ask() -> str:
        asked.append(1)
        assert ready.wait(10)
        return "metadata"

    kept = Kept(ask)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(kept.get, 60.0) for _ in range(4)]
        time.sleep(0.1)
        ready.set()
        assert [future.result() for future in waiting] == ["metadata"] * 4
    assert len(asked) == 1


def test_sign_ins_that_are_finished_at_once_are_few(dead: str) -> None:
    issuer = Issuer(dead, OPEN)
    places = [issuer.exchange() for _ in range(EXCHANGES)]
    for place in places:
        place.__enter__()
    with pytest.raises(BusyError), issuer.exchange():
        pass
    places[0].__exit__(None, None, None)
    with issuer.exchange():
        pass
