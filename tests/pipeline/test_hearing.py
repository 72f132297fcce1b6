"""Recording never waits for recognition, and nothing that befalls recognition ends it."""

import gc
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

import ingest.recorder
from asr.decode import AudioWindow
from core.errors import SourceError, StorageError
from core.records import Stream
from ingest.session import ReconnectPolicy
from ingest.sources import parse_source
from pipeline import ear, hearing, live
from pipeline.ear import Ear
from pipeline.live import StreamWatch, WatchOptions
from store import holes, outbox, recordings, utterances
from store.engine import open_database
from store.scope import stream_totals
from tests.pipeline.hearing_parts import DroppingServer, HandScheduler, hand_parts, make_stream

pytestmark = pytest.mark.slow

SECONDS = 8
RATE = 4
QUICK = WatchOptions(segment_seconds=0.4, reconnect=ReconnectPolicy(0.05, 0.1, 0.0, 20.0))


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_stream(tmp_path_factory.mktemp("stream") / "live.ts", SECONDS)


class Watched:
    """A watch in a thread of its own, and what it told, with the time of each event."""

    def __init__(self, data: Path, url: str) -> None:
        self.db = open_database(data / "livewitness.db")
        self.scheduler = HandScheduler()
        self.events: list[dict] = []
        self.data = data
        self._url = url
        self.begin()

    def begin(self) -> None:
        parts = hand_parts(self.db, self.data, self.scheduler)
        self.watch = StreamWatch(parts, Stream("s", self._url), parse_source(self._url), self._emit, QUICK)
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._run)
        self.result = None

    def _emit(self, event: dict) -> None:
        self.events.append(event | {"clock": time.monotonic()})

    def _run(self) -> None:
        try:
            self.result = self.watch.run()
        except BaseException as error:  # noqa: BLE001 - for the test to look at
            self.failure = error

    def told(self, name: str) -> list[dict]:
        return [event for event in list(self.events) if event["event"] == name]

    def wait_for(self, holds: Callable[[], object], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, [event["event"] for event in self.events]
            time.sleep(0.02)

    def end(self) -> None:
        self.watch.stop()
        self.thread.join(60)
        assert not self.thread.is_alive()

    def unheard(self) -> dict[int, int]:
        """By epoch: ms recorded beyond the cursor."""
        with self.db.read() as c:
            return {
                e.number: max((s.end_ms for s in recordings.list_segments(c, "s", epoch=e.number)), default=0)
                - recordings.transcribed_ms(c, "s", e.number)
                for e in recordings.list_epochs(c, "s")
            }


@pytest.fixture
def watched(tmp_path, content, monkeypatch):
    monkeypatch.setattr(ingest.recorder, "_SETTLE_S", 0.05)
    with DroppingServer(content, SECONDS, rate=RATE, last=3) as server:
        made = Watched(tmp_path / "data", server.url)
        made.server = server
        yield made
        made.scheduler.go.set()
        made.watch.stop()
        if made.thread.ident:
            made.thread.join(30)
        made.db.close()


def test_a_source_that_drops_is_recorded_on_while_recognition_stands_still(watched) -> None:
    watched.scheduler.go.clear()
    watched.thread.start()
    watched.wait_for(lambda: len(watched.told("epoch")) == 3 and len(watched.server.ends) == 3)
    gaps, opened = watched.told("gap"), watched.told("gap.opened")
    assert [gap["reason"] for gap in gaps] == ["source_disconnected"] * 2
    assert all(gap["end"] - gap["start"] < 1.5 for gap in gaps), gaps
    late = [told["clock"] - ended for told, ended in zip(opened, watched.server.ends, strict=False)]
    assert max(late) < 1.5, "told at once"
    assert watched.told("utterance") == []
    watched.scheduler.go.set()
    watched.end()
    assert watched.failure is None
    assert max(watched.unheard().values()) < 500, "every second is heard in the end"
    with watched.db.read() as c:
        assert all(epoch.complete for epoch in recordings.list_epochs(c, "s"))
        written = [(u.epoch, u.start_ms) for u in sorted(utterances.list_utterances(c, "s"), key=lambda u: u.id)]
    assert written == sorted(written)
    assert {epoch for epoch, _ in written} == {1, 2, 3}
    assert watched.events[-1]["event"] == "stream.ended"
    assert watched.result.utterances == len(written)


def test_what_was_heard_is_let_go(watched, monkeypatch) -> None:
    alive: weakref.WeakSet[Ear] = weakref.WeakSet()

    class Counted(Ear):
        def __init__(self, *arguments, **named) -> None:
            super().__init__(*arguments, **named)
            alive.add(self)

    monkeypatch.setattr(hearing, "Ear", Counted)
    made = len(alive)
    watched.thread.start()
    watched.wait_for(lambda: len(watched.told("epoch")) == 3 and len(watched.server.ends) == 3)
    watched.end()
    gc.collect()
    assert made == 0
    assert len(alive) <= 1, "an ear a stream, however often its source dropped"
    with watched.db.read() as c:
        assert watched.result.utterances == len(utterances.list_utterances(c, "s")) > 3


def test_a_restart_records_at_once_and_hears_what_was_left_first(watched) -> None:
    watched.scheduler.go.clear()
    watched.thread.start()
    watched.wait_for(lambda: len(watched.told("segment")) > 6)
    watched.watch._hearing.close()
    watched.watch.stop()
    watched.thread.join(30)
    assert max(watched.unheard().values()) > 1_000
    with watched.db.write() as connection:
        connection.exec_driver_sql("UPDATE epochs SET complete = 0")
    watched.events.clear()
    watched.begin()
    began = time.monotonic()
    watched.thread.start()
    watched.wait_for(lambda: [e for e in watched.told("segment") if e["epoch"] == 2])
    assert time.monotonic() - began < 10
    assert watched.told("utterance") == []
    watched.scheduler.go.set()
    watched.end()
    assert max(watched.unheard().values()) < 500
    heard = [event["epoch"] for event in watched.told("utterance")]
    assert heard == sorted(heard)
    assert set(heard) == {1, 2}


def test_what_is_left_is_heard_while_the_source_is_away(watched) -> None:
    watched.scheduler.go.clear()
    watched.thread.start()
    watched.wait_for(lambda: len(watched.told("segment")) > 6)
    watched.watch._hearing.close()
    watched.watch.stop()
    watched.thread.join(30)
    with watched.db.write() as connection:
        connection.exec_driver_sql("UPDATE epochs SET complete = 0")
    watched.server.gone = True
    watched.begin()
    threading.Timer(1.0, watched.scheduler.go.set).start()
    watched.thread.start()
    watched.thread.join(60)
    assert isinstance(watched.failure, SourceError)
    assert max(watched.unheard().values()) < 500
    with watched.db.read() as c:
        assert all(epoch.complete for epoch in recordings.list_epochs(c, "s"))


def test_recognition_that_fails_is_tried_again_and_recording_goes_on(watched, monkeypatch) -> None:
    monkeypatch.setattr(hearing, "FIRST_PAUSE_S", 0.05)
    failures = iter(range(3))

    def fails(_window: object) -> None:
        if next(failures, None) is not None:
            raise RuntimeError("the device is lost")

    watched.scheduler.fails = fails
    watched.thread.start()
    watched.wait_for(lambda: len(watched.told("epoch")) == 2)
    watched.end()
    assert watched.failure is None
    assert watched.told("not_transcribed") == []
    assert max(watched.unheard().values()) < 500


def test_lag_is_over_when_everything_is_heard(watched, monkeypatch) -> None:
    monkeypatch.setattr(ear, "LAG_FROM_MS", 700)
    watched.scheduler.go.clear()
    watched.thread.start()
    watched.wait_for(lambda: len(watched.told("epoch")) == 2)
    watched.scheduler.go.set()
    watched.end()
    lags = [event["lag"] for event in watched.told("lag")]
    assert max(lags) >= 1
    assert lags[-1] < 0.7
    assert watched.events[-1]["event"] == "stream.ended"


def test_a_window_that_fails_again_and_again_becomes_a_hole_that_is_told(watched, monkeypatch) -> None:
    monkeypatch.setattr(hearing, "FIRST_PAUSE_S", 0.02)
    poisoned: list[int] = []

    def fails(window: AudioWindow) -> None:
        if not poisoned:
            poisoned.append(window.start_ms)
        if window.start_ms <= poisoned[0] < window.start_ms + window.seconds * 1000 and len(poisoned) < 50:
            raise RuntimeError("no such token")

    watched.scheduler.fails = fails
    watched.thread.start()
    watched.wait_for(lambda: len(watched.told("not_transcribed")) == 1 and len(watched.told("epoch")) == 1)
    (told,) = watched.told("not_transcribed")
    poisoned.extend([0] * 50)
    watched.wait_for(lambda: len(watched.told("utterance")) > 0)
    watched.end()
    assert watched.failure is None
    assert told["reason"] == "recognition_failed"
    assert 2 <= told["end"] - told["start"] <= 6, "one window, no more"
    with watched.db.read() as c:
        (hole,) = holes.list_holes(c, "s")
        assert stream_totals(c, "s").untranscribed_ms >= hole.end_ms - hole.start_ms - 100
        assert [e.event for e in outbox.after(c, 0, 1_000, "s")].count("not_transcribed") == 1
    assert max(watched.unheard().values()) < 500
    assert min(e["start"] for e in watched.told("utterance")) >= told["end"] - 0.1


@pytest.mark.parametrize("damage", ["deleted", "overwritten"])
def test_a_segment_that_cannot_be_read_is_silence_and_told_and_hearing_goes_on(watched, damage) -> None:
    watched.scheduler.go.clear()
    watched.thread.start()
    watched.wait_for(lambda: len(watched.told("epoch")) == 2)
    watched.watch._hearing.close()
    watched.watch.stop()
    watched.thread.join(30)
    with watched.db.write() as connection:
        connection.exec_driver_sql("UPDATE epochs SET complete = 0, transcribed_ms = offset_ms")
        first, second, *_ = recordings.list_segments(connection, "s", epoch=1)[3:]
    for segment in (first, second):
        path = watched.data / segment.path
        path.unlink() if damage == "deleted" else path.write_bytes(b"\0" * 5_000)
    watched.begin()
    watched.scheduler.go.set()
    watched.thread.start()
    watched.wait_for(lambda: watched.unheard()[1] < 500 and len(watched.told("epoch")) >= 3)
    watched.end()
    assert watched.failure is None
    told = [(event["start"], event["end"], event["reason"]) for event in watched.told("not_transcribed")]
    places = [(s.start_ms / 1000, s.end_ms / 1000, "recording_unreadable") for s in (first, second)]
    assert told == places
    assert max(watched.unheard().values()) < 500


def test_recognition_that_never_works_ends_a_stop_with_its_error(watched, monkeypatch) -> None:
    monkeypatch.setattr(hearing, "FIRST_PAUSE_S", 0.01)

    def fails(_window: object) -> None:
        raise RuntimeError("the device is lost")

    watched.scheduler.fails = fails
    watched.thread.start()
    watched.wait_for(lambda: len(watched.told("epoch")) == 2)
    watched.end()
    assert isinstance(watched.failure, RuntimeError)
    with watched.db.read() as c:
        assert not recordings.list_epochs(c, "s")[-1].complete, "what is left is heard by the next run"


def test_whoever_reads_the_events_may_go(watched) -> None:
    def gone(_event: dict) -> None:
        raise BrokenPipeError

    watched.watch._sink = gone
    watched.thread.start()
    watched.wait_for(lambda: watched.server.connections == 2)
    watched.end()
    assert watched.failure is None
    assert watched.result.reason == "stopped"


class NoRoom:
    """A disk that a test fills and empties."""

    def __init__(self) -> None:
        self.full = False

    def trouble(self) -> StorageError | None:
        return StorageError("disk_low", "满", "full") if self.full else None


def test_what_a_full_disk_left_unheard_is_heard_when_there_is_room(watched, monkeypatch) -> None:
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.1)
    room = watched.watch._room = NoRoom()
    watched.scheduler.go.clear()
    watched.thread.start()
    watched.wait_for(lambda: len(watched.told("segment")) > 5)
    room.full = True
    watched.wait_for(lambda: watched.told("stream.disk_full"))
    time.sleep(0.5)
    assert watched.thread.is_alive()
    room.full = False
    watched.wait_for(lambda: watched.told("stream.disk_freed") and len(watched.told("epoch")) == 2)
    assert watched.told("gap")[0]["reason"] == "disk_full"
    watched.wait_for(lambda: [e for e in watched.told("segment") if e["epoch"] == 2])
    watched.scheduler.go.set()
    watched.end()
    assert watched.failure is None
    assert max(watched.unheard().values()) < 500
    with watched.db.read() as c:
        assert all(epoch.complete for epoch in recordings.list_epochs(c, "s"))
        assert watched.result.utterances == len(utterances.list_utterances(c, "s"))
