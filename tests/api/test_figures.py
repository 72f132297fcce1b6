"""Figures for operators: by day in Beijing, the most dismissed rule first; jobs; retention at one look."""

from datetime import UTC, datetime, timedelta

from core.clock import utc_now
from core.metrics import Metrics
from core.records import Alert, ReviewAction
from evidence.audit import local_actor
from evidence.holds import HoldOrder, place_hold
from store import alerts, jobs, operations, retention, reviews
from store.deletions import Deletion, Doomed, decide, finish
from store.jobs import Job, JobState
from tests.alerting import an_alert
from tests.api.light import light_service


def at(alert_id: str, moment: datetime, latency_ms: int) -> Alert:
    made = an_alert(alert_id)
    return Alert(
        alert_id, made.status, "s", 0, 7800, 8600, moment, made.text, made.finding, latency_ms
    )  # fmt: skip


def test_rules_are_counted_by_day_in_beijing(tmp_path) -> None:
    now = utc_now()
    with light_service(
        tmp_path, metrics=Metrics(), rules=lambda: [{"rule_id": "COS-1", "title": "特殊功效", "severity": "high"}]
    ) as (client, db):
        with db.write() as connection:
            for number in range(4):
                alerts.add_alert(connection, at(f"a{number}", now - timedelta(days=number // 2), 400 + 100 * number))
            reviews.add_review(connection, reviews.ReviewOrder("a0", ReviewAction.DISMISS, "小梅", 0, "听错了"))
            alerts.add_alert(connection, at("old", now - timedelta(days=60), 9000))
        shown = client.get("/api/v1/operations", params={"days": 7}).json()
    assert len(shown["days"]) == 7
    assert shown["days"][-1] == (now + timedelta(hours=8)).strftime("%Y-%m-%d")
    [rule] = shown["rules"]
    assert (rule["rule_id"], rule["title"]) == ("COS-1", "特殊功效")
    assert (rule["alerts"][-2:], rule["dismissed"][-2:]) == ([2, 2], [0, 1])
    assert shown["latency"]["alerts"] == 5
    assert shown["queue"] == {"windows": 0, "untranscribed": 0.0, "unembedded": 0, "webhooks": 0}
    assert shown["disk"]["free"] > 0
    assert shown["disk"]["full_by"] is None


def test_a_day_begins_at_midnight_in_beijing(tmp_path) -> None:
    with light_service(tmp_path) as (_, db):
        with db.write() as connection:
            alerts.add_alert(connection, at("late", datetime(2026, 11, 11, 15, 59, tzinfo=UTC), 1))
            alerts.add_alert(connection, at("early", datetime(2026, 11, 11, 16, 1, tzinfo=UTC), 1))
        with db.read() as connection:
            counted = operations.rule_days(connection, datetime(2026, 11, 1, tzinfo=UTC))
    assert [(one["day"], one["alerts"]) for one in counted] == [("2026-11-11", 1), ("2026-11-12", 1)]


def test_backfill_tells_how_far_it_is(tmp_path) -> None:
    with light_service(tmp_path) as (client, db):
        with db.write() as connection:
            jobs.put_job(connection, Job("a" * 64, "/archive/晚场.mp4", "晚场", JobState.FAILED, "读不了"))
        [job] = client.get("/api/v1/operations").json()["jobs"]
    told = (job["stream"], job["path"], job["state"], job["error"], job["recorded"])
    assert told == ("晚场", "晚场.mp4", "failed", "读不了", 0)


def test_retention_says_what_is_due_held_and_was_deleted(tmp_path) -> None:
    with light_service(tmp_path) as (client, db):
        order = HoldOrder("争议-1", "s", "消费者投诉")
        place_hold(db, tmp_path, order, local_actor())
        record = {"class": "live", "due": "2026-01-01T00:00:00.000Z", "whole": True, "bytes": 7, "segments": []}
        deletion = Deletion("d1", "t", utc_now(), "运维", "p1", record | {"utterances": 3, "alerts": 1, "clips": 0})
        with db.write() as connection:
            retention.put_class(connection, "t", retention.RetentionClass.LIVE)
            decide(connection, deletion, (), Doomed(), whole=True)
            finish(connection, "d1", utc_now())
        shown = client.get("/api/v1/retention/report").json()
    assert {row["stream"]: (row["state"], row["held"]) for row in shown["streams"]} == {
        "s": ("no_class", True),
        "t": ("not_ended", False),
    }
    assert [(hold["case"], hold["reason"]) for hold in shown["holds"]] == [("争议-1", "消费者投诉")]
    [run] = shown["runs"]
    assert (run["plan"], run["finished"], run["bytes"], run["streams"][0]["stream"]) == ("p1", True, 7, "t")
    assert (shown["years"], shown["last_run"]) == (3, None)
