"""Who is decoded next: finals before provisionals, streams in turn, nothing final ever dropped."""

import threading
import time
from concurrent.futures import CancelledError

import numpy as np
import pytest

from asr.decode import AudioWindow
from asr.scheduler import DecodeScheduler, SchedulerOptions, result_or_none
from core.errors import LiveWitnessError
from core.records import ModelIdentity
from models.speech import SAMPLE_RATE, Hypothesis, TimedPiece


class Encoded:
    def __init__(self, marks):
        self.marks, self.size = marks, len(marks)


class SlowEngine:
    """Answers with the window's mark (its first sample); each batch waits for ``gate``. 99 is a window it chokes on."""

    identity = ModelIdentity("slow", "")

    def __init__(self, batch_size=1):
        self.batch_size, self.order, self.gate = batch_size, [], threading.Semaphore(0)
        self.started = threading.Semaphore(0)

    def encode(self, windows, *, pad_frames):
        self.started.release()
        assert self.gate.acquire(timeout=10)
        marks = [round(float(window[0])) for window in windows]
        if 99 in marks:
            raise RuntimeError("out of memory")
        self.order.append(marks)
        return Encoded(marks)

    def generate(self, encoded, *, beam_size, max_tokens):
        return [Hypothesis((f"第{m}号窗口",), ((1,),), -0.1, 0.0) for m in encoded.marks]

    def align(self, encoded, hypotheses):
        return [tuple(TimedPiece(p, 0.1, 0.9, 0.9) for p in h.pieces) for h in hypotheses]


class Meter:
    def __init__(self):
        self.kinds, self.drops, self.most = [], [], 0

    def decoded(self, stream, kind, *, audio_s, waited_s, decode_s, looped):
        self.kinds.append((stream, kind))

    def dropped(self, stream, reason):
        self.drops.append((stream, reason))

    def queued(self, stream, kind, waiting):
        if kind == "final":
            self.most = max(self.most, waiting)


def window(mark: int) -> AudioWindow:
    return AudioWindow(np.full(SAMPLE_RATE, mark, dtype=np.float32), 0, ((0, 1000),))


@pytest.fixture
def make():
    made = []

    def build(batch_size=1, clock=time.monotonic, **options):
        engine, meter = SlowEngine(batch_size), Meter()
        scheduler = DecodeScheduler(engine, SchedulerOptions(**options), meter, clock)
        made.append((engine, scheduler))
        return engine, scheduler, meter

    yield build
    for engine, scheduler in made:
        engine.gate.release(1000)
        scheduler.close()


def hold(engine, stream):
    """Keep the scheduler's one thread busy, so that what follows queues up."""
    future = stream.final(window(0))
    assert engine.started.acquire(timeout=5)
    return future


def test_finals_go_before_provisionals_whoever_came_first(make):
    engine, scheduler, meter = make()
    a, b, c = (scheduler.stream(name) for name in "abc")
    hold(engine, a)
    early = b.provisional(window(1))
    late = c.final(window(2))
    engine.gate.release(10)
    assert late.result(5)
    assert early.result(5)
    assert engine.order == [[0], [2], [1]]
    assert meter.kinds == [("a", "final"), ("c", "final"), ("b", "provisional")]


def test_streams_take_turns_though_one_has_more_to_do(make):
    engine, scheduler, _ = make()
    greedy, modest = scheduler.stream("greedy"), scheduler.stream("modest")
    hold(engine, greedy)
    futures = [greedy.final(window(mark)) for mark in (1, 2, 3)]
    futures += [modest.final(window(mark)) for mark in (11, 12)]
    engine.gate.release(10)
    for future in futures:
        future.result(5)
    assert engine.order == [[0], [11], [1], [12], [2], [3]]


def test_a_stream_that_was_silent_has_saved_nothing_up(make):
    engine, scheduler, _ = make()
    busy, quiet = scheduler.stream("busy"), scheduler.stream("quiet")
    engine.gate.release(5)
    for mark in range(1, 6):
        busy.final(window(mark)).result(5)
    while engine.started.acquire(blocking=False):
        pass
    hold(engine, busy)
    futures = [busy.final(window(21)), *(quiet.final(window(mark)) for mark in (31, 32))]
    engine.gate.release(10)
    for future in futures:
        future.result(5)
    assert engine.order[-3:] == [[31], [21], [32]] or engine.order[-3:] == [[21], [31], [32]]


def test_a_stream_that_joins_takes_no_more_than_its_turn_however_many_are_idle(make):
    """A stream that was never heard must not set the mark for those who come later."""
    engine, scheduler, _ = make()
    busy, idle = scheduler.stream("busy"), scheduler.stream("idle")
    engine.gate.release(5)
    for mark in range(1, 6):
        busy.final(window(mark)).result(5)
    while engine.started.acquire(blocking=False):
        pass
    hold(engine, busy)
    joins = scheduler.stream("joins")
    futures = [joins.final(window(mark)) for mark in (11, 12, 13)]
    futures += [busy.final(window(mark)) for mark in (21, 22)]
    futures.append(idle.final(window(31)))
    engine.gate.release(10)
    for future in futures:
        future.result(5)
    order = [mark for (mark,) in engine.order[6:]]
    assert order.index(21) < order.index(13)
    assert order.index(31) < order.index(12)


