"""Streams begin, fail, fall silent, begin again; none of it touches another."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy.exc import OperationalError

from core.errors import BadInputError, ConflictError, NotFoundError, SourceError
from core.watch_config import WatchConfig
from ingest.session import ReconnectPolicy
from pipeline.live import WatchResult
from pipeline.supervisor import Supervisor, SupervisorOptions

QUICK = SupervisorOptions(
    ReconnectPolicy(first_delay_s=0.05, max_delay_s=0.1), silent_after_s=0.4, behind_s=10, forget_after_s=0.3
)


class Scripted:
    """A watch that does what its script says: ``script(emit, stopped)`` returns the reason of its end."""

    def __init__(self, name: str, script, emit) -> None:
        self._name = name
        self._script = script
        self._emit = emit
        self._stopped = threading.Event()

    def run(self) -> WatchResult:
        return WatchResult(self._name, self._script(self._emit, self._stopped))

    def stop(self) -> None:
        self._stopped.set()


class Stage:
    """Scripts by stream name, the events told, and the supervisor over them.

    ``heard``: stream seconds up to which recognition has come. ``trouble``: raised by whoever is told an event.
    """

    def __init__(self, options: SupervisorOptions = QUICK) -> None:
        self.scripts = {}
        self.events: list[dict] = []
        self.forgotten: list[str] = []
        self.heard: float | None = None
        self.trouble: Exception | None = None
        self.supervisor = Supervisor(
            self._make, self._tell, options, forget=self.forgotten.append, heard=lambda _config: self.heard
        )

    def _tell(self, event: dict) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.events.append(event)

    def _make(self, config, emit):
        return Scripted(config.name, self.scripts[config.name], emit)

    def add(self, name: str, script, **fields) -> None:
        self.scripts[name] = script
        self.supervisor.add(WatchConfig(name=name, source="x", **fields))

    def wait(self, name: str, *states: str, seconds: float = 5) -> dict:
        deadline = time.monotonic() + seconds
        while (state := self.supervisor.state(name))["state"] not in states:
            assert time.monotonic() < deadline, state
            time.sleep(0.01)
        return state

    def told(self, event: str, seconds: float = 5) -> dict:
        deadline = time.monotonic() + seconds
        while not (found := [e for e in self.events if e["event"] == event]):
            assert time.monotonic() < deadline, self.events
            time.sleep(0.01)
        return found[0]


@pytest.fixture
def stage():
    made = Stage()
    yield made
    made.supervisor.close()


def segment(end: float = 4.0) -> dict:
    return {"event": "segment", "stream": "x", "end": end}


EPOCH = {"event": "epoch", "stream": "x"}


def plays(emit, stopped) -> str:
    emit(EPOCH)
    while not stopped.wait(0.05):
        emit(segment())
    return "stopped"


def test_a_stream_runs_until_it_is_stopped_and_can_begin_again(stage) -> None:
    stage.add("a", plays)
    stage.wait("a", "running")
    stage.told("segment")
    assert stage.supervisor.state("a")["recorded"] == 4.0
    assert stage.supervisor.stop("a")["state"] == "stopping"
    assert stage.wait("a", "stopped")["retry_at"] is None
    assert stage.supervisor.settled()
    stage.supervisor.start("a")
    assert stage.wait("a", "running")["runs"] == 2
    assert stage.supervisor.start("a")["runs"] == 2


def test_a_source_that_cannot_be_reached_is_tried_again_with_its_error_shown(stage) -> None:
    tries = []

    def fails_twice(emit, stopped) -> str:
        tries.append(1)
        if len(tries) < 3:
            raise SourceError("source_refused", "连不上。", "Refused.")
        return plays(emit, stopped)

    stage.add("a", fails_twice)
    failed = stage.told("stream.failed")
    assert (failed["stream"], failed["error"]["code"]) == ("a", "source_refused")
    assert failed["retry_at"]
    assert stage.wait("a", "running")["error"] is None
    assert len(tries) == 3


def test_bad_input_and_never_are_not_tried_again(stage) -> None:
    def bad(emit, stopped) -> str:
        raise BadInputError("file_missing", "没有。", "None.")

    def lost(emit, stopped) -> str:
        raise SourceError("source_refused", "连不上。", "Refused.")

    stage.add("a", bad)
    stage.add("b", lost, restart="never")
    for name in "ab":
        state = stage.wait(name, "failed")
        assert state["retry_at"] is None
    time.sleep(0.3)
    assert {s["runs"] for s in stage.supervisor.states()} == {1}


def test_a_defect_in_one_stream_is_logged_and_touches_no_other(stage, caplog) -> None:
    def broken(emit, stopped) -> str:
        raise ZeroDivisionError

    stage.add("broken", broken)
    stage.add("fine", plays)
    stage.told("stream.failed")
    assert stage.wait("broken", "failed")["error"]["code"] == "internal"
    assert stage.wait("fine", "running")["runs"] == 1
    assert "ZeroDivisionError" in caplog.text


def test_silence_is_told_once_and_so_is_its_end(stage) -> None:
    silence = threading.Event()

    def falls_silent(emit, stopped) -> str:
        emit(EPOCH)
        silence.wait(5)
        return plays(emit, stopped)

    stage.add("a", falls_silent)
    stage.wait("a", "reconnecting")
    assert stage.told("stream.silent")["silent"] >= 0.4
    time.sleep(0.3)
    silence.set()
    stage.told("stream.resumed")
    stage.wait("a", "running")
    assert [e["event"] for e in stage.events if e["event"].startswith("stream.")] == ["stream.silent", "stream.resumed"]


def test_falling_behind_is_told_once_and_so_is_catching_up(stage) -> None:
    def lags(emit, stopped) -> str:
        for lag in (3, 12, 20, 8, 30, 4):
            emit({"event": "lag", "stream": "a", "lag": float(lag)})
        return plays(emit, stopped)

    stage.add("a", lags)
    stage.wait("a", "running")
    told = [e["event"] for e in stage.events if e["event"].startswith("stream.")]
    assert told == ["stream.behind", "stream.caught_up"]
    assert stage.supervisor.state("a")["lag"] == 4


def test_a_lost_source_begins_again_and_an_ended_one_does_not(stage) -> None:
    runs = {"lost": 0, "ended": 0, "always": 0}

    def ends(name: str, reason: str):
        def script(emit, stopped) -> str:
            runs[name] += 1
            return reason if runs[name] < 3 else plays(emit, stopped)

        return script

    stage.add("lost", ends("lost", "source_lost"))
    stage.add("ended", ends("ended", "ended"))
    stage.add("always", ends("always", "ended"), restart="always")
    assert stage.wait("lost", "running")["runs"] == 3
    assert stage.wait("always", "running")["runs"] == 3
    assert stage.wait("ended", "ended")["runs"] == 1


def test_a_stream_stopped_while_it_waits_stays_stopped(stage) -> None:
    def lost(emit, stopped) -> str:
        raise SourceError("source_refused", "连不上。", "Refused.")

    stage.add("a", lost)
    stage.wait("a", "failed")
    stage.supervisor.stop("a")
    stage.wait("a", "stopped", "failed")
    time.sleep(0.3)
    runs = stage.supervisor.state("a")["runs"]
    time.sleep(0.3)
    assert stage.supervisor.state("a")["runs"] == runs


def test_names_are_unique_and_unknown_ones_refused(stage) -> None:
    stage.add("a", plays)
    with pytest.raises(ConflictError):
        stage.add("a", plays)
    with pytest.raises(NotFoundError):
        stage.supervisor.stop("b")
    stage.supervisor.remove("a")
    assert stage.supervisor.states() == []
    stage.add("a", plays)


def test_output_that_nobody_reads_any_more_stops_no_recording(stage) -> None:
    def deaf(event: dict) -> None:
        raise BrokenPipeError

    stage.supervisor._sink = deaf
    stage.add("a", plays)
    time.sleep(0.3)
    assert stage.wait("a", "running")["runs"] == 1


def test_a_start_while_it_stops_begins_it_again_when_the_stop_is_done(stage) -> None:
    may_end = threading.Event()

    def ends_slowly(emit, stopped) -> str:
        plays(emit, stopped)
        may_end.wait(5)
        return "stopped"

    stage.add("a", ends_slowly)
    stage.wait("a", "running")
    stage.supervisor.stop("a")
    assert stage.supervisor.start("a")["state"] == "stopping"
    may_end.set()
    assert stage.wait("a", "running")["runs"] == 2


def test_the_last_word_counts_when_start_and_stop_cross(stage) -> None:
    may_end = threading.Event()

    def ends_slowly(emit, stopped) -> str:
        plays(emit, stopped)
        may_end.wait(5)
        return "stopped"

    stage.add("a", ends_slowly)
    stage.wait("a", "running")
    for ask in (stage.supervisor.stop, stage.supervisor.start, stage.supervisor.stop):
        ask("a")
    may_end.set()
    assert stage.wait("a", "stopped")["retry_at"] is None
    time.sleep(0.3)
    assert stage.supervisor.state("a")["runs"] == 1


def test_a_stream_that_opens_and_soon_fails_is_tried_ever_less_often() -> None:
    stage = Stage(SupervisorOptions(ReconnectPolicy(first_delay_s=0.05, max_delay_s=60, jitter=0)))
    begun = []

    def opens_and_fails(emit, stopped) -> str:
        begun.append(time.monotonic())
        emit(segment())  # found unlisted from the run before
        emit(EPOCH)
        emit(segment())
        raise SourceError("source_refused", "连不上。", "Refused.")

    stage.add("a", opens_and_fails)
    deadline = time.monotonic() + 10
    while len(begun) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stage.supervisor.close()
    assert begun[3] - begun[2] >= 0.2


def test_a_stream_that_ran_for_long_is_tried_again_soon() -> None:
    stage = Stage(SupervisorOptions(ReconnectPolicy(0.05, 60, jitter=0), steady_s=0.2))
    runs = []

    def runs_then_fails(emit, stopped) -> str:
        runs.append(1)
        emit(EPOCH)
        for _ in range(5):
            time.sleep(0.06)
            emit(segment())
        raise SourceError("source_refused", "连不上。", "Refused.")

    stage.add("a", runs_then_fails)
    deadline = time.monotonic() + 10
    while len(runs) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert stage.supervisor._slots["a"].attempts <= 1
    stage.supervisor.close()


def test_a_host_back_from_a_break_waits_no_longer_than_a_minute_or_so() -> None:
    policy = SupervisorOptions().restart
    assert policy.max_delay_s == 60


@pytest.mark.parametrize("trouble", [RuntimeError("?"), KeyError("?"), OperationalError("", {}, Exception("locked"))])
def test_whatever_telling_raises_the_streams_are_looked_after(stage, trouble) -> None:
    ends = threading.Event()

    def fails_once(emit, stopped) -> str:
        if not ends.is_set():
            ends.wait(5)
            raise SourceError("source_refused", "连不上。", "Refused.")
        return plays(emit, stopped)

    stage.add("a", fails_once)
    stage.trouble = trouble
    ends.set()
    stage.wait("a", "failed", "starting")
    time.sleep(0.3)
    stage.trouble = None
    assert stage.wait("a", "running")["runs"] >= 2


def test_a_machine_without_threads_left_is_asked_again_later(stage, monkeypatch) -> None:
    real, left = ThreadPoolExecutor.submit, [2]

    def refuses(self, *call):
        if left[0]:
            left[0] -= 1
            raise RuntimeError("can't start new thread")
        return real(self, *call)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", refuses)
    stage.add("a", plays)
    assert stage.wait("a", "running")["runs"] == 3


def test_recognition_that_writes_nothing_any_more_is_told_as_behind(stage) -> None:
    def records(emit, stopped) -> str:
        emit(EPOCH)
        end = 0.0
        while not stopped.wait(0.05):
            end += 1
            emit(segment(end))
        return "stopped"

    stage.heard = 0.0
    stage.supervisor._options = replace(QUICK, listen_every_s=0.05)
    stage.add("a", records)
    assert stage.told("stream.behind")["lag"] >= 10
    assert stage.supervisor.state("a")["lag"] >= 10
    stage.heard = 1e6
    stage.told("stream.caught_up")
    assert stage.supervisor.state("a")["lag"] == 0
    told = [e["event"] for e in stage.events if e["event"].startswith("stream.")]
    assert told == ["stream.behind", "stream.caught_up"]


def test_what_has_no_sound_is_not_behind(stage) -> None:
    def without_sound(emit, stopped) -> str:
        emit(EPOCH)
        emit({"event": "no_audio", "stream": "x"})
        while not stopped.wait(0.05):
            emit(segment(100))
        return "stopped"

    stage.heard = 0.0
    stage.supervisor._options = replace(QUICK, listen_every_s=0.05)
    stage.add("a", without_sound)
    stage.wait("a", "running")
    time.sleep(0.4)
    assert stage.supervisor.state("a")["behind"] is False


def test_what_was_measured_of_a_stream_is_forgotten_with_it_and_some_time_after_its_end(stage) -> None:
    stage.add("gone", plays)
    stage.add("ended", lambda emit, stopped: "ended")
    stage.add("on", plays)
    stage.wait("gone", "running")
    stage.wait("ended", "ended")
    stage.supervisor.remove("gone")
    deadline = time.monotonic() + 5
    while sorted(stage.forgotten) != ["ended", "gone"]:
        assert time.monotonic() < deadline, stage.forgotten
        time.sleep(0.01)
    time.sleep(0.3)
    assert len(stage.forgotten) == 2
