"""Events reach each target at least once, in order of their stream, or end among the dead letters."""

import json
import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

import pytest
from filelock import FileLock

from core.clock import iso, parse_iso, utc_now
from core.records import Stream
from pipeline import delivery_loop
from pipeline.delivery import Courier, RetryPolicy, request_for
from pipeline.delivery_loop import DeliveryLoop
from pipeline.webhook_sender import Outcome, Post, WebhookSender, signature
from store import outbox, streams
from store import webhooks as hooks
from store.engine import open_database
from store.tables import outbox as outbox_table
from store.webhooks import Webhook
from tests.alerting import an_alert
from tests.pipeline.receiver import Receiver

HOOK = Webhook("desk", "https://desk.example/hook", "0123456789abcdef")


@pytest.fixture
def db(tmp_path):
    database = open_database(tmp_path / "livewitness.db")
    with database.write() as c:
        for name in "ab":
            streams.open_stream(c, Stream(name=name, source="x"))
        hooks.put_webhook(c, HOOK)
    yield database
    database.close()


def tell(db, stream: str, *numbers: int) -> None:
    with db.write() as c:
        for number in numbers:
            outbox.append_event(c, {"event": "alert", "stream": stream, "number": number})


@dataclass
class Target:
    """Stands for a moderator's system: notes what it took; ``refuses`` says which it does not take."""

    refuses: Callable[[dict], bool] = lambda fields: False
    taken: list[int] = field(default_factory=list)
    tries: int = 0

    def __call__(self, post: Post) -> Outcome:
        self.tries += 1
        fields = json.loads(post.body)
        if self.refuses(fields):
            return Outcome("HTTP 500")
        self.taken.append(fields["number"])
        return Outcome()


class Clock:
    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self):
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def courier(db, target, clock) -> Courier:
    return Courier(db, target, clock, random.Random(1))


def drain(courier: Courier, stream: str) -> None:
    while (back := courier.deliver_next(HOOK, stream)) is not None and back <= courier.clock():
        pass


def test_every_event_goes_out_once_in_order_and_is_remembered(db, clock) -> None:
    tell(db, "a", 1, 2, 3)
    target = Target()
    drain(courier(db, target, clock), "a")
    assert target.taken == [1, 2, 3]
    tell(db, "a", 4)
    drain(courier(db, target, clock), "a")  # as after a restart: nothing is kept in memory
    assert target.taken == [1, 2, 3, 4]


def test_what_was_told_before_the_target_existed_is_not_sent(db, clock) -> None:
    tell(db, "a", 1)
    with db.write() as c:
        late = hooks.put_webhook(c, Webhook("late", "https://late.example/", "0123456789abcdef"))
    tell(db, "a", 2)
    target = Target()
    assert courier(db, target, clock).deliver_next(late, "a") is not None
    assert target.taken == [2]


def test_a_failing_event_holds_back_its_own_stream_only(db, clock) -> None:
    tell(db, "a", 1, 2)
    tell(db, "b", 3, 4)
    target = Target(refuses=lambda fields: fields["number"] == 1)
    carrier = courier(db, target, clock)
    drain(carrier, "a")
    drain(carrier, "b")
    assert target.taken == [3, 4]
    target.refuses = lambda fields: False
    clock.move(seconds=5)
    drain(carrier, "a")
    assert target.taken == [3, 4, 1, 2]


