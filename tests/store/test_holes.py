"""What recognition gave up counts as recorded and not transcribed, until it is deleted."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.records import Epoch, Segment, Stream
from store import deletions, recordings, streams
from store.deletions import Deletion, Doomed
from store.engine import Database, open_database
from store.holes import Hole, add_hole, list_holes
from store.scope import Scope, measure_scope, stream_totals

MOMENT = datetime(2026, 11, 11, 12, 31, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path):
    """Twelve seconds in three segments, of which ten are heard."""
    db = open_database(tmp_path / "livewitness.db")
    with db.write() as c:
        streams.open_stream(c, Stream("a", "x", created_at=MOMENT))
        recordings.put_epoch(c, Epoch("a", 0, 0, MOMENT, "x"))
        for n in range(3):
            place = (4_000 * n, 4_000 * n + 4_000)
            recordings.add_segment(c, Segment("a", 0, n, f"a/{n}.ts", "00", 1, *place, *place, MOMENT))
        recordings.advance_cursor(c, "a", 0, 10_000)
    yield db
    db.close()


def leave(db: Database, start_ms: int, end_ms: int) -> bool:
    with db.write() as c:
        return add_hole(c, Hole("a", 0, start_ms, end_ms, "recognition_failed", MOMENT))


def test_a_hole_is_noted_once_and_counts_as_not_transcribed(database: Database) -> None:
    assert leave(database, 3_000, 5_500)
    assert not leave(database, 3_000, 5_500)
    with database.read() as c:
        assert [(h.start_ms, h.end_ms, h.at) for h in list_holes(c, "a")] == [(3_000, 5_500, MOMENT)]
        assert stream_totals(c, "a").untranscribed_ms == 2_000 + 2_500
        assert measure_scope(c, Scope("a", from_ms=4_000, to_ms=8_000), "").untranscribed_ms == 1_500
        assert measure_scope(c, Scope("a", from_ms=6_000, to_ms=8_000), "").untranscribed_ms == 0


def test_what_the_cursor_has_not_passed_is_counted_once(database: Database) -> None:
    leave(database, 9_000, 12_000)
    with database.read() as c:
        assert stream_totals(c, "a").untranscribed_ms == 1_000 + 2_000


def test_a_hole_goes_with_the_recording_it_is_in(database: Database) -> None:
    leave(database, 1_000, 2_000)
    leave(database, 5_000, 9_000)
    with database.read() as c:
        taken = recordings.list_segments(c, "a")[:2]
    with database.write() as c:
        deletions.decide(c, Deletion("d", "a", MOMENT, "x", "p", {}), taken, Doomed(), whole=False)
        assert [h.start_ms for h in list_holes(c, "a")] == [5_000], "a part of its recording is still held"
