"""What the outside is told of a stream besides its alerts, which the scribe writes with their findings."""

import logging
import threading
from collections import deque
from functools import partial

from sqlalchemy.exc import OperationalError

from core.clock import iso, utc_now
from core.errors import StorageError
from core.shapes import Json
from pipeline.events import EventSink
from store import outbox
from store.engine import Database

_log = logging.getLogger(__name__)
_WAITING = 1_000
_PATIENCE_S = 3.0
_CLOSE_S = 10.0
_AGAIN_S = 1.0

TOLD = frozenset(
    {
        "stream.started",
        "stream.ended",
        "stream.failed",
        "stream.silent",
        "stream.resumed",
        "stream.behind",
        "stream.caught_up",
        "stream.disk_full",
        "stream.disk_freed",
        "gap",
        "gap.opened",
        "no_audio",
        "audio.resumed",
    }
)


class Telling:
    """An event sink: passes events on, those that a moderator must know also to the outbox. Thread-safe.

    A thread of its own writes them, one after the other. Whoever tells waits until his event is written, but not for
    a database that cannot be written (the disk is full, another process holds the lock): events wait in memory then,
    the newest of them, and follow as soon as it can.
    """

    def __init__(self, db: Database, emit: EventSink) -> None:
        self._db = db
        self._emit = emit
        self._changed = threading.Condition()
        # Numbered from 1, so that who waits for his own knows when it is written.
        self._waiting: deque[tuple[int, Json]] = deque(maxlen=_WAITING)
        self._put = self._written = self._failures = 0
        self._slow = self._failing = self._closed = False
        self._thread = threading.Thread(target=self._write_all, name="telling", daemon=True)
        self._thread.start()

    def __call__(self, event: Json) -> None:
        """Tell an event. Raises only what ``emit`` raises."""
        if event["event"] in TOLD:
            self._append(event)
        self._emit(event)

    def close(self) -> None:
        """Write what waits, if it can be written now."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(_CLOSE_S)
        if self._waiting:
            _log.error("%d events never reached the outbox", len(self._waiting))

    def _append(self, event: Json) -> None:
        with self._changed:
            self._put += 1
            mine, failures = self._put, self._failures
            self._waiting.append((mine, event))
            self._changed.notify_all()
            if not self._slow and not self._closed:
                tried = self._changed.wait_for(
                    lambda: self._written >= mine or self._failures > failures, timeout=_PATIENCE_S
                )
                self._slow = not tried

    # The thread that writes.

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                number, event = self._waiting[0]
            done = self._write(event)
            with self._changed:
                if done:
                    self._settle(number)
                    continue
                self._failures += 1
                self._failing = True
                self._changed.notify_all()
                seen = self._put
                if self._closed:
                    return
                self._changed.wait_for(partial(self._something_new, seen), timeout=_AGAIN_S)

    def _something_new(self, seen: int) -> bool:
        return self._closed or self._put > seen

    def _settle(self, number: int) -> None:
        self._written, self._slow, self._failing = number, False, False
        while self._waiting and self._waiting[0][0] <= number:
            self._waiting.popleft()
        self._changed.notify_all()

    def _write(self, event: Json) -> bool:
        """Whether the event needs no further attempt."""
        try:
            with self._db.write() as connection:
                outbox.append_event(connection, event)
        except (StorageError, OperationalError) as error:
            if not self._failing:
                _log.error("events wait for the outbox: %s", error)
            return False
        except Exception:  # noqa: BLE001 - a defect in one event must keep back no other
            _log.exception("event %s of %s is not in the outbox", event["event"], event.get("stream"))
        return True


def telling(db: Database, emit: EventSink) -> Telling:
    """``emit``, with what a moderator must know also written to the outbox; to be closed at the end."""
    return Telling(db, emit)


def _warning(name: str, fields: Json) -> Json:
    return {"event": name, **fields, "at": iso(utc_now())}


def stream_failed(stream: str, error: dict[str, str], retry_at: str | None) -> Json:
    """A run of a stream raised an error; ``retry_at`` is null when only a person can help."""
    return _warning("stream.failed", {"stream": stream, "error": error, "retry_at": retry_at})


def stream_silent(stream: str, silent_s: float) -> Json:
    """Nothing has come from the source for so many seconds; it is being reconnected."""
    return _warning("stream.silent", {"stream": stream, "silent": round(silent_s, 3)})


def stream_resumed(stream: str) -> Json:
    """The source gives again."""
    return _warning("stream.resumed", {"stream": stream})


def stream_disk_full(stream: str, error: dict[str, str]) -> Json:
    """Nothing more can be recorded; what is held stays as it is. Recording goes on when there is room."""
    return _warning("stream.disk_full", {"stream": stream, "error": error})


def stream_disk_freed(stream: str) -> Json:
    """There is room again."""
    return _warning("stream.disk_freed", {"stream": stream})


def stream_behind(stream: str, lag_s: float) -> Json:
    """Recognition is so far behind that alerts come too late; nothing is lost."""
    return _warning("stream.behind", {"stream": stream, "lag": lag_s})


def stream_caught_up(stream: str) -> Json:
    """Recognition is near the present again."""
    return _warning("stream.caught_up", {"stream": stream})
