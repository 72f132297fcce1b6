"""When room runs out, by the pace of the last week."""

from datetime import datetime, timedelta

WEEK_S = 7 * 86_400.0
_AGES_S = 50 * 365 * 86_400.0


def full_by(now: datetime, free: float, week: int) -> datetime | None:
    """When ``free`` bytes are used up at ``week`` bytes in seven days; ``None``: not within fifty years."""
    if week <= 0:
        return None
    left = max(0.0, free) / week * WEEK_S
    return now + timedelta(seconds=left) if left < _AGES_S else None
