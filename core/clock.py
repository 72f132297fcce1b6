"""Time: UTC wall clock, milliseconds, and how both are written for people and machines."""

from datetime import UTC, date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "UTC+8")
"""The one time of mainland China, without summer time since 1992."""


def utc_now() -> datetime:
    """The recorder's own clock, timezone-aware UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """``2026-11-22T08:30:00.123Z``: UTC with milliseconds, the one form in every output."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> datetime:
    """The inverse of `iso`; a time without a zone is taken as UTC. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def beijing_day(moment: datetime) -> date:
    """The date in Beijing at ``moment``: the day on which a law is in force or not."""
    return moment.astimezone(BEIJING).date()


def plus_ms(moment: datetime, milliseconds: float) -> datetime:
    """``moment`` shifted by ``milliseconds`` (may be negative)."""
    return moment + timedelta(milliseconds=milliseconds)


def ms_between(earlier: datetime, later: datetime) -> int:
    """Whole milliseconds from ``earlier`` to ``later``; negative when the order is reversed."""
    return round((later - earlier) / timedelta(milliseconds=1))


def seconds(milliseconds: int) -> float:
    """Milliseconds as the seconds that JSON carries (three decimals)."""
    return round(milliseconds / 1000, 3)


def timecode(milliseconds: int) -> str:
    """``1:02:03.450``: how a time in a stream is shown to people."""
    total, ms = divmod(max(0, milliseconds), 1000)
    hours, rest = divmod(total, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}.{ms:03d}"


def parse_seconds(text: str) -> float:
    """Seconds from ``83.5``, ``1:23.5`` or ``0:01:23.5``. Raises ``ValueError`` on anything else."""
    parts = text.strip().split(":")
    if not 1 <= len(parts) <= 3:
        raise ValueError(f"not a time: {text!r}")
    value = 0.0
    for part in parts:
        number = float(part)
        if not 0 <= number < 1e9:
            raise ValueError(f"not a time: {text!r}")
        value = value * 60 + number
    return value
