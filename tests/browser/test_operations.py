"""What operators see and do: figures, rules over time, packs tried and put in force, what is kept how long."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.clock import utc_now
from core.records import (
    Alert,
    AlertStatus,
    Category,
    Finding,
    LegalBasis,
    ModelIdentity,
    ReviewAction,
    Severity,
    Stream,
    Utterance,
    Verdict,
)
from evidence.audit import local_actor
from evidence.holds import HoldOrder, place_hold
from store import alerts, jobs, reviews, streams, utterances
from store.engine import Database
from store.jobs import Job, JobState
from tests.browser.conftest import Console, Desk, Desks
from tests.browser.steps import post

pytestmark = pytest.mark.slow
RULES = (
    ("COS-001", "普通化妆品宣称特殊功效", 7, 3),
    ("ABS-001", "最高级别用语", 4, 5),
    ("PRI-003", "悬殊的原价对比", 2, 9),
)
PAST = "往日晚场"
PACK = """pack:
  {{id: 店规, version: "{version}", title: 花店禁语, jurisdiction: CN, kind: merchant, effective_from: 2026-02-01}}
rules:
- id: SHOP-001
  title: 店内暗号
  category: absolute_term
  severity: low
  say: [{words}]
  legal_basis: [{{law: 店规, article: 一}}]
  penalty_ref: 店规
  advice: 不说
  advice_en: Do not say it.
  must_hit: [暗号胡萝卜]
  must_miss: [普通电风扇]
