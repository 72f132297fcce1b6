"""The law's clocks, holds and doubts as a pure decision: nothing younger, held or uncertain ever goes."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records import Segment
from evidence.retention import BEIJING, Decision, Reason, StreamFacts, decide_on, held_range, kept_until, merged
from store.deletions import touches
from store.holds import Hold
from store.retention import RetentionClass, Trade

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC))


def segment(number: int, length: int = 4_000) -> Segment:
    start = number * length
    return Segment("s", 1, number, f"{number}.ts", "0" * 64, 1, start, start + length, start, start + length, T0)


T0 = datetime(2023, 1, 10, 12, 0, tzinfo=UTC)


def hold(start: int | None = None, end: int | None = None) -> Hold:
    return Hold("h", "案", "s", start, end, "r", "p", T0)


def test_the_last_day_counts_whole_in_beijing() -> None:
    ended = datetime(2026, 11, 11, 23, 30, tzinfo=BEIJING)
    assert kept_until(ended, 3).astimezone(BEIJING) == datetime(2029, 11, 12, tzinfo=BEIJING)
    assert kept_until(datetime(2026, 11, 11, 16, 30, tzinfo=UTC), 3).astimezone(BEIJING).day == 13, "the 12th there"


def test_29_february_is_kept_a_day_longer_not_a_day_shorter() -> None:
    leap = datetime(2028, 2, 29, 12, 0, tzinfo=BEIJING)
    assert kept_until(leap, 3).astimezone(BEIJING) == datetime(2031, 3, 2, tzinfo=BEIJING)
    assert kept_until(leap, 4).astimezone(BEIJING) == datetime(2032, 3, 1, tzinfo=BEIJING)


@given(MOMENTS, st.integers(0, 30))
def test_never_less_than_three_years(moment: datetime, years: int) -> None:
    due = kept_until(moment, years)
    assert due - moment >= timedelta(days=365 * max(3, years))
    same_day = moment.astimezone(BEIJING).replace(day=1)
    assert due > same_day.replace(year=same_day.year + max(3, years))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (StreamFacts("s", RetentionClass.KEEP, T0), Reason.NO_CLASS),
        (StreamFacts("s", RetentionClass.LIVE, None), Reason.NOT_ENDED),
        (StreamFacts("s", RetentionClass.TRADE, T0), Reason.NO_TRADE),
        (StreamFacts("s", RetentionClass.LATER, T0, (Trade("s", "1", T0), Trade("s", "2"))), Reason.OPEN_TRADE),
        (StreamFacts("s", RetentionClass.LIVE, T0, holds=(hold(),)), Reason.HELD),
        (StreamFacts("s", RetentionClass.LIVE, T0), Reason.DUE),
    ],
)
def test_what_is_uncertain_is_kept(facts: StreamFacts, reason: Reason) -> None:
    assert decide_on(facts, T0 + timedelta(days=36_500), 3).reason is reason


def test_each_class_has_its_clock() -> None:
    traded = T0 + timedelta(days=40)
    trades = (Trade("s", "1", T0 + timedelta(days=5)), Trade("s", "2", traded))
    due = {c: decide_on(StreamFacts("s", c, T0, trades), T0, 3).due for c in RetentionClass}
    assert due[RetentionClass.KEEP] is None
    assert due[RetentionClass.LIVE] == kept_until(T0, 3)
    assert due[RetentionClass.TRADE] == due[RetentionClass.LATER] == kept_until(traded, 3)
    early = StreamFacts("s", RetentionClass.LATER, T0, (Trade("s", "1", T0 - timedelta(days=9)),))
    assert decide_on(early, T0, 3).due == kept_until(T0, 3)


def test_a_held_stretch_keeps_a_segment_on_either_side() -> None:
    facts = StreamFacts(
        "s", RetentionClass.LIVE, T0, holds=(hold(13_000, 15_000),), segments=tuple(map(segment, range(9)))
    )
    decided = decide_on(facts, T0 + timedelta(days=2_000), 3)
    assert [s.sequence for s in decided.segments] == [0, 1, 5, 6, 7, 8]
    assert decided.kept == ((8_000, 20_000),)


HOLDS = st.lists(
    st.tuples(st.none() | st.integers(0, 60_000), st.none() | st.integers(1, 30_000)).map(
        lambda t: hold(t[0], None if t[1] is None else (t[0] or 0) + t[1])
    ),
    max_size=4,
)
FACTS = st.builds(
    StreamFacts,
    stream=st.just("s"),
    retention=st.sampled_from(RetentionClass),
    ended_at=st.none() | MOMENTS,
    trades=st.lists(st.builds(Trade, st.just("s"), st.text("ab", min_size=1), st.none() | MOMENTS), max_size=3).map(
        tuple
    ),
    holds=HOLDS.map(tuple),
    segments=st.integers(0, 15).map(lambda n: tuple(map(segment, range(n)))),
)


@given(FACTS, MOMENTS)
def test_nothing_young_held_or_uncertain_goes(facts: StreamFacts, now: datetime) -> None:
    decided = decide_on(facts, now, 3)
    if decided.reason is not Reason.DUE:
        assert decided.segments == ()
        return
    assert facts.retention is not RetentionClass.KEEP
    assert facts.ended_at is not None
    events = [trade.completed_at for trade in facts.trades]
    if facts.retention is not RetentionClass.LIVE:
        assert events
        assert None not in events
    needed = [facts.ended_at] if facts.retention is not RetentionClass.TRADE else []
    needed += [e for e in events if e is not None] if facts.retention is not RetentionClass.LIVE else []
    assert all(now - event >= timedelta(days=3 * 365) for event in needed)
    ranges = [held_range(h) for h in facts.holds]
    assert not any(touches(s.start_ms, s.end_ms, ranges) for s in decided.segments)
    assert not any(touches(s.start_ms, s.end_ms, decided.kept) for s in decided.segments) or not ranges
    assert all(any(a <= r[0] and r[1] <= b for a, b in decided.kept) for r in ranges), "every held moment is kept"


@given(FACTS, MOMENTS, st.integers(1, 3_000))
def test_what_is_due_stays_due_and_a_hold_only_keeps_more(facts: StreamFacts, now: datetime, days: int) -> None:
    def numbers(decided: Decision) -> set[int]:
        return {s.sequence for s in decided.segments}

    first = decide_on(facts, now, 3)
    assert numbers(first) <= numbers(decide_on(facts, now + timedelta(days=days), 3))
    more = StreamFacts(
        facts.stream, facts.retention, facts.ended_at, facts.trades, (*facts.holds, hold(5_000, 9_000)), facts.segments
    )
    assert numbers(decide_on(more, now, 3)) <= numbers(first)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)).map(lambda t: (t[0], t[0] + t[1]))))
def test_merged_ranges_are_the_same_times(ranges: list[tuple[int, int]]) -> None:
    covered = {ms for since, until in ranges for ms in range(since, until)}
    joined = merged(ranges)
    assert {ms for since, until in joined for ms in range(since, until)} == covered
    assert all(a[1] < b[0] for a, b in itertools.pairwise(joined))
