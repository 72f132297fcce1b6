"""The peer of ``livewitness bench live``: a rolling buffer over ``transcribe``, as most people write it.

Once a second the buffer, up to 30 s, is transcribed whole. What ends two seconds before the buffer's end is
final and leaves it; the rest is a first guess. Audio beyond 30 s that was never final is thrown away.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from models.peer import PeerTranscriber
from models.speech import SAMPLE_RATE, Samples

_LONGEST_S = 30.0
_SETTLED_S = 2.0
_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Said:
    """Text that the peer shows: where it is (seconds), and whether it is final."""

    start: float
    end: float
    text: str
    final: bool


@dataclass(slots=True)
class RollingResult:
    """What one stream came to."""

    text: str = ""
    lost_s: float = 0.0
    said: list[Said] = field(default_factory=list)


class RollingStream:
    """One stream: the audio is there as time passes; ``run`` transcribes it until its end."""

    def __init__(
        self, peer: PeerTranscriber, lock: threading.Lock, samples: Samples, tell: Callable[[Said], None]
    ) -> None:
        self._peer = peer
        self._lock = lock
        self._samples = samples
        self._tell = tell
        self._from = 0.0
        self.result = RollingResult()

    def run(self, began: float, deadline: float) -> None:
        """Follow the stream that began at monotonic second ``began``; give up at ``deadline``."""
        length = len(self._samples) / SAMPLE_RATE
        while self._from < length and time.monotonic() < deadline:
            here = min(length, time.monotonic() - began)
            if here - self._from < _EVERY_S and here < length:
                time.sleep(0.1)
                continue
            if here - self._from > _LONGEST_S:
                self.result.lost_s += here - _LONGEST_S - self._from
                self._from = here - _LONGEST_S
            self._turn(here, ended=here >= length)
        self.result.lost_s += max(0.0, length - self._from)

    def _turn(self, here: float, *, ended: bool) -> None:
        part = self._samples[round(self._from * SAMPLE_RATE) : round(here * SAMPLE_RATE)]
        with self._lock:
            segments = self._peer.segments(np.ascontiguousarray(part))
        settled = self._from
        for start, end, text in segments:
            at, until = self._from + start, min(here, self._from + end)
            final = ended or until <= here - _SETTLED_S
            self._tell(Said(at, until, text, final))
            if final:
                self.result.text += text
                settled = max(settled, until)
        if ended:
            settled = here
        elif not segments:
            settled = max(self._from, here - _SETTLED_S)
        self._from = settled