"""


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
    db = console.database()
    with db.write() as connection:
        streams.open_stream(connection, Stream(name=PAST, source="x", shop="花店"))
        for number, text in enumerate(("今天的暗号胡萝卜", "这个杯子容量三百毫升")):
            begun = utc_now() - timedelta(days=2)
            said = Utterance(PAST, 0, number * 5000, number * 5000 + 3000, text, (), ModelIdentity("test", ""), begun)
            utterances.add_utterance(connection, said)
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


def pack(folder: Path, version: str, words: str) -> Path:
    """A rule pack as an operator has it on disk."""
    file = folder / f"{version}.yaml"
    file.write_text(PACK.format(version=version, words=words), "utf-8")
    return file


def test_a_pack_is_uploaded_and_tried_by_its_own_sentences(lasting: Desks, past: Database, tmp_path: Path) -> None:
    desk = lasting.of("operator")
    page = desk.open("/operations")
    page.on("dialog", lambda dialog: dialog.accept())
    packs = page.locator("#packs tr")
    # One whose own sentences come out wrong says which, and cannot be put in force.
    page.set_input_files("#packfile", pack(tmp_path, "0", "马上付款"))
    page.click("#packing button")
    wrong = packs.filter(has_text="花店禁语")
    wrong.locator("summary").click()
    expect(wrong).to_contain_text("应命中而未命中")
    expect(wrong).to_contain_text("暗号胡萝卜")
    wrong.locator("button", has_text="启用").click()
    expect(page.locator("#status")).to_contain_text("不能启用")
    wrong.locator("button", has_text="删除").click()
    expect(wrong).to_have_count(0)
    page.set_input_files("#packfile", pack(tmp_path, "1", "暗号胡萝卜"))
    page.click("#packing button")
    draft = packs.filter(has_text="花店禁语")
    expect(draft).to_contain_text("2 句例句全部相符")
    draft.locator("button", has_text="试运行").click()
    expect(page.locator("#trybutton")).to_be_focused()
    page.select_option("#trystream", PAST)
    page.click("#trybutton")
    expect(page.locator("#tries tr")).to_contain_text("1")
    assert all("409" in complaint for complaint in desk.complaints), desk.complaints
    desk.complaints.clear()


def test_a_recording_of_the_archive_is_asked_for(lasting: Desks, past: Database, console: Console) -> None:
    folder = console.archive / "2026-11"
    folder.mkdir(parents=True)
    (folder / "晚场.mp4").write_bytes(b"no video")
    desk = lasting.made[0]
    page = desk.page
    page.fill("#fillsource", "../secret.mp4")
    page.press("#fillsource", "Enter")
    expect(page.locator("#status")).to_contain_text("归档里没有这个文件或文件夹")
    page.fill("#fillsource", "2026-11/")
    expect(page.locator("#archive option")).to_have_attribute("value", "2026-11/晚场.mp4")
    page.fill("#fillsource", "2026-11/晚场.mp4")
    page.press("#fillsource", "Enter")
    expect(page.locator("#filljobs tr")).to_contain_text("2026-11/晚场.mp4")
    expect(page.locator("#filljobs tr")).to_contain_text(re.compile(r"operator \d{4}-\d\d-\d\d \d\d:\d\d"))
    assert all("404" in complaint for complaint in desk.complaints), desk.complaints
    desk.complaints.clear()


def test_rules_disk_queue_and_backfill_at_one_look(desk_of: Callable[[str], Desk], past: Database) -> None:
    desk = desk_of("admin")
    page = desk.open("/operations")
    expect(page.locator("#checks tr").first).to_be_visible(timeout=30_000)
    first = page.locator("#rules tr").first
    expect(first).to_contain_text("COS-001")
    expect(first.locator("svg .bar-gone").first).to_be_attached()
    expect(page.locator("#jobs")).to_contain_text("文件不完整")
    expect(page.locator("#jobs tr", has_text="补录-").locator("progress")).to_have_count(2)
    expect(page.locator("#tiledisk strong")).not_to_be_empty()
    expect(page.locator("#tilelatency strong")).to_contain_text("s")
    expect(page.locator("#packs tr", has_text="cn-law")).to_contain_text("在用")
    expect(page.locator("#checks tr", has_text="whisper")).to_contain_text("✓")
    assert "undefined" not in page.inner_text("main")
    assert "NaN" not in page.inner_text("main")
    desk.picture("console-operations", whole=True)


def test_a_hold_is_placed_and_lifted_each_with_a_reason(desk_of: Callable[[str], Desk], past: Database) -> None:
    desk = desk_of("adjudicator")
    page = desk.page
    post(page, "/api/v1/cases", {"number": "争议-10", "title": "鲜花与图片不符", "shop": "花店"})
    desk.open("/cases/争议-10")
    page.select_option("#holdstream", PAST)
    page.fill("#holdfrom", "1:30")
    page.fill("#holdto", "0:10")
    page.fill("#holdwhy", "消费者已起诉")
    page.click("#holding button")
    expect(page.locator("#status")).to_contain_text("结束须晚于开始")
    page.fill("#holdto", "0:02:00")
    page.click("#holding button")
    held = page.locator("#holds tr", has_text="消费者已起诉")
    expect(held).to_contain_text("0:01:30.0 – 0:02:00.0")
    expect(held).to_contain_text("adjudicator")
    held.locator("button", has_text="解除").click()
    expect(held.locator("input")).to_be_focused()
    page.keyboard.press("Enter")
    expect(held).to_have_count(1)
    page.keyboard.type("双方和解")
    page.keyboard.press("Enter")
    expect(page.locator("#holds tr", has_text="消费者已起诉")).to_have_count(0)
    desk.open("/cases/争议-10")
    expect(page.locator("#history")).to_contain_text("解除保全")
    assert all("400" in complaint for complaint in desk.complaints), desk.complaints
    desk.complaints.clear()


def test_what_is_due_and_what_is_held(desk_of: Callable[[str], Desk], past: Database) -> None:
    desk = desk_of("admin")
    page = desk.open("/operations")
    page.click(".subnav a[href='/retention']")
    expect(page.locator("#holds tr", has_text="争议-9")).to_contain_text("等候裁决")
    expect(page.locator("#streams tr", has_text=PAST)).to_contain_text("永久")
    expect(page.locator("#lastrun")).to_contain_text("从未执行")
    desk.picture("console-retention")
    page.fill("#holdcase", "争议-11")
    page.select_option("#holdstream", PAST)
    page.fill("#holdwhy", "等候复议")
    page.click("#holding button")
    placed = page.locator("#holds tr", has_text="争议-11")
    expect(placed).to_contain_text("整场")
    # Operators see holds; placing and lifting them is for adjudicators.
    page = desk_of("operator").open("/retention")
    expect(page.locator("#holds tr", has_text="争议-11")).to_be_visible()
    expect(page.locator("#holds button")).to_have_count(0)
    expect(page.locator("#holding")).to_be_hidden()


def test_a_draft_that_was_tried_on_what_was_said_is_put_in_force(lasting: Desks, past: Database) -> None:
    desk = lasting.made[0]
    page = desk.page
    draft = page.locator("#packs tr", has_text="花店禁语")
    tries = page.locator("#tries tr")
    expect(tries).to_contain_text("完成", timeout=120_000)
    expect(page.locator("#triedhead")).to_contain_text("读了 2 句，新增 1，消失 0，改变 0")
    changed = page.locator("#changes tr")
    expect(changed).to_have_count(1)
    expect(changed.locator("mark")).to_have_text("暗号胡萝卜")
    expect(changed).to_contain_text("SHOP-001 店内暗号")
    expect(changed.locator("a")).to_have_attribute("href", re.compile("^/replay/.*at=0"))
    desk.picture("console-dry-run")
    draft.locator("button", has_text="启用").click()
    expect(draft.locator(".state-acknowledged")).to_have_text("在用", use_inner_text=True)
    draft.locator("button", has_text="停用").click()
    expect(draft.locator("button", has_text="启用")).to_be_visible()


def test_a_backfill_tells_how_far_it_is_and_what_is_wrong(lasting: Desks, past: Database) -> None:
    job = lasting.made[0].page.locator("#filljobs tr")
    expect(job.locator("progress")).to_be_visible()
    expect(job.locator(".job-failed")).to_be_visible(timeout=120_000)
    expect(job.locator("div.failed")).to_contain_text("晚场.mp4：")
