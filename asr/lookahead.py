"""When the open window is worth decoding as it stands, so that a claim is suspected before its sentence ends.

Claims mostly end where a clause ends, so the first moment of a pause is the best one: nothing more is coming, and
the final pass waits a while yet. Without pauses a look is taken now and then. Each look covers as much audio as a
claim can fill, and none is taken for what an earlier one has heard.
"""

from dataclasses import dataclass

from asr.decode import AudioWindow
from asr.transcriber import Listener


@dataclass(frozen=True, slots=True)
class LookaheadPolicy:
    """Times in ms. A look is taken ``every_ms``, and once ``pause_ms`` of silence follow ``fresh_ms`` of new speech.

    It covers the last ``longest_ms``, of which ``least_ms`` must be speech. None is taken when the final pass
    begins within ``final_ms`` anyway.
    """

    every_ms: int = 1_100
    pause_ms: int = 160
    fresh_ms: int = 250
    least_ms: int = 1_200
    longest_ms: int = 3_000
    final_ms: int = 250


class Lookahead:
    """Watches one listener. Ask `due` after every block of audio fed."""

    def __init__(self, listener: Listener, policy: LookaheadPolicy | None = None) -> None:
        self._listener = listener
        self._policy = policy or LookaheadPolicy()
        self._at_ms = 0
        self._said_ms = 0

    def closed(self) -> None:
        """The final pass has got what was said so far."""
        self._at_ms, self._said_ms = self._listener.fed_ms, self._listener.said_ms

    def due(self) -> AudioWindow | None:
        """The end of the open window, when it is to be decoded now."""
        policy, listener = self._policy, self._listener
        if listener.said_ms - self._said_ms < policy.fresh_ms or listener.closes_in_ms <= policy.final_ms:
            return None
        if listener.quiet_ms < policy.pause_ms and listener.fed_ms - self._at_ms < policy.every_ms:
            return None
        window = listener.so_far(policy.longest_ms)
        if window is None or window.voiced_s * 1000 < policy.least_ms:
            return None
        self.closed()
        return window
