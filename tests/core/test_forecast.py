"""The date at which a disk is full."""

from datetime import UTC, datetime

from core.forecast import full_by

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_the_pace_of_a_week_goes_on() -> None:
    assert full_by(NOW, 14e9, 7_000_000_000) == datetime(2026, 12, 6, tzinfo=UTC)
    assert full_by(NOW, -5, 1) == NOW
    assert full_by(NOW, 14e9, 0) is None
    assert full_by(NOW, 1e18, 1) is None
