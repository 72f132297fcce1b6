"""Retention, holds and the audit chain as an operator runs them; the dry run prints what the real one does."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.clock import iso, utc_now
from core.errors import ConflictError, LiveWitnessError, NotFoundError, UsageError
from core.settings import Settings
from evidence.audit import read_audit
from evidence.audit_seal import check_audit
from livewitness.checks import disk, retention
from livewitness.checks.disk import full_by
from livewitness.cli import cli
from store import streams
from tests.evidence.retained import Archive, add_stream, open_archive

pytestmark = pytest.mark.slow


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LIVEWITNESS_RETENTION_CLASS", raising=False)
    made = open_archive(tmp_path / "data")
    add_stream(made, "旧", ["魑魅魍魉"], None)
    yield made
    made.db.close()


def run(archive: Archive, *arguments: str) -> Result:
    result = CliRunner().invoke(cli, [*arguments, "--data", str(archive.data)])
    if isinstance(result.exception, LiveWitnessError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def lines(result: Result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_from_a_class_to_the_deletion(archive: Archive) -> None:
    assert lines(run(archive, "retention", "status", "--json"))[0]["state"] == "no_class"
    run(archive, "retention", "class", "旧", "live")
    *planned, plan = lines(run(archive, "retention", "plan", "--json"))
    assert (planned[0]["stream"], plan["event"], plan["streams"]) == ("旧", "plan", 1)
    with pytest.raises(ConflictError, match="plan_changed"):
        run(archive, "retention", "run", "--plan", "0" * 64)
    (done,) = lines(run(archive, "retention", "run", "--plan", plan["plan"], "--vacuum", "--json"))
    assert done.pop("deletion")
    assert done == planned[0]
    assert lines(run(archive, "retention", "plan", "--json")) == [
        {"event": "plan", "plan": archive.plan().hash, "streams": 0}
    ]
    checked = lines(run(archive, "archive", "verify", "--json"))[0]
    assert (checked["holds"], checked["deleted"]) == (True, 1)
    kinds = [json.loads(line)["kind"] for line in read_audit(archive.data)]
    assert kinds == ["retention.class", "retention.delete", "retention.run", "archive.verify"]
    assert lines(run(archive, "audit", "verify", "--json"))[0] == {"holds": True, "entries": 4, "failures": []}


def test_a_hold_is_placed_listed_and_lifted(archive: Archive) -> None:
    run(archive, "retention", "class", "旧", "live")
    (hold,) = lines(run(archive, "hold", "place", "案1", "旧", "--from", "0:01", "--reason", "诉讼", "--json"))
    assert (hold["case"], hold["start_ms"], hold["end_ms"]) == ("案1", 1_000, None)
    assert [h["hold"] for h in lines(run(archive, "hold", "list", "--json"))] == [hold["hold"]]
    assert lines(run(archive, "retention", "plan", "--json"))[-1]["streams"] == 0
    run(archive, "hold", "lift", "案1", "--reason", "结案")
    assert lines(run(archive, "hold", "list", "--json")) == []
    assert lines(run(archive, "hold", "list", "--all", "--json"))[0]["lift_reason"] == "结案"
    with pytest.raises(NotFoundError):
        run(archive, "hold", "lift", "案1", "--reason", "再来")
    with pytest.raises(UsageError):
        run(archive, "hold", "place", "案1", "旧", "--from", "9", "--to", "3", "--reason", "x")
    with pytest.raises(NotFoundError):
        run(archive, "hold", "place", "案1", "没有这一场", "--reason", "x")
    assert check_audit(archive.data)[1] == []


def test_trades_and_the_end_of_a_live_are_noted(archive: Archive) -> None:
    run(archive, "retention", "class", "旧", "trade")
    run(archive, "retention", "trade", "旧", "单1")
    assert lines(run(archive, "retention", "status", "--json"))[0]["state"] == "open_trade"
    run(archive, "retention", "trade", "旧", "单1", "--completed", "2026-01-02T10:00+08:00")
    assert lines(run(archive, "retention", "status", "--json"))[0] == {
        "stream": "旧",
        "class": "trade",
        "state": "young",
        "due": "2029-01-02T16:00:00.000Z",
    }
    with pytest.raises(UsageError, match="future"):
        run(archive, "retention", "trade", "旧", "单2", "--completed", iso(utc_now() + timedelta(days=2)))
    with pytest.raises(ConflictError, match="stream_ended"):
        run(archive, "retention", "ended", "旧", "--reason", "x")
    with archive.db.write() as connection:
        record = streams.get_stream(connection, "旧")
        assert record is not None
        streams.open_stream(connection, record)
    with pytest.raises(UsageError, match="end_too_early"):
        run(archive, "retention", "ended", "旧", "2020-01-01", "--reason", "x")
    run(archive, "retention", "ended", "旧", "--reason", "平台回执")
    assert lines(run(archive, "retention", "status", "--json"))[0]["state"] == "young"


def test_a_default_class_covers_streams_that_have_none(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEWITNESS_RETENTION_CLASS", "live")
    assert lines(run(archive, "retention", "plan", "--json"))[-1]["streams"] == 1
    run(archive, "retention", "class", "旧", "keep")
    assert lines(run(archive, "retention", "plan", "--json"))[-1]["streams"] == 0


def test_the_health_check_tells_how_retention_stands(archive: Archive) -> None:
    settings = Settings(data=archive.data)
    assert "1 are kept for good" in retention.check(settings).detail.en
    run(archive, "retention", "class", "旧", "live")
    assert retention.check(settings).detail.en.startswith("1 streams are past their time")
    with archive.db.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO deletions VALUES ('d', '旧', '2026-01-01T00:00:00.000Z', 'x', 'p', '{}', NULL)"
        )
    unfinished = retention.check(settings)
    assert not unfinished.ok
    assert "1 deletions are unfinished" in unfinished.detail.en


def test_the_disk_is_full_by_a_date(archive: Archive) -> None:
    now = utc_now()
    assert full_by(now, 14e9, 7_000_000_000) == now + timedelta(days=14)
    assert full_by(now, 1e9, 0) is None
    assert full_by(now, 1e15, 1) is None
    assert full_by(now, -5, 10) == now
    checked = disk.check(Settings(data=archive.data, min_free_bytes=0))
    assert checked.ok
    assert "nothing was recorded in seven days" in checked.detail.en


def test_entries_of_the_chain_are_cut_only_when_asked(archive: Archive) -> None:
    run(archive, "retention", "class", "旧", "live")
    run(archive, "retention", "class", "旧", "keep")
    assert "0" in run(archive, "audit", "cut", "--years", "3").output
    run(archive, "audit", "cut", "--years", "3", "--run")
    assert len(read_audit(archive.data)) == 2
    assert run(archive, "audit", "seal").output
    assert check_audit(archive.data) == (2, [])
