"""New rules carried over to stored alerts: raised, withdrawn, judged anew; a second time changes nothing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from claims.compare import Change
from core.records import AlertStatus, Finding, ModelIdentity, Severity, Stream, Utterance
from pipeline.rerun import RULES_CHANGED, apply_change
from pipeline.scribe import alert_of
from store import alerts, outbox, streams, utterances
from store.engine import Database, open_database
from tests.alerting import BEGUN, an_alert

FINDING: Finding = an_alert().finding


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "livewitness.db")
    yield database
    database.close()


@pytest.fixture
def said(db: Database) -> Utterance:
    text = "这款面霜三天祛斑"
    spoken = Utterance("s", 0, 7000, 9000, text, (), ModelIdentity("m", "ab" * 32), BEGUN)
    with db.write() as connection:
        streams.open_stream(connection, Stream(name="s", source="x"))
        key = utterances.add_utterance(connection, spoken)
        assert key
        return utterances.get_utterances(connection, [key])[key]


def apply(db: Database, said: Utterance, change: Change) -> bool:
    with db.write() as connection:
        return apply_change(connection, said, change, "面霜")


def standing(db: Database) -> list[tuple[AlertStatus, str, str]]:
    with db.read() as connection:
        return [(a.status, a.finding.rule_id, a.reason) for a in alerts.list_alerts(connection)]


def told(db: Database) -> list[str]:
    with db.read() as connection:
        return [json.loads(event.payload)["status"] for event in outbox.after(connection, 0, 100)]


def test_what_is_newly_found_is_raised_once(db: Database, said: Utterance) -> None:
    change = Change("new", None, FINDING)
    assert [apply(db, said, change), apply(db, said, change)] == [True, False]
    assert standing(db) == [(AlertStatus.CONFIRMED, "COS-1", "")]
    assert told(db) == ["confirmed"]


def test_what_is_no_longer_found_is_withdrawn_with_the_reason(db: Database, said: Utterance) -> None:
    with db.write() as connection:
        alerts.add_alert(connection, alert_of(said, FINDING, "面霜", None))
    change = Change("gone", FINDING, None)
    assert [apply(db, said, change), apply(db, said, change)] == [True, False]
    assert standing(db) == [(AlertStatus.WITHDRAWN, "COS-1", RULES_CHANGED)]
    assert told(db) == ["withdrawn"]


def test_what_is_judged_otherwise_keeps_its_alert(db: Database, said: Utterance) -> None:
    with db.write() as connection:
        alerts.add_alert(connection, alert_of(said, FINDING, "面霜", None))
    change = Change("changed", FINDING, replace(FINDING, severity=Severity.LOW))
    assert [apply(db, said, change), apply(db, said, change)] == [True, False]
    with db.read() as connection:
        (alert,) = alerts.list_alerts(connection)
    assert alert.finding.severity is Severity.LOW


def test_what_lies_across_two_utterances_is_left_to_a_person(db: Database, said: Utterance) -> None:
    assert not apply(db, said, Change("new", None, replace(FINDING, start=-3)))
    assert standing(db) == []