def test_a_newer_provisional_overtakes_the_older_and_a_final_both(make):
    engine, scheduler, meter = make()
    a = scheduler.stream("a")
    hold(engine, a)
    first, second = a.provisional(window(1)), a.provisional(window(2))
    final = a.final(window(3))
    engine.gate.release(10)
    assert final.result(5)
    assert result_or_none(first) is None
    assert result_or_none(second) is None
    assert meter.drops == [("a", "overtaken"), ("a", "overtaken")]


def test_a_provisional_that_waited_too_long_is_dropped_and_counted(make):
    now = [0.0]
    engine, scheduler, meter = make(clock=lambda: now[0], provisional_wait_s=1.5)
    a, b = scheduler.stream("a"), scheduler.stream("b")
    busy = hold(engine, a)
    waiting = b.provisional(window(1))
    now[0] = 2.0
    engine.gate.release(10)
    assert busy.result(5)
    assert result_or_none(waiting) is None
    assert meter.drops == [("b", "late")]


def test_a_stream_whose_finals_pile_up_waits_and_loses_none(make):
    engine, scheduler, meter = make(queued_finals=2)
    a = scheduler.stream("a")
    hold(engine, a)
    futures = []
    feeder = threading.Thread(target=lambda: futures.extend(a.final(window(mark)) for mark in range(1, 6)))
    feeder.start()
    time.sleep(0.2)
    assert feeder.is_alive()
    engine.gate.release(10)
    feeder.join(5)
    assert [future.result(5).words[0].text for future in futures] == [f"第{m}号窗口" for m in range(1, 6)]
    assert meter.most <= 2
    assert meter.drops == []


def test_an_engine_that_gains_from_batches_gets_windows_of_several_streams_at_once(make):
    engine, scheduler, _ = make(batch_size=4)
    streams = [scheduler.stream(name) for name in "abcd"]
    hold(engine, streams[0])
    futures = [stream.final(window(mark)) for mark, stream in enumerate(streams, 1)]
    engine.gate.release(10)
    texts = [future.result(5).words[0].text for future in futures]
    assert texts == ["第1号窗口", "第2号窗口", "第3号窗口", "第4号窗口"]
    assert sorted(engine.order[1]) == [1, 2, 3, 4]


def test_a_window_that_cannot_be_decoded_costs_only_its_own_stream(make):
    engine, scheduler, _ = make(batch_size=4)
    good, bad = scheduler.stream("good"), scheduler.stream("bad")
    hold(engine, good)
    broken, fine = bad.final(window(99)), good.final(window(1))
    engine.gate.release(20)
    assert fine.result(5).words
    with pytest.raises(RuntimeError, match="out of memory"):
        broken.result(5)
    assert good.final(window(2)).result(5).words


def test_closing_cancels_what_waits_and_refuses_what_comes(make):
    engine, scheduler, _ = make()
    a = scheduler.stream("a")
    running, waiting = hold(engine, a), a.final(window(1))
    engine.gate.release(10)
    closing = threading.Thread(target=scheduler.close)
    closing.start()
    closing.join(5)
    assert running.result(5).words
    if not waiting.done() or waiting.cancelled():
        with pytest.raises(CancelledError):
            waiting.result(5)
    for call in (a.final, a.provisional):
        with pytest.raises(LiveWitnessError) as caught:
            call(window(2))
        assert caught.value.code == "decoder_closed"


def test_a_stream_that_leaves_frees_those_who_stay(make):
    engine, scheduler, _ = make()
    a, b = scheduler.stream("a"), scheduler.stream("b")
    hold(engine, a)
    gone, stays = b.final(window(1)), a.final(window(2))
    b.close()
    engine.gate.release(10)
    assert stays.result(5).words
    assert gone.cancelled()
    assert [1] not in engine.order


def test_a_stream_that_is_overtaken_keeps_its_place_in_the_queue(make):
    """On a busy machine each look is overtaken by the next; the stream that waits longest still comes first."""
    engine, scheduler, meter = make()
    a, b = scheduler.stream("a"), scheduler.stream("b")
    busy = scheduler.stream("busy").final(window(9))
    assert engine.started.acquire(timeout=5)
    first = a.provisional(window(1))
    other = b.provisional(window(2))
    newer = a.provisional(window(3))
    engine.gate.release(3)
    assert busy.result(5)
    assert newer.result(5)
    assert other.result(5)
    assert first.cancelled()
    assert engine.order == [[9], [3], [2]]
    assert meter.drops == [("a", "overtaken")]
