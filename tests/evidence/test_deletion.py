"""What is due goes everywhere, and nothing else does; what stays is the hash and a record that can be checked."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import ConflictError, NotFoundError
from core.records import Stream
from evidence.archive import ArchiveCheck
from evidence.audit import read_audit
from evidence.audit_seal import check_audit
from evidence.deletion import finish_interrupted, run_plan
from evidence.holds import HoldOrder, lift_holds, place_hold, standing_holds
from evidence.leaves import deleted_files, received_leaf
from evidence.retention import Reason
from evidence.retention_plan import plan_json
from evidence.segment_log import SegmentLog, log_path, read_log
from evidence.verifier import verify_package
from index.snapshot import snapshot_root
from ingest.lock import StreamLock
from store import alerts, cases, deletions, outbox, recordings, streams, timeline, utterances
from store.cases import Case, CaseState, Exhibit, ExhibitKind
from store.retention import RetentionClass, Trade, put_class, put_trade
from store.tables import metadata
from tests.evidence.logged import STREAM, make_recording
from tests.evidence.retained import ACTOR, ENDED, NOW, Archive, add_stream, open_archive

SECRET = ["魑魅魍魉的面霜三天见效", "饕餮级别的折扣只此一夜", "夔龙纹的镯子假一赔十", "貔貅招财手串稳赚不赔"]
OTHER = ["这是纯棉的床单", "包邮到家"]
YOUNG = ["昨天播的内容不该动", "还没有到期"]


@pytest.fixture
def archive(tmp_path: Path):
    made = open_archive(tmp_path / "data")
    add_stream(made, "旧", SECRET, host="窦蘅")
    add_stream(made, "留", OTHER, None)
    add_stream(made, "新", YOUNG, ended=NOW - timedelta(days=3))
    folder = snapshot_root(made.db)
    folder.mkdir()
    (folder / "letters.bin").write_text("魑魅")
    yield made
    made.db.close()


def run(archive: Archive, plan_hash: str = "") -> list[dict]:
    done = run_plan(archive.context, plan_hash or archive.plan().hash, NOW)
    return [plan_json(entry) | {"deletion": deletion.id} for entry, deletion in done]


def rows_of(archive: Archive, stream: str) -> dict[str, int]:
    """Rows of each table that name the stream, full text and all."""
    with archive.db.read() as connection:
        found = {}
        for table in metadata.sorted_tables:
            if "stream" in table.c:
                found[table.name] = len(connection.execute(table.select().where(table.c.stream == stream)).all())
        return found


def test_a_dry_run_is_the_real_run(archive: Archive) -> None:
    planned = [plan_json(entry) for entry in archive.plan().streams]
    before = archive.files()
    done = run(archive)
    assert [{k: v for k, v in line.items() if k != "deletion"} for line in done] == planned
    after = archive.files()
    gone = before.keys() - after.keys() - {"index/letters.bin"}
    assert gone == {name for line in planned for name in line["files"]}
    assert [line["stream"] for line in planned] == ["旧"]
    assert (planned[0]["segments"], planned[0]["utterances"], planned[0]["clips"]) == ([[1, 4]], 4, 1)
    unchanged = {name for name in before.keys() & after.keys() if before[name] == after[name]}
    changed = before.keys() & after.keys() - unchanged
    assert changed == {log_path(archive.data, "旧").relative_to(archive.data).as_posix()}
    assert "audit.jsonl" in after.keys() - before.keys()


def test_everything_that_speaks_of_persons_is_gone_from_every_file(archive: Archive) -> None:
    run(archive)
    archive.db.close()
    for path in (p for p in archive.data.rglob("*") if p.is_file()):
        content = path.read_bytes()
        for word in ("魑魅", "饕餮", "夔龙", "貔貅", "魅", "餮", "獬", "稳赚不赔"):
            assert word.encode() not in content, (path.name, word)
        if path.name != "log.jsonl":
            assert "窦蘅".encode() not in content, path.name


def test_what_stays_is_name_numbers_hashes_and_the_record(archive: Archive) -> None:
    (line,) = run(archive)
    assert rows_of(archive, "旧") == dict.fromkeys(rows_of(archive, "旧"), 0) | {
        "epochs": 1,
        "outbox": 1,
        "retention_classes": 1,
        "deletions": 1,
        "deleted_segments": 4,
    }
    with archive.db.read() as connection:
        (event,) = outbox.after(connection, 0, 1_000, "旧")
        assert (event.event, event.cursor) == ("stream.deleted", outbox.newest(connection))
        stream = streams.get_stream(connection, "旧")
        assert stream is not None
        assert (stream.shop, stream.host, stream.source, stream.title) == ("花店", "", "", "")
        (deletion,) = deletions.list_deletions(connection)
        assert deletion.finished_at is not None
        assert [s.sequence for s in deletions.segments_of(connection, deletion.id)] == [1, 2, 3, 4]
    view = read_log(log_path(archive.data, "旧"))
    assert [leaf["sequence"] for leaf in view.leaves if leaf["kind"] == "segment"] == [1, 2, 3, 4]
    assert view.leaves[-1]["deletion"] == line["deletion"]
    assert len(deleted_files(view.leaves)) == 4
    entry = json.loads(read_audit(archive.data)[-1])
    assert (entry["kind"], entry["by"], entry["detail"]["deletion"]) == ("retention.delete", "管理员", line["deletion"])
    assert check_audit(archive.data)[1] == []


def test_the_archive_check_calls_deleted_what_was_deleted(archive: Archive) -> None:
    run(archive)
    check = ArchiveCheck(archive.data)
    list(check.run())
    assert check.state.damages == []
    assert (check.state.deleted, check.state.segments) == (4, 8)
    segment = archive.segments("留")[0]
    (archive.data / segment.path).unlink()
    again = ArchiveCheck(archive.data)
    list(again.run())
    assert [(d.file, d.en) for d in again.state.damages] == [(segment.path, "is missing")]


def test_a_file_that_came_back_is_named(archive: Archive) -> None:
    path = archive.data / archive.segments("旧")[0].path
    content = path.read_bytes()
    run(archive)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    check = ArchiveCheck(archive.data)
    list(check.run())
    assert ["deleted" in damage.en for damage in check.state.damages] == [True]


def test_another_plan_is_refused_and_nothing_goes(archive: Archive) -> None:
    shown = archive.plan().hash
    add_stream(archive, "又一场", OTHER)
    before = archive.files()
    with pytest.raises(ConflictError, match="plan_changed"):
        run(archive, shown)
    assert archive.files() == before
    assert len(rows_of(archive, "旧")) > 0


def test_a_stream_that_is_recorded_or_changes_meanwhile_is_left_alone(archive: Archive) -> None:
    with StreamLock(log_path(archive.data, "旧").parent), pytest.raises(ConflictError, match="stream_busy"):
        run(archive)
    plan = archive.plan()
    steps = run_plan(archive.context, plan.hash, NOW)
    add_stream(archive, "乙", OTHER)
    with pytest.raises(ConflictError, match="plan_changed"):
        next(steps)
    assert rows_of(archive, "旧")["utterances"] == 4


def test_a_hold_keeps_its_stretch_and_lets_the_rest_go(archive: Archive) -> None:
    hold, before = place_hold(archive.db, archive.data, HoldOrder("案1", "旧", "诉讼", 0, 2_000), ACTOR)
    assert before == []
    (line,) = run(archive)
    assert line["segments"] == [[3, 4]]
    assert not line["whole"]
    assert [s.sequence for s in archive.segments("旧")] == [1, 2]
    with archive.db.read() as connection:
        assert [u.text for u in utterances.list_utterances(connection, "旧")] == SECRET[:2]
        assert [a.text for a in alerts.list_alerts(connection, stream="旧")] == SECRET[:2]
        assert len(timeline.list_events(connection, "旧")) == 2
        assert streams.get_stream(connection, "旧").host == "窦蘅"  # type: ignore[union-attr] # it is there
    assert list((archive.data / "clips").glob("*.json")), "the clip was made of held segments"
    assert archive.plan().streams == ()
    _, told = place_hold(archive.db, archive.data, HoldOrder("案2", "旧", "另案"), ACTOR)
    assert [d.id for d in told] == [line["deletion"]], "the next case is told what is gone already"
    lift_holds(archive.db, archive.data, "案2", "结案", ACTOR)
    lift_holds(archive.db, archive.data, hold.id, "结案", ACTOR)
    (rest,) = run(archive)
    assert (rest["segments"], rest["whole"], rest["clips"]) == ([[1, 2]], True, 1)
    assert archive.segments("旧") == []
    check = ArchiveCheck(archive.data)
    list(check.run())
    assert (check.state.damages, check.state.deleted) == ([], 4)


def test_a_hold_stands_whichever_of_database_and_audit_chain_is_tampered_with(archive: Archive) -> None:
    hold, _ = place_hold(archive.db, archive.data, HoldOrder("案", "旧", "诉讼"), ACTOR)
    with archive.db.write() as connection:
        connection.exec_driver_sql("DELETE FROM holds")
    assert [h.id for h in standing_holds(archive.db, archive.data)] == [hold.id]
    assert {d.stream: d.reason for d in archive.plan().standing}["旧"] is Reason.HELD
    second, _ = place_hold(archive.db, archive.data, HoldOrder("案", "旧", "诉讼"), ACTOR)
    chain = archive.data / "audit.jsonl"
    chain.write_bytes(b"")
    assert [h.id for h in standing_holds(archive.db, archive.data)] == [second.id]
    chain.write_bytes(b'{"index":0}\n')
    with pytest.raises(ConflictError, match="audit_broken"):
        archive.plan()


def test_an_open_trade_keeps_the_replay_until_it_is_completed(archive: Archive) -> None:
    add_stream(archive, "成交", OTHER, RetentionClass.LATER)
    with archive.db.write() as connection:
        put_trade(connection, Trade("成交", "单1", ENDED))
        put_trade(connection, Trade("成交", "单2"))
    assert {d.stream: d.reason for d in archive.plan().standing}["成交"] is Reason.OPEN_TRADE
    with archive.db.write() as connection:
        put_trade(connection, Trade("成交", "单2", NOW - timedelta(days=30)))
    assert {d.stream: d.reason for d in archive.plan().standing}["成交"] is Reason.YOUNG
    assert "成交" in [e.stream for e in archive.plan(NOW + timedelta(days=3 * 366)).streams]


def test_a_stream_that_goes_on_counts_on(archive: Archive) -> None:
    run(archive)
    with archive.db.read() as connection:
        last = deletions.last_deleted(connection, "旧")
        assert last is not None
        assert (last.sequence, last.end_ms) == (4, 16_000)
        assert [e.complete for e in recordings.list_epochs(connection, "旧")] == [True]
    with archive.db.write() as connection:
        streams.open_stream(connection, Stream("旧", "again"))
    assert {d.stream: d.reason for d in archive.plan().standing}["旧"] is Reason.NOT_ENDED


def test_a_run_broken_off_between_streams_goes_on_under_the_same_hash(archive: Archive) -> None:
    add_stream(archive, "第二场", ["獬豸"])
    plan = archive.plan()
    steps = run_plan(archive.context, plan.hash, NOW)
    first, _ = next(steps)
    steps.close()
    assert [d.stream for d in finish_interrupted(archive.context)] == [first.stream]
    assert archive.plan().hash != plan.hash
    assert [line["stream"] for line in run(archive, plan.hash)] == [e.stream for e in plan.streams[1:]]
    assert archive.plan().streams == ()


# What a table with streams or persons in it has to do with retention: a new one needs a decision, and a line here.
DELETED = {"segments", "gaps", "utterances", "alerts", "alert_reviews", "outbox", "timeline_events", "measures"}
DELETED |= {"holes", "dead_letters", "vectors", "readings", "search_matches", "trades"}
BLANKED = {"streams", "epochs", "jobs"}
KEPT = {"retention_classes", "holds", "deletions", "deleted_segments", "index_removals"}
ELSEWHERE = {"cases", "exhibits", "saved_searches", "webhooks", "webhook_queues", "watches"}
ELSEWHERE |= {"accounts", "sessions", "invitations", "api_keys", "oidc_identities"}
# Answers are forgotten after a day; of a backfill the address is kept, nothing of what was said.
ELSEWHERE |= {"idempotent_answers", "outbox_pruned", "backfills"}


def test_every_table_has_its_place_in_retention() -> None:
    assert {table.name for table in metadata.sorted_tables} == DELETED | BLANKED | KEPT | ELSEWHERE


def test_what_an_open_case_shows_is_held_until_it_is_closed(archive: Archive) -> None:
    with archive.db.write() as connection:
        cases.add_case(connection, Case("案9", "争议", "花店", CaseState.OPEN, "", "a", NOW))
        shown = Exhibit("e1", "案9", 1, ExhibitKind.PACKAGE, "片段", "", "a", NOW, "旧", 0, 2_000, "p.zip")
        cases.add_exhibit(connection, shown)
    assert [h.id for h in standing_holds(archive.db, archive.data)] == ["exhibit:e1"]
    with pytest.raises(NotFoundError):
        lift_holds(archive.db, archive.data, "案9", "x", ACTOR)
    (line,) = run(archive)
    assert line["segments"] == [[3, 4]]
    with archive.db.write() as connection:
        connection.exec_driver_sql("UPDATE cases SET state = 'closed'")
    assert standing_holds(archive.db, archive.data) == []
    (rest,) = run(archive)
    assert rest["segments"] == [[1, 2]]


def test_what_was_received_goes_with_the_whole_stream_and_stays_with_a_held_part(archive: Archive) -> None:
    folder = log_path(archive.data, "旧").parent
    (folder / "received").mkdir()
    (folder / "received" / "abc.json").write_text("魑魅的聊天")
    log = SegmentLog(log_path(archive.data, "旧"))
    log.append(received_leaf({"file": "received/abc.json", "name": "chat.json", "what": "chat"}, NOW))
    log.close()
    hold, _ = place_hold(archive.db, archive.data, HoldOrder("案", "旧", "诉讼", 0, 2_000), ACTOR)
    (line,) = run(archive)
    assert line["received"] == []
    lift_holds(archive.db, archive.data, hold.id, "结案", ACTOR)
    (rest,) = run(archive)
    assert rest["received"] == ["received/abc.json"]
    assert not (folder / "received" / "abc.json").exists()
    assert "received/abc.json" in deleted_files(read_log(log_path(archive.data, "旧")).leaves)


def test_a_disk_without_room_deletes_nothing_more(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: (1, 1, 0))
    assert [e.stream for e in archive.plan().streams] == ["旧"], "the plan never looks at the disk"
    assert replace(archive.context.policy, years=4) != archive.context.policy


def test_packages_made_before_still_hold_and_what_is_held_can_be_exported_after(tmp_path: Path) -> None:
    recording = make_recording(tmp_path / "data")
    before = recording.export(tmp_path / "before.zip").path
    archive = Archive(recording.data, recording.db)
    with recording.db.write() as connection:
        put_class(connection, STREAM, RetentionClass.LIVE)
        streams.end_stream(connection, STREAM, ENDED)
    hold, _ = place_hold(recording.db, recording.data, HoldOrder("案", STREAM, "诉讼", 8_500, 14_500), ACTOR)
    (line,) = run(archive)
    assert not line["whole"]
    assert verify_package(before, recording.anchors()).failures == ()
    after = recording.export(tmp_path / "after.zip").path
    assert verify_package(after, recording.anchors()).failures == ()
    with pytest.raises(NotFoundError):
        recording.export(tmp_path / "gone.zip", 0, 2_000)
    lift_holds(recording.db, recording.data, hold.id, "结案", ACTOR)
    run(archive)
    assert archive.segments(STREAM) == []
    assert verify_package(before, recording.anchors()).failures == ()
    assert verify_package(after, recording.anchors()).failures == ()
    recording.db.close()
