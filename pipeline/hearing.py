"""Hears one stream, epoch after epoch, in a thread of its own: recording never waits for it, and outlives its failures.

The recorder's threads only hand over: an epoch that begins, its audio, its end. What is not heard yet waits, in order;
an epoch whose turn comes after its end keeps nothing in memory and is read from its segments. An epoch is marked
complete when it was heard to its end, so that whatever a killed process left is heard by the next one.
"""

import logging
import threading
import time
from dataclasses import dataclass, field

from core.clock import utc_now
from core.errors import LiveWitnessError, StorageError
from core.records import Epoch
from ingest.commands import SAMPLE_RATE
from ingest.pcm import Int16, PcmBlock, PcmBuffer
from pipeline.arrivals import Arrivals
from pipeline.ear import Ear, EarClosedError, EarContext
from pipeline.holes import leave_hole
from store import recordings
from store.holes import Hole

logger = logging.getLogger(__name__)

_BUFFER_S = 60.0
_HAND_OVER_S = 1.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
_LAST_PAUSE_S = 2.0
TRIES = 5
"""So often is a window decoded before it is given up: some eight seconds; minutes where nothing else can be heard."""
_BLIND_MS = 10_000
"""How much is passed by where it is not known what failed."""


@dataclass(eq=False, slots=True)
class _Turn:
    """An epoch to be heard. ``buffer``: its audio still in memory; ``ended``: what to store once it was heard."""

    epoch: Epoch
    buffer: PcmBuffer
    ended: Epoch | None = None
    arrivals: Arrivals = field(default_factory=Arrivals)


