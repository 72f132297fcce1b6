"""The service goes away and comes back while people watch."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Console, Desk

pytestmark = pytest.mark.slow


def test_a_restart_of_the_service_loses_no_alert(console: Console, desk_of: Callable[[str], Desk]) -> None:
    desk = desk_of("moderator")
    page = desk.page
    page.select_option("#which", "all")
    expect(page.locator("#link")).to_contain_text("实时", timeout=20_000)
    console.stop()
    expect(page.locator("#link")).to_contain_text("连接中断", timeout=20_000)
    script = console.cli.data.parent / "later.jsonl"
    script.write_text('{"start": 1, "end": 4, "text": "这瓶精华三天祛斑不反弹"}\n', "utf-8")
    console.cli.run("import-transcript", script, "--stream", "停机时")
    console.start()
    expect(page.locator("#link")).to_contain_text("实时", timeout=30_000)
    told = page.locator("#alerts li.alert", has_text="停机时")
    expect(told.first).to_be_visible(timeout=30_000)
    ids = [item.get_attribute("id") for item in told.all()]
    assert len(set(ids)) == len(ids)
    # While the service was down the browser wrote of refused connections.
    assert all("ERR_" in c or "Failed to fetch" in c for c in desk.complaints), desk.complaints
    desk.complaints.clear()
