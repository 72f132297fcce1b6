"""The service goes away and comes back while people watch; a session ends while somebody works."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete

from claims.checker import load_checker
from core.records import Stream
from pipeline.import_transcript import import_transcript
from pipeline.transcripts import read_transcript
from store.tables import sessions
from tests.browser.conftest import PASSWORD, Console, Desk

pytestmark = pytest.mark.slow


def test_a_restart_of_the_service_loses_no_alert(console: Console, desk_of: Callable[[str], Desk]) -> None:
    desk = desk_of("moderator")
    page = desk.page
    page.select_option("#which", "all")
    expect(page.locator("#link")).to_contain_text("实时")
    script = console.cli.data.parent / "later.jsonl"
    script.write_text('{"start": 1, "end": 4, "text": "这瓶精华三天祛斑不反弹"}\n', "utf-8")
    checker = load_checker(meaning=False)
    console.stop()
    expect(page.locator("#link")).to_contain_text("连接中断")
    db = console.database()
    try:
        record = Stream("停机时", source="transcript:later.jsonl")
        missed = import_transcript(db, checker, record, read_transcript(script, ""))
    finally:
        # The tests after this one find the service as they left it.
        db.close()
        console.start()
    assert missed.alerts
    expect(page.locator("#link")).to_contain_text("实时", timeout=60_000)
    told = page.locator("#alerts li.alert", has_text="停机时")
    expect(told).to_have_count(len(missed.alerts))
    assert {item.get_attribute("id") for item in told.all()} == {f"alert-{alert.id}" for alert in missed.alerts}
    # While the service was down the browser wrote of refused connections.
    assert all("ERR_" in c or "Failed to fetch" in c for c in desk.complaints), desk.complaints
    desk.complaints.clear()


def test_a_session_that_ended_leads_to_signing_in_and_back_to_where_one_was(
    console: Console, desk_of: Callable[[str], Desk]
) -> None:
    desk = desk_of("auditor")
    page = desk.open("/search?q=三天祛斑&alerted=true")
    expect(page.locator("#status")).to_contain_text("检索了")
    console.people.pop("auditor")
    db = console.database()
    with db.write() as connection:
        connection.execute(delete(sessions).where(sessions.c.account == "auditor"))
    db.close()
    page.press("#words", "Enter")
    page.wait_for_url("**/sign-in?next=*")
    page.fill("#name", "auditor")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/search?*")
    expect(page.locator("#words")).to_have_value("三天祛斑")
    expect(page.locator("#alerted")).to_have_value("true")
    assert all("401" in complaint for complaint in desk.complaints), desk.complaints
    desk.complaints.clear()
