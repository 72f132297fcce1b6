"""Leaving a hole in a transcript: noted, told, and passed by."""

from pipeline import events
from pipeline.events import EventSink
from store import outbox, recordings
from store.engine import Database
from store.holes import Hole, add_hole


def leave_hole(db: Database, emit: EventSink, hole: Hole, *, pass_by: bool) -> None:
    """Note and tell a hole, once. ``pass_by``: the cursor moves behind it, so that hearing goes on there.

    One transaction; raises `StorageError`.
    """
    event = events.not_transcribed(hole)
    with db.write() as connection:
        added = add_hole(connection, hole)
        if pass_by:
            recordings.advance_cursor(connection, hole.stream, hole.epoch, hole.end_ms)
        if added:
            outbox.append_event(connection, event)
    if added:
        emit(event)
