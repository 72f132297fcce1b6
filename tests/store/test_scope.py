"""Parts of the archive: which utterances lie in them, and how much they hold."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from core.clock import plus_ms
from core.records import Epoch, Gap, ModelIdentity, Segment, Stream, Utterance
from store import recordings, streams, utterances, vectors
from store.engine import Database, open_database
from store.postings import add_postings, match_postings
from store.scope import Scope, measure_scope, scope_ids

MOMENT = datetime(2026, 11, 11, 12, 31, tzinfo=UTC)
MODEL = ModelIdentity("m", "ab" * 32)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory):
    """Stream ``a``: two utterances and two segments with a gap; stream ``b``: a transcript without a recording."""
    db = open_database(Path(tmp_path_factory.mktemp("scope")) / "livewitness.db")
    with db.write() as c:
        for name, shop in (("a", "花店"), ("b", "果店")):
            streams.open_stream(c, Stream(name, "x", shop=shop, created_at=MOMENT))
            recordings.put_epoch(c, Epoch(name, 0, 0, MOMENT, "x"))
        recordings.advance_cursor(c, "a", 0, 6_000)
        for n, start in enumerate((0, 7_000)):
            place = (start, start + 4_000)
            wall = plus_ms(MOMENT, start)
            recordings.add_segment(c, Segment("a", 0, n, f"a/{n}.ts", "00", 1, *place, *place, wall))
        recordings.add_gap(c, Gap("a", 0, 4_000, 7_000, "lost", plus_ms(MOMENT, 4_000), plus_ms(MOMENT, 7_000)))
        for stream, start in (("a", 0), ("a", 7_000), ("b", 1_000)):
            wall = plus_ms(MOMENT, start)
            said = Utterance(stream, 0, start, start + 3_000, "三天祛斑", (), MODEL, wall)
            identifier = utterances.add_utterance(c, said)
            assert identifier is not None
            add_postings(c, identifier, ["祛", "斑", "祛ǀ斑"], ["qu"])
        vectors.add_vectors(c, MODEL.sha256, [1, 3], np.eye(2, dtype=np.float32))
    yield db
    db.close()


def ids(database: Database, scope: Scope) -> list[int]:
    with database.read() as connection:
        return scope_ids(connection, scope)


def test_a_scope_names_utterances(database: Database) -> None:
    assert ids(database, Scope()) == [1, 2, 3]
    assert ids(database, Scope(stream="a")) == [1, 2]
    assert ids(database, Scope(shop="果店")) == [3]
    assert ids(database, Scope(stream="a", shop="果店")) == []
    assert ids(database, Scope(stream="a", from_ms=2_999, to_ms=7_000)) == [1]
    assert ids(database, Scope(stream="a", from_ms=3_000, to_ms=7_001)) == [2]


def test_wall_time_counts_what_reaches_into_the_range(database: Database) -> None:
    assert ids(database, Scope(wall_from=MOMENT + timedelta(seconds=3.5))) == [2, 3]
    assert ids(database, Scope(wall_to=MOMENT + timedelta(seconds=1))) == [1]


def test_postings_keep_to_a_scope(database: Database) -> None:
    with database.read() as connection:
        assert [i for i, _ in match_postings(connection, "letters", ["斑"], 10, Scope(stream="a"))] == [1, 2]
        assert len(match_postings(connection, "letters", ["祛 斑"], 10)) == 3
        assert match_postings(connection, "letters", ["斑 祛"], 10) == []


def test_an_extent_tells_what_was_and_was_not_searched(database: Database) -> None:
    with database.read() as connection:
        whole = measure_scope(connection, Scope(), MODEL.sha256)
        part = measure_scope(connection, Scope("a", from_ms=3_000, to_ms=8_000), MODEL.sha256)
        other = measure_scope(connection, Scope(shop="果店"), "ff" * 32)
    assert (whole.streams, whole.recorded_ms, whole.gaps, whole.gap_ms) == (2, 8_000 + 3_000, 1, 3_000)
    assert (whole.untranscribed_ms, whole.utterances, whole.not_indexed) == (4_000, 3, 1)
    assert (part.streams, part.recorded_ms, part.gaps, part.gap_ms) == (1, 1_000 + 1_000, 1, 3_000)
    assert (other.streams, other.recorded_ms, other.not_indexed) == (1, 3_000, 1)


def test_wall_times_cut_what_is_recorded_to_the_millisecond(database: Database) -> None:
    """Stream time is wall time here: the same range in either gives the same extent."""
    for begin, end in ((3_000, 8_000), (1, 10_999), (5_000, 6_000), (4_000, 7_000)):
        wall = Scope("a", wall_from=plus_ms(MOMENT, begin), wall_to=plus_ms(MOMENT, end))
        with database.read() as connection:
            by_wall = measure_scope(connection, wall, MODEL.sha256)
            by_place = measure_scope(connection, Scope("a", from_ms=begin, to_ms=end), MODEL.sha256)
        assert by_wall == by_place
    with database.read() as connection:
        before = measure_scope(connection, Scope(wall_to=MOMENT - timedelta(days=1)), MODEL.sha256)
    assert (before.streams, before.recorded_ms, before.gaps, before.utterances) == (0, 0, 0, 0)


def test_vectors_come_in_order_of_writing(database: Database) -> None:
    with database.read() as connection:
        row, found, matrix = vectors.vectors_after(connection, MODEL.sha256, 0)
        assert found == [1, 3]
        assert matrix is not None
        assert matrix.tolist() == [[1, 0], [0, 1]]
        assert vectors.vectors_after(connection, MODEL.sha256, row) == (row, [], None)
        assert [u.id for u in vectors.pending_utterances(connection, MODEL.sha256, limit=5)] == [2]
        assert vectors.pending_utterances(connection, MODEL.sha256, limit=5, after_id=2) == []


@given(st.integers(0, 12_000), st.integers(0, 12_000))
def test_a_range_holds_what_overlaps_it(database: Database, one: int, other: int) -> None:
    begin, end = sorted((one, other))
    spans = {1: (0, 3_000), 2: (7_000, 10_000)}
    expected = [i for i, (a, b) in spans.items() if b > begin and a < end]
    assert ids(database, Scope(stream="a", from_ms=begin, to_ms=end)) == expected


def test_a_scope_does_not_run_the_full_text_match_anew_for_each_id(database: Database) -> None:
    seen: list[tuple[str, object]] = []

    def remember(_c: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        seen.append((statement, parameters))

    with database.read() as connection:
        sqlalchemy.event.listen(connection, "before_cursor_execute", remember)
        match_postings(connection, "letters", ["斑"], 5, Scope(stream="a"))
        statement, parameters = seen[0]
        plan = [row[3] for row in connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)]
    (scan,) = [line for line in plan if line.startswith("SCAN postings")]
    # FTS5 writes "=" into the number of its plan when it is asked for one rowid at a time.
    assert "=" not in scan
    assert any("LIST SUBQUERY" in line for line in plan)
