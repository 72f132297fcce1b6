"""How long a stream is kept, and what of it may go: pure functions between facts and a decision.

The clocks are those of 直播电商监督管理办法 (令117): three years from the end of the live for reviews of marketing
wording and corrections on the spot (art. 27, 31), three years from the completion of the trade for records of it, the
replay and the interaction included (art. 16). What is not certain keeps the stream: no class, no end, an open trade.

Years are counted by calendar days in Beijing: the day of the event does not count, and the last day counts whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum

from core.records import Segment
from store.deletions import Range, touches
from store.holds import Hold
from store.retention import RetentionClass, Trade

BEIJING = timezone(timedelta(hours=8))
LEAST_YEARS = 3
_FOREVER_MS = 1 << 53


class Reason(StrEnum):
    """Why a stream is kept, or ``due``: why it is not."""

    DUE = "due"
    NO_CLASS = "no_class"
    NOT_ENDED = "not_ended"
    NO_TRADE = "no_trade"
    OPEN_TRADE = "open_trade"
    YOUNG = "young"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How many years each clock runs, at least three, and the class of streams that were given none."""

    years: int = LEAST_YEARS
    default: RetentionClass = RetentionClass.KEEP


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What decides about a stream. ``holds`` are those that stand; ``segments`` are in order of time."""

    stream: str
    retention: RetentionClass
    ended_at: datetime | None
    trades: tuple[Trade, ...] = ()
    holds: tuple[Hold, ...] = ()
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """``segments`` have to go, and everything else outside ``kept``; both count only where the reason is ``due``.

    ``due`` is the first moment at which the stream may go; ``None`` where no clock runs.
    """

    stream: str
    retention: RetentionClass
    reason: Reason
    due: datetime | None = None
    segments: tuple[Segment, ...] = ()
    kept: tuple[Range, ...] = ()


def kept_until(event: datetime, years: int) -> datetime:
    """The first moment after ``years`` whole years from the day of ``event``; never less than three years.

    >>> kept_until(datetime(2026, 11, 11, 20, 0, tzinfo=BEIJING), 3).astimezone(BEIJING).isoformat()
    '2029-11-12T00:00:00+08:00'
    """
    day = event.astimezone(BEIJING).date()
    last = _same_day(day, day.year + max(years, LEAST_YEARS))
    return datetime.combine(last + timedelta(days=1), time(), BEIJING).astimezone(UTC)


def _same_day(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        # 29 February: the day after, so that no period comes out a day short.
        return date(year, 3, 1)


def decide_on(facts: StreamFacts, now: datetime, years: int) -> Decision:
    """What of a stream may go at ``now``. The disk is not asked."""
    due, reason = _clock(facts, years)
    if due is None:
        return Decision(facts.stream, facts.retention, reason)
    if now < due:
        return Decision(facts.stream, facts.retention, Reason.YOUNG, due)
    taken, kept = _apart(facts.segments, facts.holds)
    if _everything_held(facts.holds):
        return Decision(facts.stream, facts.retention, Reason.HELD, due)
    return Decision(facts.stream, facts.retention, Reason.DUE, due, taken, kept)


def _clock(facts: StreamFacts, years: int) -> tuple[datetime | None, Reason]:
    """When the stream falls due, or why no clock runs."""
    if facts.retention is RetentionClass.KEEP:
        return None, Reason.NO_CLASS
    if facts.ended_at is None:
        return None, Reason.NOT_ENDED
    live = kept_until(facts.ended_at, years)
    if facts.retention is RetentionClass.LIVE:
        return live, Reason.DUE
    if not facts.trades:
        return None, Reason.NO_TRADE
    completed = [trade.completed_at for trade in facts.trades if trade.completed_at is not None]
    if len(completed) < len(facts.trades):
        return None, Reason.OPEN_TRADE
    trade = kept_until(max(completed), years)
    return (trade if facts.retention is RetentionClass.TRADE else max(live, trade)), Reason.DUE


def held_range(hold: Hold) -> Range:
    """What a hold keeps, in stream milliseconds."""
    since = 0 if hold.start_ms is None else hold.start_ms
    return since, _FOREVER_MS if hold.end_ms is None else hold.end_ms


def _everything_held(holds: Sequence[Hold]) -> bool:
    return any(held_range(hold) == (0, _FOREVER_MS) for hold in holds)


def _apart(segments: Sequence[Segment], holds: Sequence[Hold]) -> tuple[tuple[Segment, ...], tuple[Range, ...]]:
    """Segments that may go, and the ranges that stay.

    Held segments keep their neighbours: a package holds one segment on either side of its stretch.
    """
    ranges = [held_range(hold) for hold in holds]
    held = {n for n, segment in enumerate(segments) if touches(segment.start_ms, segment.end_ms, ranges)}
    stay = {n + step for n in held for step in (-1, 0, 1)}
    taken = tuple(segment for n, segment in enumerate(segments) if n not in stay)
    around = [(segment.start_ms, segment.end_ms) for n, segment in enumerate(segments) if n in stay]
    return taken, merged([*ranges, *around])


def merged(ranges: Sequence[Range]) -> tuple[Range, ...]:
    """The same times as few ranges, in order."""
    joined: list[Range] = []
    for since, until in sorted(ranges):
        if joined and since <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], until)
        else:
            joined.append((since, until))
    return tuple(joined)
