"""When the audio of an epoch came in: what latency and lag are measured from."""

import time
from bisect import bisect_left

_MARKS = 1_024
_THIN = 32
_RATE = 16_000


class Arrivals:
    """Notes of one epoch, taken by the thread that brings the audio and read by the one that writes text. Bounded.

    ``since``: monotonic second at which the epoch began to wait for being heard.
    """

    def __init__(self) -> None:
        self.since = time.monotonic()
        self._marks: list[tuple[int, int, float]] = []

    def note(self, first_sample: int, end_sample: int, arrived: float) -> None:
        """The samples ``[first, end)`` of the epoch were all here at the monotonic second ``arrived``."""
        marks = self._marks[_MARKS:] if len(self._marks) > 2 * _MARKS else self._marks
        marks.append((end_sample, first_sample, arrived))
        self._marks = marks

    def thin(self) -> None:
        """The epoch is over and not heard yet: a note here and there will do."""
        self._marks = [*self._marks[:-1:_THIN], *self._marks[-1:]]

    def at(self, sample: int) -> float | None:
        """Monotonic second at which a sample was here; ``None`` where nothing was noted, as after a restart.

        What came before a noted block, and was not noted itself, came in its own time before that.
        """
        marks = self._marks
        if not marks:
            return None
        at = bisect_left(marks, (sample,))
        if at == len(marks):
            return marks[-1][2]
        _, first, arrived = marks[at]
        if sample >= first:
            return arrived
        earliest = marks[at - 1][2] if at else float("-inf")
        return max(earliest, arrived - (first - sample) / _RATE)

    def waiting_since(self, sample: int) -> float:
        """From when on the sample has been waiting to be heard by this process."""
        arrived = self.at(sample)
        return self.since if arrived is None else arrived
