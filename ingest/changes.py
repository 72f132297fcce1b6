"""Notices when a live source is no longer what its epoch began with: time leaps, codecs change, sound stops.

Pure: what ffmpeg says, what is written and how late it is go in. ffmpeg itself goes on through all of it and
hides it: it moves times until they fit, copies packets of another codec under the old name, and waits.
"""

from dataclasses import dataclass
from typing import Literal

from ingest.diagnosis import InputReport
from ingest.segments import Shape

MUTE_AFTER_S = 8.0
"""No sample for so long while pictures come: the source has lost its sound."""
_GONE_S = 1.0
_REFUSED_PACKETS = 20
_REFUSED_S = 5.0
"""So long every packet of sound was refused: another codec, not a damaged stretch."""
_UNREADABLE_SEGMENTS = 2

Interruption = Literal["", "jumped", "changed", "silent"]
"""Why an epoch must end; empty: it need not."""


class ShapeWatch:
    """Compares the segments of an epoch with its first ones."""

    def __init__(self) -> None:
        self._known = Shape()
        self._unreadable = 0
        self.video_gone = False
        self.changed = False

    def see(self, shape: Shape) -> None:
        """Take the next segment in order."""
        known = self._known
        self.video_gone = bool(known.video) and not shape.video
        # One segment cut out of a damaged stretch may hold no header; several in a row hold another codec.
        self._unreadable = self._unreadable + 1 if shape.video and known.width and not shape.width else 0
        other_picture = bool(known.width and shape.width) and known.picture != shape.picture
        other_sound = bool(known.audio and shape.audio) and known.audio != shape.audio
        if other_picture or other_sound or self._unreadable >= _UNREADABLE_SEGMENTS:
            self.changed = True
        self._known = known.filled(shape)


class _Still:
    """How long a number has stayed as it is."""

    def __init__(self) -> None:
        self._value = -1
        self._since = 0.0

    def moved(self, value: int, now: float) -> bool:
        """Take the number as it is ``now``; whether it is another."""
        moved = value != self._value
        if moved:
            self._value, self._since = value, now
        return moved

    def seconds(self, now: float) -> float:
        """Since when it has not moved."""
        return now - self._since


@dataclass(frozen=True, slots=True)
class Sight:
    """What there is of a source at a moment: samples so far, and a number that grows with all that is written."""

    samples: int
    written: int
    now: float


class SourceWatch:
    """One live epoch. ``mute``: pictures come, sound does not."""

    def __init__(self, *, audio: bool, silent_after_s: float) -> None:
        self._audio = audio
        self._silent_after_s = silent_after_s
        self._sound = _Still()
        self._anything = _Still()
        self._refused = 0
        self._heard = False
        self.shapes = ShapeWatch()
        self.mute = False

    def look(self, report: InputReport, sight: Sight) -> Interruption:
        """Whether and why the epoch must end now."""
        now = sight.now
        self._anything.moved(sight.written, now)
        if self._sound.moved(sight.samples, now):
            self._refused = report.undecodable
            self._heard = sight.samples > 0
        soundless_s, idle_s = self._sound.seconds(now), self._anything.seconds(now)
        self.mute = self._audio and soundless_s >= MUTE_AFTER_S > 2 * idle_s
        if report.jumped:
            return "jumped"
        if self.shapes.changed or report.audio_changed or self._replaced(report, soundless_s):
            return "changed"
        return "silent" if min(idle_s, soundless_s) > self._silent_after_s else ""

    def _replaced(self, report: InputReport, soundless_s: float) -> bool:
        """Whether what is recorded has stopped and something else has come in its place."""
        gone = not self._audio or soundless_s > _GONE_S
        # An epoch that never had sound stays: opening the source anew would not help it.
        refused = report.undecodable - self._refused >= _REFUSED_PACKETS and soundless_s > _REFUSED_S
        other_sound = gone and ("audio" in report.new_streams or (self._heard and refused))
        return other_sound or (self.shapes.video_gone and "video" in report.new_streams)