def test_pauses_double_with_jitter_up_to_a_quarter_of_an_hour(db, clock) -> None:
    tell(db, "a", 1)
    carrier = courier(db, Target(refuses=lambda fields: True), clock)
    pauses = []
    for _ in range(15):
        back = carrier.deliver_next(HOOK, "a")
        assert back is not None
        assert carrier.deliver_next(HOOK, "a") == back.replace(microsecond=back.microsecond // 1000 * 1000)
        pauses.append((back - clock.now).total_seconds())
        clock.move(seconds=pauses[-1])
    assert 0.7 <= pauses[0] <= 1.3
    assert max(pauses) <= 900 * 1.3
    assert all(a < b for a, b in pairwise(pauses[:8:2]))
    policy = RetryPolicy(jitter=0)
    assert [policy.delay(n, random.Random()).total_seconds() for n in (1, 2, 5, 50)] == [1, 2, 16, 900]


def test_after_a_day_an_event_is_dead_and_the_next_has_its_own_day(db, clock) -> None:
    clock.now = utc_now()
    tell(db, "a", 1)
    target = Target(refuses=lambda fields: True)
    carrier = courier(db, target, clock)
    hours = 0.0
    while not dead(db):
        back = carrier.deliver_next(HOOK, "a")
        assert back is not None
        hours += (back - clock.now).total_seconds() / 3600
        clock.now = back
    assert 24 <= hours < 25
    (letter,) = dead(db)
    assert (letter.error, json.loads(letter.event.payload)["number"]) == ("HTTP 500", 1)
    assert target.tries > 80
    target.refuses = lambda fields: False
    tell(db, "a", 2)
    drain(carrier, "a")
    assert target.taken == [2]


def test_a_target_away_for_days_leaves_only_what_is_older_than_a_day(db, clock) -> None:
    begun = clock.now
    tell(db, "a", *range(50))
    carrier = courier(db, Target(refuses=lambda fields: True), clock)
    carrier.deliver_next(HOOK, "a")
    clock.now = begun + timedelta(hours=25)
    carrier.deliver_next(HOOK, "a")
    assert len(dead(db)) == 50


def test_dead_letters_go_again_when_asked_and_stay_when_refused(db, clock) -> None:
    tell(db, "a", 1, 2)
    target = Target(refuses=lambda fields: True)
    carrier = courier(db, target, clock)
    carrier.deliver_next(HOOK, "a")
    clock.move(hours=25)
    carrier.deliver_next(HOOK, "a")
    first, second = dead(db)
    target.refuses = lambda fields: fields["number"] == 2
    with db.write() as c:
        assert hooks.request_resend(c, [first.id]) == 1
        assert hooks.request_resend(c, webhook="desk") == 1
    with db.read() as c:
        asked = hooks.list_dead(c, state="resending")
    for letter in asked:
        carrier.resend(letter)
    assert target.taken == [1]
    (left,) = dead(db)
    assert (left.id, left.state, left.event.event_id) == (second.id, "dead", second.event.event_id)


def dead(db) -> list[hooks.DeadLetter]:
    with db.read() as c:
        return hooks.list_dead(c)


def test_the_request_tells_who_what_and_when(db, clock) -> None:
    with db.write() as c:
        outbox.append(c, "alert", an_alert("a1", "a"))
        (event,) = outbox.after(c, 0, 1)
    post = request_for(HOOK, event, clock.now)
    stamp = int(post.headers["LiveWitness-Timestamp"])
    assert abs(stamp - clock.now.timestamp()) <= 1
    assert post.headers["LiveWitness-Signature"] == signature(HOOK.secret, stamp, post.body)
    assert post.headers["LiveWitness-Alert-Id"] == "a1"
    assert post.headers["LiveWitness-Event-Id"] == post.headers["Idempotency-Key"] == event.event_id
    clock.move(hours=1)
    again = request_for(HOOK, event, clock.now)
    assert (again.body, again.headers["Idempotency-Key"]) == (post.body, event.event_id)
    assert again.headers["LiveWitness-Signature"] != post.headers["LiveWitness-Signature"]


def test_a_removed_target_gets_nothing_and_leaves_nothing(db, clock) -> None:
    tell(db, "a", 1)
    carrier = courier(db, Target(refuses=lambda fields: True), clock)
    carrier.deliver_next(HOOK, "a")
    with db.write() as c:
        assert hooks.waiting(c, HOOK) == 1
        assert hooks.remove_webhook(c, "desk")
        assert not hooks.remove_webhook(c, "desk")
        assert hooks.list_queues(c) == []


def test_a_changed_target_is_tried_at_once(db, clock) -> None:
    tell(db, "a", 1)
    target = Target(refuses=lambda fields: True)
    carrier = courier(db, target, clock)
    for _ in range(5):
        back = carrier.deliver_next(HOOK, "a")
        assert back
        clock.now = back
    with db.write() as c:
        hooks.put_webhook(c, Webhook("desk", "https://new.example/", HOOK.secret))
    target.refuses = lambda fields: False
    drain(carrier, "a")
    assert target.taken == [1]


# The loop, with a real server on loopback.

QUICK = RetryPolicy(first_s=0.05, most_s=0.2)


def loop(db, tmp_path, policy: RetryPolicy = QUICK) -> DeliveryLoop:
    running = DeliveryLoop(db, tmp_path, WebhookSender(allow_internal=True, timeout_s=1), policy=policy)
    running.start()
    return running


def numbers(receiver: Receiver, stream: str) -> list[int]:
    bodies = [json.loads(taken.body) for taken in receiver.taken]
    return [body["number"] for body in bodies if body["stream"] == stream]


def aim(db, receiver: Receiver, *only: str, name: str = "desk") -> None:
    with db.write() as c:
        hooks.put_webhook(c, Webhook(name, receiver.url, HOOK.secret, only))


def test_the_loop_delivers_soon_after_the_commit_and_filters_streams(db, tmp_path) -> None:
    with Receiver() as receiver:
        aim(db, receiver, "a")
        running = loop(db, tmp_path)
        tell(db, "b", 9)
        tell(db, "a", 1)
        receiver.wait_for(1)
        tell(db, "a", 2, 3)
        receiver.wait_for(3)
        running.stop()
        assert numbers(receiver, "a") == [1, 2, 3]
        assert numbers(receiver, "b") == []
    with db.read() as c:
        sent = parse_iso(outbox.after(c, 0, 1)[0].at)
    assert utc_now() - sent < timedelta(seconds=10)


def test_a_hanging_target_and_a_failing_stream_hold_up_nobody_else(db, tmp_path) -> None:
    with Receiver() as good, Receiver(lambda _taken: -1) as hanging:
        aim(db, hanging, name="hanging")
        aim(db, good)
        good.answer = lambda taken: 500 if json.loads(taken.body)["number"] == 1 else 200
        running = loop(db, tmp_path)
        tell(db, "a", 1, 2)
        tell(db, "b", *range(10, 30))
        good.wait_for(22, 5)
        running.stop()
        assert numbers(good, "b") == list(range(10, 30))
        assert set(numbers(good, "a")) == {1}


def test_a_restart_goes_on_and_repeats_nothing_that_was_noted(db, tmp_path) -> None:
    with Receiver() as receiver:
        aim(db, receiver)
        tell(db, "a", 1, 2)
        first = loop(db, tmp_path)
        receiver.wait_for(2)
        first.stop()
        tell(db, "a", 3, 4)
        second = loop(db, tmp_path)
        receiver.wait_for(4)
        second.stop(settle_s=5)
        assert numbers(receiver, "a") == [1, 2, 3, 4]


def test_two_processes_take_turns(db, tmp_path) -> None:
    with Receiver() as receiver:
        aim(db, receiver)
        first, second = loop(db, tmp_path), loop(db, tmp_path)
        tell(db, "a", *range(20))
        receiver.wait_for(20)
        first.stop()
        tell(db, "a", *range(20, 25))
        receiver.wait_for(25)
        second.stop()
        assert numbers(receiver, "a") == list(range(25))


def test_a_letter_is_sent_again_by_the_loop(db, tmp_path) -> None:
    with Receiver(lambda _taken: 500) as receiver:
        aim(db, receiver)
        tell(db, "a", 1)
        running = loop(db, tmp_path, RetryPolicy(first_s=0.02, most_s=0.02, give_up_after=timedelta(0)))
        receiver.wait_for(1)
        while not dead(db):
            pass
        receiver.answer = lambda _taken: 204
        with db.write() as c:
            hooks.request_resend(c, webhook="desk")
        receiver.wait_for(2)
        running.stop()
        assert dead(db) == []


def test_a_target_whose_secret_cannot_be_opened_gets_nothing_until_it_has_a_new_one(db, tmp_path) -> None:
    with Receiver() as receiver:
        aim(db, receiver)
        (key,) = tmp_path.rglob("secrets.key")
        key.unlink()
        tell(db, "a", 1)
        running = loop(db, tmp_path)
        deadline = time.monotonic() + 10
        while not (failing := queue_error(db)):
            assert time.monotonic() < deadline
        assert failing.startswith("webhook_secret")
        assert receiver.taken == []
        aim(db, receiver)
        receiver.wait_for(1)
        running.stop()


def queue_error(db) -> str:
    with db.read() as c:
        return "".join(queue.error for queue in hooks.list_queues(c))


def test_the_loop_forgets_what_everybody_has_had_for_long(db, tmp_path) -> None:
    with Receiver() as receiver:
        aim(db, receiver, "a")
        tell(db, "a", 1, 2)
        tell(db, "b", 3)
        first = loop(db, tmp_path)
        receiver.wait_for(2)
        first.stop(settle_s=5)
        second = DeliveryLoop(db, tmp_path, WebhookSender(allow_internal=True), keep=timedelta(0))
        second.start()
        deadline = time.monotonic() + 10
        while _kept(db) != 1:
            assert time.monotonic() < deadline
        second.stop()
        assert numbers(receiver, "a") == [1, 2]


def _kept(db) -> int:
    with db.read() as c:
        return len(outbox.after(c, 0, 100))


def test_after_a_clock_was_set_back_no_event_is_passed_over(db, clock) -> None:
    """An event told before the clock was set back seems younger than those after it, which are late first."""
    begun = clock.now
    tell(db, "a", 1, 2, 3)
    with db.write() as c:
        ahead = outbox_table.update().where(outbox_table.c.cursor == 2)
        c.execute(ahead.values(at=iso(begun + timedelta(hours=3))))
    target = Target(refuses=lambda fields: True)
    carrier = courier(db, target, clock)
    carrier.deliver_next(HOOK, "a")
    clock.now = begun + timedelta(hours=25)
    carrier.deliver_next(HOOK, "a")
    assert [json.loads(letter.event.payload)["number"] for letter in dead(db)] == [1]
    target.refuses = lambda fields: False
    clock.move(hours=1)
    drain(carrier, "a")
    assert target.taken == [2, 3]


@pytest.mark.parametrize("now", [("a", "b"), ()])
def test_a_stream_newly_wanted_begins_with_what_is_told_from_now_on(db, clock, now) -> None:
    with db.write() as c:
        hooks.put_webhook(c, Webhook("some", "https://some.example/", HOOK.secret, ("a",)))
    tell(db, "a", 1)
    tell(db, "b", 2, 3)
    with db.write() as c:
        wider = hooks.put_webhook(c, Webhook("some", "https://some.example/", HOOK.secret, now))
        assert hooks.waiting(c, wider) == 1
    tell(db, "b", 4)
    target = Target()
    carrier = courier(db, target, clock)
    for stream in "ab":
        while carrier.deliver_next(wider, stream) is not None:
            pass
    assert target.taken == [1, 4]


def test_what_was_told_while_a_stream_was_not_wanted_is_not_sent_later(db, clock) -> None:
    target = Target()
    carrier = courier(db, target, clock)
    tell(db, "b", 1)
    drain(carrier, "b")
    for only in (("a",), ("a", "b")):
        with db.write() as c:
            wanted = hooks.put_webhook(c, replace(HOOK, streams=only))
        tell(db, "b", 2 if only == ("a",) else 3)
    while carrier.deliver_next(wanted, "b") is not None:
        pass
    assert target.taken == [1, 3]


def test_a_defect_in_the_delivery_to_a_target_that_was_removed_ends_nothing(db, tmp_path) -> None:
    running = DeliveryLoop(db, tmp_path, Target())
    done: Future = Future()
    done.set_exception(ZeroDivisionError())
    running._busy[done] = ("gone", "a")
    running._collect()
    running._due["never known", "a"] = utc_now() - timedelta(hours=1)
    with ThreadPoolExecutor(1) as workers:
        running._begin(workers)
    assert running._due == {}


def test_a_lock_that_cannot_be_had_is_tried_again(db, tmp_path, monkeypatch, caplog) -> None:
    troubles = [OSError("No locks available"), OSError("Stale file handle")]
    real = FileLock.acquire

    def acquire(self, **how):
        if troubles and "delivery" in self.lock_file:
            raise troubles.pop()
        return real(self, **how)

    monkeypatch.setattr(FileLock, "acquire", acquire)
    monkeypatch.setattr(delivery_loop, "_RELOAD_S", 0.05)
    with Receiver() as receiver:
        aim(db, receiver)
        tell(db, "a", 1)
        running = loop(db, tmp_path)
        receiver.wait_for(1)
        running.stop()
    assert "Stale file handle" in caplog.text


def test_letters_to_a_hanging_target_leave_the_workers_to_alerts(db, tmp_path) -> None:
    with Receiver() as good, Receiver(lambda _taken: -1) as hanging:
        aim(db, hanging, "a", name="hanging")
        aim(db, good, "b", name="good")
        tell(db, "a", *range(40))
        tell(db, "b", 100)
        with db.write() as c:
            for name, stream in (("hanging", "a"), ("good", "b")):
                queue = hooks.WebhookQueue(name, stream, 0, error="HTTP 500")
                hooks.bury(c, queue, outbox.after(c, 0, 100, stream), utc_now())
                hooks.request_resend(c, webhook=name)
        running = DeliveryLoop(db, tmp_path, WebhookSender(allow_internal=True, timeout_s=3), policy=QUICK)
        running.start()
        good.wait_for(1, 2.5)
        tell(db, "b", 101)
        good.wait_for(2, 2.5)
        assert numbers(good, "b") == [100, 101]
        assert len(hanging.taken) <= 2
        running.stop()


def test_many_letters_go_out_in_a_row(db, tmp_path) -> None:
    with Receiver() as receiver:
        aim(db, receiver)
        tell(db, "a", *range(30))
        with db.write() as c:
            hooks.bury(c, hooks.WebhookQueue("desk", "a", 0, error="?"), outbox.after(c, 0, 100, "a"), utc_now())
            hooks.request_resend(c, webhook="desk")
        running = loop(db, tmp_path)
        receiver.wait_for(30, 10)
        running.stop()
        assert numbers(receiver, "a") == list(range(30))
    assert dead(db) == []
