"""A day at the console: an alert is heard and handled by keyboard, a complaint becomes a verified exhibit."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from core.access import Role
from ingest.hls_server import HlsLoopbackServer
from livewitness.broadcast import load_truth, media_path
from tests.browser.conftest import Console, Desk

pytestmark = pytest.mark.slow
DeskOf = Callable[[str], Desk]
SPOT = next(sentence for sentence in load_truth() if "祛斑" in sentence.text)


@pytest.fixture(scope="module")
def broadcast(console: Console):
    """The bundled broadcast, watched by another process of the same installation; begun once, by the first test."""
    with HlsLoopbackServer(media_path(), realtime=False) as server:

        def begin() -> None:
            if "watch" not in console.people:
                console.people["watch"] = ""
                console.cli.start("watch", server.url, "--stream", "播证", "--shop", "花店", "--json")

        yield begin


def until(page: Page, condition: str, seconds: float = 30) -> None:
    """Wait until ``condition`` holds in the page; its own policy forbids what Playwright's waiting would evaluate."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(100)


def test_an_empty_console_explains_itself(desk_of: DeskOf) -> None:
    desk = desk_of("admin")
    expect(desk.page.locator("#empty")).to_contain_text("livewitness demo")


def test_an_alert_appears_is_heard_and_acknowledged_by_keyboard(desk_of: DeskOf, broadcast: Callable[[], None]) -> None:
    desk = desk_of("moderator")
    page = desk.page
    expect(page.locator("#link")).to_contain_text("实时")
    broadcast()
    first = page.locator("#alerts li.alert").first
    expect(first).to_be_visible(timeout=120_000)
    expect(page.locator("#rooms")).to_contain_text("播证", timeout=20_000)
    expect(page.locator("#alerts")).to_contain_text("三天去班", timeout=60_000)
    expect(page.locator(".status-confirmed").first).to_be_visible(timeout=60_000)
    page.keyboard.press("j")
    chosen = page.locator("#alerts [aria-current]")
    name = chosen.get_attribute("id")
    page.keyboard.press("Space")
    until(page, "document.getElementById('video').currentTime > 0.2")
    desk.picture("console-live")
    page.keyboard.press("a")
    # Handled alerts leave the open feed; with all shown, it stands there as acknowledged.
    expect(page.locator(f"#{name}")).to_have_count(0, timeout=10_000)
    page.uncheck("#onlyopen")
    expect(page.locator(f"#{name} .state-acknowledged")).to_have_count(1)


def test_dismissing_asks_for_a_reason(desk_of: DeskOf) -> None:
    page = desk_of("moderator").page
    expect(page.locator("#alerts li.alert").first).to_be_visible(timeout=60_000)
    page.keyboard.press("d")
    name = page.locator("#alerts [aria-current]").get_attribute("id")
    expect(page.locator("#reason")).to_be_focused()
    page.fill("#reason", "听错了")
    page.keyboard.press("Enter")
    expect(page.locator(f"#{name}")).to_have_count(0, timeout=10_000)


def test_from_the_claim_to_a_verified_exhibit(desk_of: DeskOf) -> None:
    desk = desk_of("adjudicator")
    page = desk.open("/search")
    page.fill("#words", "三天祛斑")
    page.keyboard.press("Enter")
    hit = page.locator("#hits a").first
    expect(hit).to_contain_text("三天去班", timeout=60_000)
    expect(hit.locator("img")).to_have_js_property("complete", True, timeout=20_000)
    desk.picture("console-search")
    start = float(dict(pair.split("=") for pair in (hit.get_attribute("href") or "").split("?")[1].split("&"))["at"])
    hit.click()
    page.wait_for_url("**/replay/**")
    until(page, "document.getElementById('video').readyState >= 2")
    stands = page.evaluate("document.getElementById('video').currentTime") + page.evaluate(
        "fetch(document.getElementById('video').currentSrc + '/about').then(r => r.json()).then(a => a.start)"
    )
    assert abs(stands - start) <= 0.1
    assert abs(start - SPOT.start) < 3
    expect(page.locator("#transcript li[aria-current]")).to_contain_text("三天", timeout=20_000)
    expect(page.locator("#package")).to_be_enabled()
    page.fill("#case", "争议-1")
    desk.picture("console-replay")
    page.click("#package")
    expect(page.locator("#made")).to_contain_text("成立", timeout=60_000)
    page.click("#made a")
    page.wait_for_url("**/cases/**")
    expect(page.locator("#exhibits li")).to_have_count(1)
    page.click("text=核验")
    expect(page.locator("#exhibits .good")).to_be_visible(timeout=30_000)
    desk.picture("console-case")


def test_in_and_out_points_by_keyboard(desk_of: DeskOf) -> None:
    page = desk_of("adjudicator").open("/replay/播证?at=10")
    until(page, "document.getElementById('video').readyState >= 2")
    page.keyboard.press("i")
    page.keyboard.press("l")
    until(page, "document.getElementById('moment').textContent.startsWith('0:00:15')")
    page.keyboard.press(".")
    page.wait_for_timeout(300)
    page.keyboard.press("o")
    assert "5.04" in page.inner_text("#range")
    page.click("#clip")
    expect(page.locator("#made a")).to_be_visible(timeout=30_000)
    page.click("#pin")
    expect(page.locator("#pins img")).to_have_count(1)


def test_both_languages(desk_of: DeskOf) -> None:
    page = desk_of("viewer").page
    heading = page.locator(".feed h2")
    assert (heading.locator("[lang=zh]").is_visible(), heading.locator("[lang=en]").is_visible()) == (True, True)
    page.click("#speak")
    expect(page.locator("html")).to_have_attribute("data-speak", "zh")
    page.wait_for_load_state("load")
    assert not heading.locator("[lang=en]").is_visible()
    page.click("#speak")
    expect(page.locator("html")).to_have_attribute("data-speak", "en")
    page.wait_for_load_state("load")
    assert not heading.locator("[lang=zh]").is_visible()
    assert heading.inner_text().strip() == "Alerts"


def test_a_viewer_sees_no_more_than_a_viewer(desk_of: DeskOf) -> None:
    desk = desk_of("viewer")
    expect(desk.page.locator("nav a")).to_have_count(1)
    for path in ("/search", "/cases", "/operations", "/accounts"):
        expect(desk.open(path).locator("h1")).to_contain_text("无权查看")
    # The browser itself writes a line for each refused page.
    assert all("403" in complaint for complaint in desk.complaints)
    desk.complaints.clear()


def test_operations_and_accounts(desk_of: DeskOf) -> None:
    desk = desk_of("admin")
    page = desk.open("/operations")
    expect(page.locator("#checks li").first).to_be_visible(timeout=30_000)
    desk.picture("console-operations")
    page = desk.open("/accounts")
    page.fill("#name", "小梅")
    page.select_option("#role", Role.MODERATOR.value)
    page.click("#adding button")
    expect(page.locator("#secret")).to_contain_text("/sign-in#")
    expect(page.locator("#accounts")).to_contain_text("小梅")


def test_a_restart_of_the_service_loses_no_alert(console: Console, desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    page = desk.page
    page.uncheck("#onlyopen")
    expect(page.locator("#alerts li.alert").first).to_be_visible(timeout=60_000)
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
