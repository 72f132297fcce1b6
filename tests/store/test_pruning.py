"""The outbox forgets what everybody has; never what somebody still waits for."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import utc_now
from store import outbox, webhooks
from store.pruning import prune
from store.webhooks import Webhook, WebhookQueue
from tests.alerting import an_alert

SECRET = "0123456789abcdef"


@pytest.fixture
def later() -> datetime:
    """A time after everything that a test tells."""
    return utc_now() + timedelta(days=1)


def tell(db, *streams: str) -> list[int]:
    with db.write() as c:
        return [outbox.append(c, "alert", an_alert(f"a{n}", stream)) for n, stream in enumerate(streams)]


def hook(db, name: str, *streams: str, since: int = 0) -> Webhook:
    with db.write() as c:
        webhooks.put_webhook(c, Webhook(name, "https://desk.example/", SECRET, streams))
        c.execute(
            sa.text("UPDATE webhooks SET since_cursor = :since WHERE name = :name"), {"since": since, "name": name}
        )
        return webhooks.get_webhook(c, name)


def taken(db, target: str, stream: str, cursor: int) -> None:
    with db.write() as c:
        webhooks.put_queue(c, WebhookQueue(target, stream, cursor))


def left(db, before: datetime) -> list[int]:
    with db.write() as c:
        prune(c, before)
        return [event.cursor for event in outbox.after(c, 0, 1000)]


def test_without_targets_what_is_old_goes_and_what_is_young_stays(told, later) -> None:
    cursors = tell(told, "s", "t", "s")
    assert left(told, utc_now() - timedelta(days=1)) == cursors
    assert left(told, later) == cursors[-1:], "the newest one stays: it says how far cursors have come"
    with told.write() as c:
        assert outbox.append(c, "alert", an_alert()) == cursors[-1] + 1


def test_what_a_target_has_not_taken_stays(told, later) -> None:
    cursors = tell(told, "s", "s", "t", "s", "t")
    hook(told, "desk")
    taken(told, "desk", "s", cursors[1])
    assert left(told, later) == cursors[2:], "nothing of t was taken yet"
    taken(told, "desk", "t", cursors[4])
    assert left(told, later) == cursors[3:]


def test_the_slowest_target_decides_and_only_about_its_own_streams(told, later) -> None:
    cursors = tell(told, "s", "t", "s", "t", "s")
    hook(told, "quick")
    hook(told, "slow", "t")
    for stream in "st":
        taken(told, "quick", stream, cursors[4])
    assert left(told, later) == [cursors[1], cursors[3], cursors[4]]


def test_what_was_there_before_a_target_is_nothing_to_it(told, later) -> None:
    cursors = tell(told, "s", "s", "s")
    hook(told, "desk", since=cursors[1])
    assert left(told, later) == cursors[2:]


def test_dead_letters_stay_until_they_are_sent_again(told, later) -> None:
    cursors = tell(told, "s", "s", "s")
    hook(told, "desk")
    with told.write() as c:
        events = outbox.after(c, 0, 1)
        webhooks.bury(c, WebhookQueue("desk", "s", 0, error="HTTP 500"), events, utc_now())
    taken(told, "desk", "s", cursors[2])
    assert left(told, later) == [cursors[0], cursors[2]]
    with told.write() as c:
        webhooks.settle_letter(c, webhooks.list_dead(c)[0], "")
    assert left(told, later) == cursors[2:]


def test_a_batch_is_bounded_and_takes_the_oldest_first(told, later) -> None:
    cursors = tell(told, *"sstt")
    with told.write() as c:
        assert prune(c, later, 3) == 3
        assert [event.cursor for event in outbox.after(c, 0, 10)] == cursors[3:]
        assert prune(c, later, 3) == 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(st.sampled_from("st"), min_size=1, max_size=12),
    targets=st.lists(st.tuples(st.sets(st.sampled_from("st")), st.integers(0, 14), st.integers(0, 14)), max_size=3),
    old=st.integers(0, 12),
)
def test_nothing_that_is_young_or_awaited_ever_goes(told, events, targets, old) -> None:
    with told.write() as c:
        for table in ("webhook_queues", "webhooks", "outbox"):
            c.execute(sa.text(f"DELETE FROM {table}"))
    cursors = tell(told, *events)
    with told.write() as c:
        ancient = {"at": "2020-01-01T00:00:00.000Z", "last": cursors[0] + old}
        c.execute(sa.text("UPDATE outbox SET at = :at WHERE cursor < :last"), ancient)
    awaited: set[int] = set()
    for number, (streams, s_at, t_at) in enumerate(targets):
        made = hook(told, f"h{number}", *streams)
        for stream, position in zip("st", (s_at, t_at), strict=True):
            taken(told, made.name, stream, cursors[0] + position - 1)
            if made.wants(stream):
                awaited |= {
                    c for c, name in zip(cursors, events, strict=True) if name == stream and c >= cursors[0] + position
                }
    kept = set(left(told, datetime(2021, 1, 1, tzinfo=UTC)))
    young = {c for c in cursors if c >= cursors[0] + old}
    assert kept == awaited | young | {cursors[-1]}


def test_how_far_what_is_gone_reaches_is_kept(told, later) -> None:
    cursors = tell(told, "s", "t", "s")
    with told.read() as c:
        assert outbox.pruned(c) == 0
    left(told, later)
    with told.write() as c:
        assert outbox.pruned(c) == cursors[-2]
        assert prune(c, later) == 0
        assert outbox.pruned(c) == cursors[-2], "looking again takes nothing back"
