"""The demonstration in the service: one source on loopback is let in, for as long as it plays."""

import time
import urllib.request

import pytest

from core.egress import Egress
from core.errors import ConflictError
from core.settings import Settings
from livewitness.demonstration import Demonstration
from livewitness.supervision import guard_for


class Watcher:
    """Stands for the supervisor."""

    def __init__(self) -> None:
        self.standing: dict[str, str] = {}
        self.sources = []

    def add(self, config, *, start=True):
        self.standing[config.name] = "running"
        self.sources.append(config)
        return {}

    def remove(self, name):
        del self.standing[name]

    def states(self):
        return [{"name": name, "state": state} for name, state in self.standing.items()]


@pytest.fixture
def watcher():
    return Watcher()


@pytest.fixture
def written():
    return []


@pytest.fixture
def demonstration(watcher, written):
    made = Demonstration(watcher, written)
    yield made
    made.close()


def until(true) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_its_source_alone_is_let_in_and_only_while_it_plays(demonstration, watcher, written) -> None:
    assert demonstration.state()["state"] == "idle"
    begun = demonstration.play()
    assert (begun["state"], begun["seconds"] > 60) == ("playing", True)
    source = watcher.sources[0]
    assert b"#EXTM3U" in urllib.request.urlopen(source.source, timeout=20).read()
    assert guard_for(Settings(), source, written) is None
    beside = source.model_copy(update={"source": source.source.replace("live", "other")})
    assert guard_for(Settings(), beside, written) == Egress()
    with pytest.raises(ConflictError):
        demonstration.play()
    watcher.standing[source.name] = "ended"
    until(lambda: demonstration.state()["state"] == "ended")
    assert (written, watcher.standing) == ([], {})
    assert guard_for(Settings(), source, written) == Egress()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(source.source, timeout=5)


def test_closing_ends_it(watcher, written) -> None:
    demonstration = Demonstration(watcher, written)
    demonstration.play()
    demonstration.close()
    assert written == []


def test_a_stream_that_cannot_be_taken_on_leaves_nothing(demonstration, watcher, written, monkeypatch) -> None:
    def refuse(config, *, start=True):
        raise ConflictError("watch_exists", "已在列。", "There is one.")

    monkeypatch.setattr(watcher, "add", refuse)
    with pytest.raises(ConflictError):
        demonstration.play()
    assert (written, demonstration.state()["state"]) == ([], "idle")
