"""Times of a stream as people type them."""

from core.clock import parse_seconds
from core.errors import UsageError


def milliseconds(text: str) -> int:
    """Stream milliseconds from ``83.5`` or ``1:23.5``. Raises `UsageError`."""
    try:
        return round(parse_seconds(text) * 1000)
    except ValueError as error:
        raise UsageError(
            "bad_time", f"看不懂时间 {text}；例：83.5 或 1:23.5。", f"Not a time: {text}; e.g. 83.5 or 1:23.5."
        ) from error