class Hearing:
    """The epochs of one watch, heard one after another. Call it from any thread; `close` it at the end.

    What fails is tried again from the cursor after growing pauses; a window that fails again and again becomes a hole
    in the transcript. ``live``: windows close early and suspicions are raised. ``patient``: this goes on for as long
    as it takes, until `finish` is called; otherwise, and from then on, it comes out of `pcm` and `finish` when nothing
    can be written, or when one window after the other fails.
    """

    def __init__(self, context: EarContext, *, live: bool, patient: bool) -> None:
        self._context = context
        self._live = live
        self._patient = patient
        self._turns: list[_Turn] = []
        self._changed = threading.Condition()
        self._finishing = self._closed = False
        self._failure: BaseException | None = None
        self._trouble = _Trouble()
        self._window_end_ms: int | None = None
        self._ear: Ear | None = None
        self._thread: threading.Thread | None = None
        self.utterances = 0
        self.alerts = 0

    # What the recorder tells.

    def begin(self, epoch: Epoch, *, waits: bool) -> None:
        """An epoch is being recorded. ``waits``: its source waits for whoever hears it, nothing need be dropped."""
        self._add(_Turn(epoch, PcmBuffer(_HAND_OVER_S if waits else _BUFFER_S, lossy=not waits)))

    def pcm(self, epoch: Epoch, first_sample: int, samples: Int16, arrived: float) -> None:
        """Audio of an epoch that has begun. Takes its time only where the source ``waits``.

        Raises what ended the hearing of a stream that is not ``patient``.
        """
        with self._changed:
            if self._failure is not None and not self._patient:
                raise self._failure
            turn = self._turn(epoch)
        if turn is not None:
            turn.arrivals.note(first_sample, first_sample + len(samples), arrived)
            turn.buffer.put(PcmBlock(first_sample, samples, arrived))

    def end(self, epoch: Epoch) -> None:
        """All of an epoch is recorded; ``epoch`` is stored as it is now once it was heard."""
        with self._changed:
            turn = self._turn(epoch)
            if turn is not None:
                turn.ended = epoch
                # One that still waits is read from its segments: what waits holds no audio.
                waits = turn is not self._turns[0]
                turn.buffer.close(discard=waits)
                if waits:
                    turn.arrivals.thin()
                self._changed.notify_all()

    def recover(self, epoch: Epoch) -> None:
        """Hear what an earlier run recorded and did not hear."""
        turn = _Turn(epoch, PcmBuffer(_HAND_OVER_S, lossy=True), epoch)
        turn.buffer.close()
        self._add(turn)

    # What the watch asks.

    def idle(self, timeout_s: float) -> bool:
        """Whether everything is heard that will be; waits so long for it."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._turns or self._failure is not None, timeout_s)

    def finish(self) -> None:
        """Wait until everything is heard. Raises what kept it from that; nothing is tried again for long."""
        with self._changed:
            self._finishing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._turns or self._failure is not None or self._closed)
            if self._failure is not None:
                raise self._failure

    def close(self) -> None:
        """Give up what is not heard yet; it is heard when the stream is watched again."""
        with self._changed:
            self._closed = True
            ear = self._ear
            for turn in self._turns:
                turn.buffer.close(discard=True)
            self._changed.notify_all()
        if ear is not None:
            ear.close()
        if self._thread is not None:
            self._thread.join()
        self._context.lag.settle(self._context.emit)

    def _add(self, turn: _Turn) -> None:
        with self._changed:
            self._turns.append(turn)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"hearing-{turn.epoch.stream}", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _turn(self, epoch: Epoch) -> _Turn | None:
        return next((turn for turn in self._turns if turn.epoch.number == epoch.number), None)

    # The thread that hears.

    def _work(self) -> None:
        while (turn := self._next()) is not None:
            try:
                self._hear(turn)
            except EarClosedError:
                return
            except BaseException as error:  # noqa: BLE001 - raised again in `finish`, and in `pcm` where nobody is patient
                self._give_up(error)
                return
            self._done(turn)

    def _next(self) -> _Turn | None:
        with self._changed:
            self._changed.wait_for(lambda: self._turns or self._closed)
            return None if self._closed else self._turns[0]

    def _done(self, turn: _Turn) -> None:
        with self._changed:
            self._turns.remove(turn)
            last = not self._turns
            self._changed.notify_all()
        if last:
            self._context.lag.settle(self._context.emit)

    def _give_up(self, error: BaseException) -> None:
        with self._changed:
            self._failure = error
            for turn in self._turns:
                turn.buffer.close(discard=True)
            self._changed.notify_all()

    def _hear(self, turn: _Turn) -> None:
        """Hear one epoch to its end, however often that must be tried again."""
        while True:
            try:
                if turn.epoch.audio_codec:
                    self._listen(turn)
                self._store(turn)
            except EarClosedError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever fails here, the recording goes on
                self._failed(turn, error)
            else:
                return

    def _listen(self, turn: _Turn) -> None:
        self._window_end_ms = None
        ear = Ear(self._context, turn.epoch, live=self._live, arrivals=turn.arrivals)
        with self._changed:
            self._ear = ear
        try:
            while not turn.buffer.drained:
                self._stay()
                block = turn.buffer.take()
                if block is not None:
                    ear.hear(block.first_sample, block.samples, block.arrived)
            self._stay()
            ear.finish()
        finally:
            ear.close()
            self._window_end_ms = ear.failed_at_ms
            with self._changed:
                self._ear = None
            self.utterances += ear.utterances
            self.alerts += ear.alerts

    def _store(self, turn: _Turn) -> None:
        with self._changed:
            self._changed.wait_for(lambda: turn.ended is not None or self._closed)
        self._stay()
        if turn.ended is not None:
            with self._context.db.write() as connection:
                recordings.put_epoch(connection, turn.ended)

    def _stay(self) -> None:
        if self._closed:
            raise EarClosedError

    def _failed(self, turn: _Turn, error: Exception) -> None:
        """Wait before the epoch is heard on from its cursor, or pass by what fails. Raises what must come out."""
        self._stay()
        last = not self._patient or self._finishing
        if _is_shut_down(error) or (last and isinstance(error, StorageError)):
            raise error
        self._context.scribe.forget()
        trouble = self._trouble
        trouble.count(turn.epoch.number, self._cursor(turn))
        defect = None if isinstance(error, LiveWitnessError) else error
        logger.warning("%s: hearing failed %d times: %s", turn.epoch.stream, trouble.failures, error, exc_info=defect)
        if trouble.here >= TRIES and not isinstance(error, StorageError):
            if last and trouble.holes:
                raise error
            if self._passed_by(turn):
                return
            if last:
                raise error
        self._pause(turn, trouble.pause_s(_LAST_PAUSE_S if last else LONGEST_PAUSE_S))

    def _cursor(self, turn: _Turn) -> int:
        try:
            with self._context.db.read() as connection:
                return recordings.transcribed_ms(connection, turn.epoch.stream, turn.epoch.number)
        except StorageError as error:
            logger.warning("%s: %s", turn.epoch.stream, error)
            return self._trouble.cursor_ms

    def _passed_by(self, turn: _Turn) -> bool:
        """Leave a hole where hearing fails; False when nothing is left there to hear."""
        epoch, cursor_ms = turn.epoch, self._trouble.cursor_ms
        try:
            with self._context.db.read() as connection:
                held = recordings.list_segments(connection, epoch.stream, start_ms=cursor_ms, epoch=epoch.number)
            until_ms = self._window_end_ms or 0
            if until_ms <= cursor_ms:
                until_ms = min(cursor_ms + _BLIND_MS, max((s.end_ms for s in held), default=0))
            if until_ms <= cursor_ms:
                return False
            hole = Hole(epoch.stream, epoch.number, cursor_ms, until_ms, "recognition_failed", utc_now())
            leave_hole(self._context.db, self._context.emit, hole, pass_by=True)
        except StorageError as error:
            logger.warning("%s: %s", epoch.stream, error)
            return False
        self._trouble.passed_by(until_ms)
        return True

    def _pause(self, turn: _Turn, seconds: float) -> None:
        """Wait, and tell meanwhile how late the text is."""
        cursor_ms = self._trouble.cursor_ms
        if self._live:
            sample = (cursor_ms - turn.epoch.offset_ms) * SAMPLE_RATE // 1000
            late_ms = round((time.monotonic() - turn.arrivals.waiting_since(sample)) * 1000)
            self._context.lag.report(self._context.emit, turn.epoch.stream, cursor_ms, late_ms)
        with self._changed:
            finishing = self._finishing
            self._changed.wait_for(lambda: self._closed or self._finishing != finishing, seconds)


@dataclass(slots=True)
class _Trouble:
    """Failures since text was last written: in a row, at this cursor, and holes left between."""

    epoch: int = 0
    cursor_ms: int = 0
    failures: int = 0
    here: int = 0
    holes: int = 0

    def count(self, epoch: int, cursor_ms: int) -> None:
        """One more, at a cursor."""
        if (epoch, cursor_ms) != (self.epoch, self.cursor_ms):
            self.epoch, self.cursor_ms = epoch, cursor_ms
            self.failures = self.here = self.holes = 0
        self.failures += 1
        self.here += 1

    def passed_by(self, cursor_ms: int) -> None:
        """A hole was left up to a new cursor."""
        self.cursor_ms, self.here = cursor_ms, 0
        self.holes += 1

    def pause_s(self, longest_s: float) -> float:
        """How long to wait now."""
        return float(min(longest_s, FIRST_PAUSE_S * 2 ** min(self.failures - 1, 10)))


def _is_shut_down(error: Exception) -> bool:
    return isinstance(error, LiveWitnessError) and error.code == "decoder_closed"
