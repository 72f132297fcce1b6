"""The daily job: announced one day, deleted the next, and only what stayed as it was announced."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evidence.audit import read_audit
from evidence.holds import HoldOrder, place_hold
from evidence.retention_job import ANNOUNCED, NOTICE, STATE, Daily, daily, next_run, read_state, run_job
from ingest.layout import stream_path
from ingest.lock import StreamLock
from tests.evidence.retained import ACTOR, NOW, Archive, add_stream, open_archive

WORDS = ["三天祛斑", "包邮到家"]
LATER = NOW + timedelta(days=1)


@pytest.fixture
def archive(tmp_path: Path):
    made = open_archive(tmp_path / "data")
    add_stream(made, "旧", WORDS)
    add_stream(made, "留", WORDS, None)
    yield made
    made.db.close()


def actions(archive: Archive) -> list[str]:
    return [json.loads(line)["kind"] for line in read_audit(archive.data)]


def held(archive: Archive) -> int:
    return len(archive.segments("旧"))


def test_what_is_due_is_announced_and_goes_a_day_later(archive: Archive) -> None:
    first = run_job(archive.context, NOW, delete=True)
    assert (list(first.announced), first.deleted, held(archive)) == (["旧"], 0, 2)
    assert actions(archive) == [ANNOUNCED]
    soon = run_job(archive.context, NOW + NOTICE - timedelta(minutes=1), delete=True)
    assert (soon.deleted, actions(archive)) == (0, [ANNOUNCED])
    second = run_job(archive.context, LATER, delete=True)
    assert (second.announced, second.deleted, held(archive)) == ({}, 1, 0)
    assert actions(archive) == [ANNOUNCED, "retention.delete"]
    assert len(archive.segments("留")) == 2
    assert run_job(archive.context, LATER + NOTICE, delete=True).deleted == 0


def test_announcing_alone_deletes_nothing_however_long_it_goes_on(archive: Archive) -> None:
    for day in range(4):
        run_job(archive.context, NOW + timedelta(days=day), delete=False)
    assert (held(archive), actions(archive)) == (2, [ANNOUNCED])


def test_a_hold_placed_in_between_keeps_it(archive: Archive) -> None:
    run_job(archive.context, NOW, delete=True)
    place_hold(archive.db, archive.data, HoldOrder("案 9", "旧", reason="投诉"), ACTOR)
    assert run_job(archive.context, LATER, delete=True).deleted == 0
    assert held(archive) == 2


def test_what_has_changed_is_announced_anew(archive: Archive) -> None:
    run_job(archive.context, NOW, delete=True)
    clip = {"stream": "旧", "segments": [1], "sha256": "0"}
    (archive.data / "clips" / f"{'f' * 32}.json").write_text(json.dumps(clip))
    assert run_job(archive.context, LATER, delete=True).deleted == 0
    assert actions(archive) == [ANNOUNCED, ANNOUNCED]


def test_a_clock_that_was_ahead_and_is_back_begins_anew(archive: Archive) -> None:
    run_job(archive.context, NOW + timedelta(days=400), delete=True)
    assert run_job(archive.context, NOW, delete=True).deleted == 0
    assert run_job(archive.context, NOW + timedelta(hours=2), delete=True).deleted == 0
    assert held(archive) == 2


def test_a_stream_that_is_in_use_is_told_and_keeps_no_other(archive: Archive) -> None:
    add_stream(archive, "另", WORDS)
    run_job(archive.context, NOW, delete=True)
    with StreamLock(stream_path(archive.data, "旧")):
        state = run_job(archive.context, LATER, delete=True)
    assert (state.deleted, list(state.announced), len(state.failures)) == (1, ["旧"], 1)
    assert read_state(archive.data) == state
    assert run_job(archive.context, LATER + timedelta(days=1), delete=True).deleted == 1


def test_a_state_that_cannot_be_read_only_delays(archive: Archive) -> None:
    run_job(archive.context, NOW, delete=True)
    (archive.data / STATE).write_text('{"announced": 3}')
    assert run_job(archive.context, LATER, delete=True).deleted == 0


def test_it_waits_for_its_hour_in_beijing_and_ends_at_once(archive: Archive) -> None:
    assert next_run(datetime(2026, 5, 1, 19, 59, tzinfo=UTC), 4) == datetime(2026, 5, 1, 20, 0, tzinfo=UTC)
    assert next_run(datetime(2026, 5, 1, 20, 0, tzinfo=UTC), 4) == datetime(2026, 5, 2, 20, 0, tzinfo=UTC)
    with daily(archive.context, 4, Daily(delete=True)):
        pass
    assert not (archive.data / STATE).exists()
