"""Hears one stream, epoch after epoch, in a thread of its own: recording never waits for it, and outlives its failures.

The recorder's threads only hand over: an epoch that begins, its audio, its end. What is not heard yet waits, in order;
an epoch whose turn comes after its end keeps nothing in memory and is read from its segments. An epoch is marked
complete when it was heard to its end, so that whatever a killed process left is heard by the next one.
"""

import logging
import threading
import time
from dataclasses import dataclass, field

from core.errors import StorageError
from core.records import Epoch
from ingest.commands import SAMPLE_RATE
from ingest.pcm import Int16, PcmBlock, PcmBuffer
from pipeline.arrivals import Arrivals
from pipeline.ear import Ear, EarClosedError, EarContext
from store import recordings

logger = logging.getLogger(__name__)

_BUFFER_S = 60.0
_HAND_OVER_S = 1.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


@dataclass(eq=False, slots=True)
class _Turn:
    """An epoch to be heard. ``buffer``: its audio still in memory; ``ended``: what to store once it was heard."""

    epoch: Epoch
    buffer: PcmBuffer
    ended: Epoch | None = None
    arrivals: Arrivals = field(default_factory=Arrivals)


class Hearing:
    """The epochs of one watch, heard one after another. Call it from any thread; `close` it at the end.

    ``live``: windows close early and suspicions are raised. ``patient``: what fails is tried again, however often,
    until `finish` is called; otherwise, and from then on, the failure comes out of `pcm` and `finish`.
    """

    def __init__(self, context: EarContext, *, live: bool, patient: bool) -> None:
        self._context = context
        self._live = live
        self._patient = patient
        self._turns: list[_Turn] = []
        self._changed = threading.Condition()
        self._finishing = self._closed = False
        self._failure: BaseException | None = None
        self._failures = 0
        self._failed_at = (0, 0)
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
        """Whether everything is heard; waits so long for it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._turns or self._failure is not None, timeout_s)
            return not self._turns

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
        """Wait before the epoch is heard on from its cursor. Raises the failure where it must come out."""
        self._stay()
        if not self._patient or self._finishing:
            raise error
        cursor_ms = self._count(turn)
        logger.warning("%s: hearing failed %d times", turn.epoch.stream, self._failures, exc_info=error)
        self._context.scribe.forget()
        self._pause(turn, cursor_ms, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._failures - 1, 10)))

    def _count(self, turn: _Turn) -> int:
        """Count failures since text was last written; up to where it is written."""
        number, cursor_ms = self._failed_at
        try:
            with self._context.db.read() as connection:
                cursor_ms = recordings.transcribed_ms(connection, turn.epoch.stream, turn.epoch.number)
            number = turn.epoch.number
        except StorageError as error:
            logger.warning("%s: %s", turn.epoch.stream, error)
        self._failures = self._failures + 1 if (number, cursor_ms) == self._failed_at else 1
        self._failed_at = (number, cursor_ms)
        return cursor_ms

    def _pause(self, turn: _Turn, cursor_ms: int, seconds: float) -> None:
        """Wait, and tell meanwhile how late the text is."""
        sample = (cursor_ms - turn.epoch.offset_ms) * SAMPLE_RATE // 1000
        late_s = time.monotonic() - turn.arrivals.waiting_since(sample)
        if self._live:
            self._context.lag.report(self._context.emit, turn.epoch.stream, cursor_ms, round(late_s * 1000))
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._finishing, seconds)
