"""What goes into the store comes out as the same record."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import iso, parse_iso
from core.records import (
    Alert,
    AlertStatus,
    Category,
    Epoch,
    Finding,
    Gap,
    LegalBasis,
    ModelIdentity,
    Segment,
    Severity,
    Stream,
    Utterance,
    Verdict,
    Word,
)
from store import alerts, jobs, postings, recordings, streams, utterances, vectors
from store.codec import dump_words, load_words
from store.engine import Database, open_database

MOMENT = datetime(2026, 11, 11, 12, 31, tzinfo=UTC)
MODEL = ModelIdentity("whisper-base", "ab" * 32)


@pytest.fixture
def database(tmp_path: Path):
    db = open_database(tmp_path / "livewitness.db")
    with db.write() as connection:
        streams.open_stream(connection, Stream(name="s", source="rtmp://x/y", shop="花店", created_at=MOMENT))
        recordings.put_epoch(connection, Epoch("s", 0, 0, MOMENT, "rtmp://x/y", "h264", "aac"))
    yield db
    db.close()


def utterance(start_ms: int = 1000, text: str = "三天祛斑") -> Utterance:
    words = (Word("三天", start_ms, start_ms + 400, 0.9), Word("祛斑", start_ms + 400, start_ms + 900, 0.5))
    return Utterance("s", 0, start_ms, start_ms + 900, text, words, MODEL, MOMENT, ("chant",))


def finding() -> Finding:
    return Finding(
        rule_id="COS-1",
        category=Category.COSMETIC_SPECIAL,
        severity=Severity.HIGH,
        verdict=Verdict.VIOLATION,
        start=0,
        end=4,
        matched="三天祛斑",
        canonical="三天祛斑",
        method="text",
        score=1.0,
        title="普通化妆品宣称特殊功效",
        legal_basis=(LegalBasis("化妆品监督管理条例", "第十六条", seen=True),),
        advice="改用备案功效",
        advice_en="Use the filed efficacy",
        pack="cn-law",
        pack_version="1",
        pack_sha256="cd" * 32,
    )


def test_streams_reopen_under_their_name(database: Database) -> None:
    with database.write() as c:
        streams.end_stream(c, "s", MOMENT)
        reopened = streams.open_stream(c, Stream(name="s", source="rtmp://x/z", title="双十一"))
    assert reopened == Stream("s", "rtmp://x/z", shop="花店", title="双十一", created_at=MOMENT, ended_at=None)
    with database.read() as c:
        assert streams.list_streams(c, shop="花店") == [reopened]
        assert streams.list_streams(c, shop="别家") == []


def test_segments_are_appended_once_and_found_by_time(database: Database) -> None:
    rows = [
        Segment("s", 0, n, f"p{n}", "00", 9, n * 4000, n * 4000 + 4000, n * 4000, n * 4000 + 4000, MOMENT)
        for n in range(5)
    ]
    with database.write() as c:
        assert [recordings.add_segment(c, r) for r in rows] == [True] * 5
        assert recordings.add_segment(c, rows[2]) is False
    with database.read() as c:
        assert recordings.list_segments(c, "s", start_ms=4000, end_ms=8001) == rows[1:3]
        assert recordings.last_segment(c, "s") == rows[4]
        assert recordings.segments_after(c, "s", 2) == rows[3:]
        assert recordings.segments_after(c, "s", None) == rows
        assert recordings.recorded_ms(c, "s") == 20_000


def test_the_cursor_only_moves_forward(database: Database) -> None:
    with database.write() as c:
        recordings.advance_cursor(c, "s", 0, 5000)
        recordings.advance_cursor(c, "s", 0, 3000)
        recordings.put_epoch(c, Epoch("s", 0, 0, MOMENT, "rtmp://x/y", "h264", "aac", complete=True))
    with database.read() as c:
        assert recordings.transcribed_ms(c, "s", 0) == 5000
        assert recordings.list_epochs(c, "s")[0].complete


def test_gaps_are_kept_once(database: Database) -> None:
    gap = Gap("s", 0, 4000, 9000, "source_lost", MOMENT, MOMENT)
    with database.write() as c:
        recordings.add_gap(c, gap)
        recordings.add_gap(c, gap)
    with database.read() as c:
        assert recordings.list_gaps(c, "s") == [gap]


def test_utterances_are_unique_by_place(database: Database) -> None:
    with database.write() as c:
        first = utterances.add_utterance(c, utterance())
        assert utterances.add_utterance(c, utterance(text="别的")) is None
    assert first is not None
    with database.read() as c:
        (stored,) = utterances.list_utterances(c, "s")
        assert utterances.get_utterances(c, [first, 99]) == {first: stored}
        assert utterances.list_utterances(c, "s", start_ms=1900) == []
    assert stored.text == "三天祛斑"
    assert stored.words == utterance().words
    assert stored.flags == ("chant",)


def test_alerts_page_in_order_of_time(database: Database) -> None:
    with database.write() as c:
        uid = utterances.add_utterance(c, utterance())
        assert uid
        for number in range(5):
            alert = Alert(
                f"a{number}", AlertStatus.CONFIRMED, "s", 0, 1000, 1900, MOMENT, "三天祛斑", finding(), 700, uid
            )
            assert alerts.add_alert(c, alert)
            assert not alerts.add_alert(c, alert)
    with database.read() as c:
        page = alerts.list_alerts(c, limit=3)
        rest = alerts.list_alerts(c, after=page[-1].id)
        assert alerts.list_alerts(c, category="price_fraud") == []
    assert [a.id for a in page + rest] == ["a0", "a1", "a2", "a3", "a4"]
    assert page[0].finding == finding()


def test_postings_match_two_character_queries(database: Database) -> None:
    with database.write() as c:
        postings.add_postings(c, 1, ["三", "天", "三天"], ["san", "tian", "santian"])
        postings.add_postings(c, 2, ["美", "白", "美白"], ["mei", "bai", "meibai"])
    with database.read() as c:
        assert [i for i, _ in postings.match_postings(c, "letters", ["美白"], 10)] == [2]
        assert [i for i, _ in postings.match_postings(c, "sounds", ["santian"], 10)] == [1]
        assert postings.match_postings(c, "letters", ["santian"], 10) == []
        assert postings.match_postings(c, "letters", [], 10) == []
        assert postings.match_postings(c, "letters", ['"', "NEAR(", "*"], 10) == []


def test_vectors_by_model_and_what_is_pending(database: Database) -> None:
    with database.write() as c:
        ids = [utterances.add_utterance(c, utterance(start)) for start in (0, 1000, 2000)]
        known = [i for i in ids if i]
        vectors.add_vectors(c, "m", known[:2], np.eye(2, 4, dtype=np.float32))
    with database.read() as c:
        _, stored_ids, matrix = vectors.vectors_after(c, "m", 0)
        assert stored_ids == known[:2]
        assert np.array_equal(matrix, np.eye(2, 4, dtype=np.float32))
        assert [u.id for u in vectors.pending_utterances(c, "m", limit=10)] == known[2:]
        assert len(vectors.pending_utterances(c, "other", limit=10)) == 3
        assert vectors.count_vectors(c, "m") == 2
        awaiting = vectors.awaiting_vectors(c)
        assert (awaiting.utterances, awaiting.since) == (1, utterance(2000).wall_start)
        assert vectors.awaiting_vectors(c, "other").utterances == 3


def test_jobs_keep_their_stream(database: Database) -> None:
    with database.write() as c:
        jobs.put_job(c, jobs.Job("ff", "/a.mp4", "a", jobs.JobState.RUNNING))
        jobs.put_job(c, jobs.Job("ff", "/b.mp4", "b", jobs.JobState.DONE))
    with database.read() as c:
        assert jobs.get_job(c, "ff") == jobs.Job("ff", "/b.mp4", "a", jobs.JobState.DONE)
        assert jobs.get_job(c, "00") is None
        assert jobs.name_taken(c, "a")
        assert jobs.name_taken(c, "s")
        assert not jobs.name_taken(c, "b")


@given(st.lists(st.tuples(st.text(), st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 1))))
def test_words_survive_the_round_trip(rows: list[tuple[str, int, int, float]]) -> None:
    words = tuple(Word(t, s, e, round(p, 3)) for t, s, e, p in rows)
    assert load_words(dump_words(words)) == words


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_survive_to_the_millisecond(moment: datetime) -> None:
    assert abs((parse_iso(iso(moment)) - moment).total_seconds()) < 0.001
