"""What operators see: figures, rules over time, what is kept how long."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from core.clock import utc_now
from core.records import Alert, AlertStatus, Category, Finding, LegalBasis, ReviewAction, Severity, Stream, Verdict
from evidence.audit import local_actor
from evidence.holds import HoldOrder, place_hold
from store import alerts, jobs, reviews, streams
from store.engine import Database, open_database
from store.jobs import Job, JobState
from tests.browser.conftest import Console, Desk

pytestmark = pytest.mark.slow
RULES = (("COS-001", "普通化妆品宣称特殊功效", 7, 3), ("ABS-001", "绝对化用语", 4, 5), ("PRC-002", "虚构原价", 2, 9))
PAST = "往日晚场"


def past_alert(rule: str, title: str, day: int, number: int) -> Alert:
    finding = Finding(
        rule, Category.COSMETIC_SPECIAL, Severity.MEDIUM, Verdict.VIOLATION, 0, 4, "三天祛斑", "三天祛斑", "exact", 1.0,
        title, (LegalBasis("化妆品监督管理条例", "第十六条"),), "", "", "cn-law", "1", "0" * 64,
    )  # fmt: skip
    when = utc_now() - timedelta(days=day, minutes=5)
    return Alert(f"{rule}-{day}-{number}", AlertStatus.CONFIRMED, PAST, 0, 0, 900, when, "三天祛斑", finding, 800)


@pytest.fixture(scope="module")
def past(console: Console) -> Iterator[Database]:
    """Four weeks of alerts, of which every so many was dismissed; two backfill jobs; a hold."""
    db = open_database(console.cli.data / "livewitness.db")
    with db.write() as connection:
        streams.open_stream(connection, Stream(name=PAST, source="x", shop="花店"))
        streams.end_stream(connection, PAST, utc_now() - timedelta(days=1))
        for rule, title, most, every in RULES:
            for day in range(1, 28):
                for number in range((day * most) % (most + 3)):
                    alert = past_alert(rule, title, day, number)
                    alerts.add_alert(connection, alert)
                    if (day + number) % every == 0:
                        order = reviews.ReviewOrder(alert.id, ReviewAction.DISMISS, "小梅", 0, "合法表述")
                        reviews.add_review(connection, order, alert.wall_time)
        jobs.put_job(connection, Job("a" * 64, "/archive/2026-11-10 晚场.mp4", "补录-晚场", JobState.RUNNING))
        jobs.put_job(connection, Job("b" * 64, "/archive/损坏.mp4", "补录-损坏", JobState.FAILED, "文件不完整"))
    place_hold(db, console.cli.data, HoldOrder("争议-9", PAST, "消费者投诉，等候裁决"), local_actor())
    yield db
    db.close()


def test_rules_disk_queue_and_backfill_at_one_look(desk_of: Callable[[str], Desk], past: Database) -> None:
    desk = desk_of("admin")
    page = desk.open("/operations")
    expect(page.locator("#checks tr").first).to_be_visible(timeout=30_000)
    first = page.locator("#rules tr").first
    expect(first).to_contain_text("COS-001")
    expect(first.locator("svg .bar-gone").first).to_be_attached()
    expect(page.locator("#jobs")).to_contain_text("文件不完整")
    expect(page.locator("#jobs progress")).to_have_count(2)
    expect(page.locator("#tiledisk strong")).not_to_be_empty()
    expect(page.locator("#tilelatency strong")).to_contain_text("s")
    expect(page.locator("#packs tr", has_text="cn-law")).to_contain_text("在用")
    desk.picture("console-operations", whole=True)


def test_what_is_due_and_what_is_held(desk_of: Callable[[str], Desk], past: Database) -> None:
    desk = desk_of("admin")
    page = desk.open("/operations")
    page.click(".subnav a[href='/retention']")
    expect(page.locator("#holds tr", has_text="争议-9")).to_contain_text("等候裁决")
    expect(page.locator("#streams tr", has_text=PAST)).to_contain_text("永久")
    expect(page.locator("#lastrun")).to_contain_text("从未执行")
    desk.picture("console-retention")
