"""From speech probabilities to decode windows: a state machine over 32 ms frames, without audio.

Windows join what is said until it is worth decoding: scraps of one or two seconds lose words and make
the decoder loop. The longer a window already is, the shorter the pause that closes it; at the limit it
is cut in its best pause, or at its quietest frame where nobody pauses. Silence belongs to no window.

A live stream cannot wait for long windows. There a window closes early and takes along what was said
before it, and after it where no pause parts the two, until it is long enough to be decoded well; only
the words inside ``keep`` count, so every word is given out once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from models.speech import FRAME_MS, FRAME_SAMPLES

CloseReason = Literal["pause", "silence", "limit", "end"]


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """When a window opens and closes. Times in milliseconds.

    ``pauses`` are (length of the window so far, silence that closes it), rising in the first. A window
    shorter than ``joined_ms`` begins with earlier speech, unless ``parted_ms`` of silence lie between. One
    that is cut where nobody pauses takes ``margin_ms`` along on either side of the cut.
    """

    onset: float = 0.5
    offset: float = 0.35
    lead_ms: int = 200
    tail_ms: int = 200
    min_speech_ms: int = 160
    gap_ms: int = 160
    pauses: tuple[tuple[int, int], ...] = ((0, 1_200), (5_000, 600), (8_000, 350))
    limit_ms: int = 12_000
    cut_from_ms: int = 6_000
    joined_ms: int = 0
    parted_ms: int = 1_500
    margin_ms: int = 0


LIVE_POLICY = WindowPolicy(
    lead_ms=400,
    tail_ms=350,
    pauses=((0, 900), (2_000, 480), (4_000, 320)),
    limit_ms=5_500,
    cut_from_ms=2_500,
    joined_ms=5_000,
    margin_ms=640,
)
"""For live streams: a window closes at the first pause after 2 s that is no mere comma, and is decoded with what came
before. Closed at shorter pauses, a claim is judged before the rest of its sentence can excuse it."""


@dataclass(frozen=True, slots=True)
class Window:
    """Samples ``[start, end)`` since the beginning; ``speech`` are its voiced spans, in samples too.

    Words said in ``keep`` belong to this window, the others to its neighbours.
    """

    start: int
    end: int
    speech: tuple[tuple[int, int], ...]
    reason: CloseReason
    keep: tuple[int, int]

    @property
    def voiced_samples(self) -> int:
        """Samples of ``keep`` in which somebody speaks."""
        return sum(max(0, min(b, self.keep[1]) - max(a, self.keep[0])) for a, b in self.speech)


@dataclass(frozen=True, slots=True)
class _Frame:
    index: int
    voiced: bool
    level: float


class Windower:
    """Feed frames with `push`, end with `finish`. Holds at most ``limit_ms`` of frames."""

    def __init__(self, policy: WindowPolicy | None = None) -> None:
        self.policy = policy or WindowPolicy()
        self._count = 0
        self._said = 0
        self._speaking = False
        self._floor = 0
        self._open: list[_Frame] = []
        self._quiet = 0
        self._past: list[_Frame] = []
        self._seam = False

    @property
    def needed_from(self) -> int:
        """The first sample that a coming window may still want; what lies before can be dropped."""
        first = self._past[0].index if self._past else self._open[0].index if self._open else self._count
        return max(0, first - _frames(self.policy.lead_ms)) * FRAME_SAMPLES

    @property
    def settled_until(self) -> int:
        """All samples before this one are in windows already given out, or are silence for good."""
        return self._from() * FRAME_SAMPLES if self._open else self._count * FRAME_SAMPLES

    @property
    def said_ms(self) -> int:
        """How much was said since the very beginning."""
        return self._said * FRAME_MS

    @property
    def quiet_ms(self) -> int:
        """For how long nobody has spoken in the open window; 0 when none is open."""
        return self._quiet * FRAME_MS

    @property
    def closes_in_ms(self) -> int:
        """How much longer nobody may speak until the open window closes."""
        return self._closing_pause((len(self._open) - self._quiet) * FRAME_MS) - self.quiet_ms

    def so_far(self, longest_ms: int) -> Window | None:
        """The end of the open window as it stands, nothing closed; ``None`` when nobody speaks."""
        if not self._open:
            return None
        window = self._window(self._open, self._count, self._count, "end")
        start = max(window.start, (self._count - _frames(longest_ms)) * FRAME_SAMPLES)
        speech = tuple((max(a, start), b) for a, b in window.speech if b > start)
        return Window(start, window.end, speech, "end", (max(window.keep[0], start), window.keep[1]))

    def push(self, probabilities: Iterable[float], levels: Iterable[float]) -> list[Window]:
        """The windows that these frames close. ``levels`` is any measure of loudness, one a frame."""
        closed: list[Window] = []
        for probability, level in zip(probabilities, levels, strict=True):
            threshold = self.policy.offset if self._speaking else self.policy.onset
            self._speaking = probability >= threshold
            frame = _Frame(self._count, self._speaking, float(level))
            self._count += 1
            self._said += frame.voiced
            self._step(frame, closed)
        return closed

    def recall(self, probabilities: Iterable[float], levels: Iterable[float]) -> None:
        """Frames that were heard before, by another: nothing opens, but the first windows take them along."""
        for probability, level in zip(probabilities, levels, strict=True):
            self._speaking = probability >= (self.policy.offset if self._speaking else self.policy.onset)
            if self._speaking:
                self._past.append(_Frame(self._count, True, float(level)))
            self._count += 1
        self._floor, self._seam = self._count, self._speaking

    def finish(self) -> list[Window]:
        """Close what is open: the audio has ended."""
        closed: list[Window] = []
        if self._open:
            self._close("end", closed)
        return closed

    def _step(self, frame: _Frame, closed: list[Window]) -> None:
        if not self._open and not frame.voiced:
            if self._past and frame.index - self._past[-1].index > _frames(self.policy.parted_ms):
                self._past = []
            return
        self._open.append(frame)
        self._quiet = 0 if frame.voiced else self._quiet + 1
        said_ms = (len(self._open) - self._quiet) * FRAME_MS
        if self._quiet * FRAME_MS >= self._closing_pause(said_ms):
            self._close("silence" if said_ms < self.policy.pauses[-1][0] else "pause", closed)
        elif len(self._open) * FRAME_MS >= self.policy.limit_ms:
            self._cut(closed)

    def _closing_pause(self, said_ms: int) -> int:
        return next(pause for length, pause in reversed(self.policy.pauses) if said_ms >= length)

    def _close(self, reason: CloseReason, closed: list[Window]) -> None:
        frames = self._open[: len(self._open) - self._quiet]
        tail = min(self._quiet, _frames(self.policy.tail_ms))
        end = frames[-1].index + 1 + tail
        self._emit(self._window(frames, end, end, reason), frames, closed)
        self._seam = False
        self._open, self._quiet = [], 0

    def _cut(self, closed: list[Window]) -> None:
        """Give out the part before the best cut and start again with the rest."""
        frames = self._open
        margin = _frames(self.policy.margin_ms)
        room = len(frames) - margin
        earliest = _frames(self.policy.cut_from_ms)
        at = best_cut([f.voiced for f in frames[:room]], [f.level for f in frames[:room]], earliest)
        end = frames[at].index
        window = self._window(frames[: at + margin], end, end + margin, "limit")
        self._emit(window, frames[:at], closed)
        self._seam = True
        self._open, self._quiet = [], 0
        for frame in frames[at:]:
            self._step(frame, closed)

    def _from(self) -> int:
        """Frame at which the open window begins to keep words."""
        return max(self._floor, self._open[0].index - _frames(self.policy.lead_ms))

    def _window(self, frames: Sequence[_Frame], keep_until: int, end: int, reason: CloseReason) -> Window:
        begin = self._from()
        before = self._context(begin, end)
        start = max(0, before[0].index - _frames(self.policy.lead_ms)) if before else begin
        speech = _spans([*before, *frames], _frames(self.policy.gap_ms))
        keep = (begin * FRAME_SAMPLES, keep_until * FRAME_SAMPLES)
        return Window(start * FRAME_SAMPLES, end * FRAME_SAMPLES, speech, reason, keep)

    def _context(self, begin: int, end: int) -> list[_Frame]:
        """Voiced frames before the window that are decoded with it."""
        first = end - _frames(self.policy.joined_ms)
        if self._seam:
            first = min(first, begin - _frames(self.policy.margin_ms))
        parted = _frames(self.policy.parted_ms)
        before = [frame for frame in self._past if frame.index >= first and frame.index < begin]
        last = begin + _frames(self.policy.lead_ms)
        for at in range(len(before) - 1, -1, -1):
            if last - before[at].index > parted:
                return before[at + 1 :]
            last = before[at].index
        return before

    def _emit(self, window: Window, frames: Sequence[_Frame], closed: list[Window]) -> None:
        self._floor = window.keep[1] // FRAME_SAMPLES
        wanted = self._floor - max(_frames(self.policy.joined_ms), _frames(self.policy.margin_ms))
        self._past = [f for f in (*self._past, *frames) if f.voiced and f.index >= wanted]
        if window.voiced_samples >= _frames(self.policy.min_speech_ms) * FRAME_SAMPLES:
            closed.append(window)


def best_cut(voiced: Sequence[bool], levels: Sequence[float], earliest: int) -> int:
    """Index at which to cut: the middle of the longest pause after ``earliest``, else the quietest place.

    Loudness is averaged over five frames (160 ms), so that a stop consonant does not look like a pause.
    """
    runs: list[tuple[int, int]] = []
    start = None
    for index in range(earliest, len(voiced)):
        if voiced[index]:
            start = None
            continue
        start = index if start is None else start
        runs.append((index - start + 1, start))
    if runs:
        length, first = max(runs)
        return max(1, first + length // 2)
    first, last = max(1, earliest), len(levels) - 2
    return min(range(first, max(first + 1, last)), key=lambda i: sum(levels[max(0, i - 2) : i + 3]))


def _spans(frames: Sequence[_Frame], gap: int) -> tuple[tuple[int, int], ...]:
    """Voiced spans in samples; silence shorter than ``gap`` frames does not part them."""
    spans: list[tuple[int, int]] = []
    for frame in frames:
        if not frame.voiced:
            continue
        if spans and frame.index - spans[-1][1] < gap:
            spans[-1] = (spans[-1][0], frame.index + 1)
        else:
            spans.append((frame.index, frame.index + 1))
    return tuple((a * FRAME_SAMPLES, b * FRAME_SAMPLES) for a, b in spans)


def _frames(milliseconds: int) -> int:
    return -(-milliseconds // FRAME_MS)
