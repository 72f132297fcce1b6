"""What the outside is told of a stream besides its alerts, which the scribe writes with their findings."""

from core.clock import iso, utc_now
from core.shapes import Json
from pipeline.events import EventSink
from store import outbox
from store.engine import Database

TOLD = frozenset(
    {
        "stream.started",
        "stream.ended",
        "stream.failed",
        "stream.silent",
        "stream.resumed",
        "stream.behind",
        "stream.caught_up",
        "gap",
        "gap.opened",
        "no_audio",
        "audio.resumed",
    }
)


def telling(db: Database, emit: EventSink) -> EventSink:
    """``emit``, with what a moderator must know also appended to the outbox."""

    def tell(event: Json) -> None:
        if event["event"] in TOLD:
            with db.write() as connection:
                outbox.append_event(connection, event)
        emit(event)

    return tell


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


def stream_behind(stream: str, lag_s: float) -> Json:
    """Recognition is so far behind that alerts come too late; nothing is lost."""
    return _warning("stream.behind", {"stream": stream, "lag": lag_s})


def stream_caught_up(stream: str) -> Json:
    """Recognition is near the present again."""
    return _warning("stream.caught_up", {"stream": stream})
