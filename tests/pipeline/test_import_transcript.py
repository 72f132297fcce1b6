"""A transcript made elsewhere becomes utterances, alerts and postings, once."""

from claims.checker import load_checker
from core.records import Stream
from pipeline.import_transcript import import_transcript
from pipeline.transcripts import Line
from store import alerts, recordings, utterances
from store.engine import open_database
from store.postings import match_postings

LINES = [Line(0, 2000, "大家晚上好"), Line(2000, 5000, "这瓶精华三天祛斑")]


def test_lines_are_stored_judged_and_indexed_once(tmp_path) -> None:
    db = open_database(tmp_path / "livewitness.db")
    checker = load_checker()
    record = Stream(name="旧场", source="transcript:a.srt", shop="花店")
    first = import_transcript(db, checker, record, LINES)
    again = import_transcript(db, checker, record, LINES)
    assert (first.lines, first.known) == (2, 0)
    assert (again.lines, again.known) == (0, 2)
    assert [alert.finding.category.value for alert in first.alerts] == ["cosmetic_special"]
    alert = first.alerts[0]
    assert 2000 <= alert.start_ms < alert.end_ms <= 5000
    with db.read() as connection:
        stored = utterances.list_utterances(connection, "旧场")
        assert [u.text for u in stored] == [line.text for line in LINES]
        assert stored[0].model.name == "transcript"
        assert len(alerts.list_alerts(connection)) == 1
        assert recordings.recorded_ms(connection, "旧场") == 0
        assert [i for i, _ in match_postings(connection, "letters", ["祛"], 5)] == [stored[1].id]
    db.close()


def test_another_transcript_of_the_same_stream_is_another_epoch(tmp_path) -> None:
    db = open_database(tmp_path / "livewitness.db")
    checker = load_checker()
    record = Stream(name="s", source="transcript:a.srt")
    import_transcript(db, checker, record, LINES)
    import_transcript(db, checker, record, [Line(0, 2000, "第二份字幕")])
    with db.read() as connection:
        assert [epoch.number for epoch in recordings.list_epochs(connection, "s")] == [1, 2]
        assert all(epoch.complete for epoch in recordings.list_epochs(connection, "s"))
        assert len(utterances.list_utterances(connection, "s")) == 3
    db.close()


def test_lines_with_the_same_start_are_all_kept(tmp_path) -> None:
    db = open_database(tmp_path / "livewitness.db")
    checker = load_checker()
    lines = [Line(0, 1000, f"第{number}句") for number in range(150)]
    record = Stream(name="s", source="transcript:a.srt")
    assert import_transcript(db, checker, record, lines).lines == 150
    assert import_transcript(db, checker, record, lines).lines == 0
    with db.read() as connection:
        assert [u.text for u in utterances.list_utterances(connection, "s")] == [line.text for line in lines]
    db.close()
