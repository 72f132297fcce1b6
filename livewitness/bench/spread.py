"""Times as people state them: the middle, and what nineteen of twenty stay under."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds: the middle, and what nineteen of twenty stay under."""

    count: int
    p50: float
    p95: float


def spread(values: Sequence[float]) -> Spread:
    """The spread of ``values``; of none or one it is zero or that one."""
    if len(values) < 2:
        return Spread(len(values), *(list(values) * 2 or (0.0, 0.0)))
    cuts = quantiles(values, n=20, method="inclusive")
    return Spread(len(values), round(cuts[9], 1), round(cuts[18], 1))
