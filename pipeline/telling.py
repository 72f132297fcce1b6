"""What the outside is told of a stream besides its alerts, which the scribe writes with their findings."""

import logging
import threading
from collections import deque

from core.clock import iso, utc_now
from core.errors import StorageError
from core.shapes import Json
from pipeline.events import EventSink
from store import outbox
from store.engine import Database

_log = logging.getLogger(__name__)
_WAITING = 1_000

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


def telling(db: Database, emit: EventSink) -> EventSink:
    """``emit``, with what a moderator must know also appended to the outbox.

    While the database cannot be written (the disk is full) events wait in memory and follow with the next one.
    """
    waiting: deque[Json] = deque(maxlen=_WAITING)
    lock = threading.Lock()

    def tell(event: Json) -> None:
        if event["event"] in TOLD:
            with lock:
                waiting.append(event)
                _append_all(db, waiting)
        emit(event)

    return tell


def _append_all(db: Database, waiting: deque[Json]) -> None:
    try:
        with db.write() as connection:
            for event in waiting:
                outbox.append_event(connection, event)
    except StorageError as error:
        _log.error("%d events wait for the outbox: %s", len(waiting), error)
    else:
        waiting.clear()


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
