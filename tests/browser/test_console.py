"""A day at the console: an alert is heard and handled by keyboard, a complaint becomes a verified exhibit."""

import base64
import hashlib
import re
from collections.abc import Callable
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import expect

from core.access import Role
from livewitness.broadcast import load_truth
from tests.browser.conftest import Console, Desk, Desks, begin_the_demonstration
from tests.browser.steps import found, heard_until, pictures_are_there, stands_on_a_picture, until

pytestmark = pytest.mark.slow
DeskOf = Callable[[str], Desk]
SPOT = next(sentence for sentence in load_truth() if "祛斑" in sentence.text)
CASE = "争议-1"
# A picture of one point, as somebody might hand it in.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
# 祛斑 sounds like several other things, and models write down different ones.
HEARD = re.compile("三天[祛去区][斑班]")


def test_an_empty_console_offers_to_play_the_demonstration(lasting: Desks, console: Console) -> None:
    desk = lasting.of("admin")
    page = desk.page
    expect(page.locator("#empty")).to_contain_text("livewitness demo")
    expect(page.locator("#first")).to_contain_text("从一场演示直播开始")
    desk.picture("console-first")
    begin_the_demonstration(console, page)
    expect(page.locator("#rooms")).to_contain_text("内置演示直播", timeout=60_000)
    expect(page.locator("#empty")).to_be_hidden()


def test_a_viewer_sees_no_more_than_a_viewer(desk_of: DeskOf) -> None:
    desk = desk_of("viewer")
    expect(desk.page.locator("header nav a")).to_have_count(1)
    for path in ("/search", "/cases", "/operations", "/retention", "/audit", "/accounts"):
        expect(desk.open(path).locator("h1")).to_contain_text("无权查看")
    # The browser itself writes a line for each refused page.
    assert all("403" in complaint for complaint in desk.complaints)
    desk.complaints.clear()


def test_accounts_are_made(desk_of: DeskOf) -> None:
    desk = desk_of("admin")
    page = desk.open("/accounts")
    page.fill("#name", "小梅")
    page.select_option("#role", Role.MODERATOR.value)
    page.click("#adding button")
    expect(page.locator("#secret")).to_contain_text("/sign-in#")
    expect(page.locator("#accounts")).to_contain_text("小梅")
    page.fill("#keyname", "风控平台")
    page.select_option("#keyrole", Role.VIEWER.value)
    page.click("#keying button")
    expect(page.locator("#keys tr", has_text="风控平台")).to_contain_text("viewer")
    expect(page.locator("#secret")).not_to_contain_text("/sign-in#")
    page.evaluate("document.getElementById('secret').hidden = true")
    desk.picture("console-accounts")


def test_the_first_run_explains_itself_as_it_happens(lasting: Desks, broadcast: str) -> None:
    page = lasting.made[0].page
    expect(page.locator("[data-step=alert].done")).to_be_visible(timeout=120_000)
    expect(page.locator("#demo")).to_be_disabled()


def test_an_alert_is_heard_and_acknowledged_by_keyboard(desk_of: DeskOf, broadcast: str) -> None:
    desk = desk_of("moderator")
    page = desk.page
    expect(page.locator("#link")).to_contain_text("实时")
    expect(page.locator("#rooms")).to_contain_text("内置演示直播", timeout=60_000)
    expect(page.locator("#alerts")).to_contain_text(HEARD, timeout=120_000)
    expect(page.locator(".status-confirmed").first).to_be_visible(timeout=60_000)
    page.keyboard.press("j")
    name = page.locator("#alerts [aria-current]").get_attribute("id")
    page.keyboard.press("Space")
    until(page, "document.getElementById('video').currentTime > 0.2")
    page.keyboard.press("a")
    # Handled alerts leave the open feed; with all shown, it stands there as acknowledged.
    expect(page.locator(f"#{name}")).to_have_count(0, timeout=60_000)
    page.select_option("#which", "all")
    expect(page.locator(f"#{name} .state-acknowledged")).to_have_count(1)


def test_from_the_claim_to_a_verified_exhibit(desk_of: DeskOf, broadcast: str) -> None:
    desk = desk_of("adjudicator")
    page = desk.open("/search")
    hit = found(page, "三天祛斑")
    expect(hit).to_contain_text(HEARD, timeout=60_000)
    expect(hit.locator("img")).to_have_js_property("complete", True, timeout=60_000)
    desk.picture("console-search")
    start = float(parse_qs(urlsplit(hit.get_attribute("href") or "").query)["at"][0])
    hit.click()
    page.wait_for_url("**/replay/**")
    stands_on_a_picture(page)
    stands = page.evaluate("document.getElementById('video').currentTime") + page.evaluate(
        "fetch(document.getElementById('video').currentSrc + '/about').then(r => r.json()).then(a => a.start)"
    )
    assert abs(stands - start) <= 0.1
    assert abs(start - SPOT.start) < 3
    expect(page.locator("#transcript li[aria-current]")).to_contain_text("三天", timeout=60_000)
    expect(page.locator("#package")).to_be_enabled()
    page.fill("#case", CASE)
    page.click("#package")
    expect(page.locator("#made")).to_contain_text("核验通过", timeout=60_000)
    pictures_are_there(page)
    desk.picture("console-replay", whole=True)
    page.click("#masked")
    expect(page.locator("#made a")).to_have_count(0)
    page.click("#made a", timeout=120_000)
    page.wait_for_url("**/cases/**")
    # The package; then, in one go, another one and its masked edition.
    expect(page.locator("#exhibits li")).to_have_count(3)
    expect(page.locator("#exhibits li", has_text="遮蔽版")).to_have_count(1)
    page.locator("#exhibits button", has_text="核验").first.click()
    expect(page.locator("#exhibits .good")).to_be_visible(timeout=30_000)


def test_the_whole_case_goes_out_with_what_was_not_found(desk_of: DeskOf, broadcast: str) -> None:
    desk = desk_of("adjudicator")
    page = desk.open("/cases")
    page.fill("#number", "争议-2")
    page.fill("#title", "祛斑霜无效，要求退款")
    page.click("#open button")
    page.wait_for_url("**/cases/**")
    page.fill("#notetitle", "消费者陈述")
    page.fill("#notetext", "11 月 11 日 20:31 下单，主播说三天祛斑")
    page.click("#noting button")
    page.set_input_files("#file", {"name": "订单截图.png", "mimeType": "image/png", "buffer": PICTURE})
    expect(page.locator("#filetitle")).to_have_value("订单截图")
    page.click("#upload button")
    received = page.locator("#exhibits li", has_text="订单截图")
    expect(received.locator(".hash")).to_have_text(hashlib.sha256(PICTURE).hexdigest())
    received.locator("textarea").fill("消费者 11 月 12 日提交")
    page.keyboard.press("Tab")
    expect(page.locator("#status")).to_contain_text("已保存")
    page.fill("#query", "终身免费更换发动机")
    page.click("#negate button")
    expect(page.locator("#exhibits li", has_text="检索未果")).to_have_count(1, timeout=60_000)
    # Moved by keyboard; who moves it keeps the button under their hand.
    up = page.locator("#exhibits li", has_text="检索未果").locator("button", has_text="上移")
    up.focus()
    for place in ("2", "1"):
        page.keyboard.press("Enter")
        expect(page.locator("#exhibits li", has_text="检索未果").locator(".place")).to_have_text(place)
        expect(up).to_be_focused()
    for done in ("立案", "加说明", "收入文件", "改说明", "排列证据"):
        expect(page.locator("#history tr", has_text=done).first).to_contain_text("adjudicator")
    page.fill("#purpose", "移送")
    page.click("#export button")
    made = page.locator("#exports li", has=page.locator("a"))
    expect(made).to_have_count(1, timeout=60_000)
    made.locator("button", has_text="核验").click()
    expect(made.locator(".good")).to_contain_text("核验通过", timeout=60_000)
    expect(made).to_contain_text("3 件证据，其中 1 个证据包")
    with page.expect_download() as got:
        made.locator("a").click()
    assert re.fullmatch(r"case-[0-9a-f]{16}\.zip", got.value.suggested_filename)
    desk.picture("console-case", whole=True)
    desk.open("/cases")
    expect(page.locator("#cases tr", has_text="争议-2")).to_contain_text("在办")
    desk.picture("console-cases")


def test_in_and_out_points_to_a_frame_by_keyboard(desk_of: DeskOf, broadcast: str) -> None:
    desk = desk_of("adjudicator")
    page = desk.page
    heard_until(page, broadcast, 20)
    desk.open(f"/replay/{quote(broadcast)}?at=10")
    stands_on_a_picture(page)
    page.keyboard.press("i")
    for key in "l.":
        stood = page.inner_text("#moment")
        page.keyboard.press(key)
        expect(page.locator("#moment")).not_to_have_text(stood)
        stands_on_a_picture(page)
    page.keyboard.press("o")
    # The broadcast has 25 pictures a second.
    assert "5.04 s" in page.inner_text("#range")
    expect(page.locator("#outshot")).to_be_visible()
    page.click("#clip")
    expect(page.locator("#made a")).to_be_visible(timeout=60_000)
    # A short range is heard, and the player stops at its end.
    page.keyboard.press("i")
    for _ in range(5):
        stood = page.inner_text("#moment")
        page.keyboard.press(".")
        expect(page.locator("#moment")).not_to_have_text(stood)
        stands_on_a_picture(page)
    page.keyboard.press("o")
    expect(page.locator("#range")).to_contain_text("0.20 s")
    out = page.inner_text("#moment")
    page.keyboard.press("p")
    until(page, "!document.getElementById('video').paused")
    until(page, "document.getElementById('video').paused")
    assert page.inner_text("#moment") >= out


def test_dismissing_asks_for_a_reason(desk_of: DeskOf, broadcast: str) -> None:
    desk = desk_of("moderator")
    page = desk.page
    expect(page.locator("#alerts li.alert").nth(2)).to_be_visible(timeout=120_000)
    page.click("#alerts li.alert >> nth=0")
    until(page, "document.getElementById('video').currentTime > 0.2")
    desk.picture("console-live")
    page.keyboard.press("d")
    name = page.locator("#alerts [aria-current]").get_attribute("id")
    expect(page.locator("#reason")).to_be_focused()
    page.fill("#reason", "听错了")
    page.keyboard.press("Enter")
    expect(page.locator(f"#{name}")).to_have_count(0, timeout=60_000)


def test_two_moments_side_by_side_and_a_note(desk_of: DeskOf, broadcast: str) -> None:
    desk = desk_of("adjudicator")
    page = desk.page
    heard_until(page, broadcast, 20)
    desk.open(f"/replay/{quote(broadcast)}?at=5.5")
    stands_on_a_picture(page)
    page.keyboard.press("c")
    expect(page.locator("#apart")).to_contain_text("再钉住一个时刻")
    page.locator("#transcript li", has_text="0:00:1").first.click()
    until(page, "document.getElementById('moment').textContent.startsWith('0:00:1')")
    stands_on_a_picture(page)
    page.keyboard.press("c")
    expect(page.locator("#pair figure")).to_have_count(2, timeout=60_000)
    expect(page.locator("#apart")).to_contain_text("相隔")
    expect(page.locator("#pair figure").first).to_contain_text("三天")
    page.fill("#note", "两处说法不一")
    page.click("#noteform button")
    expect(page.locator("#transcript .remarked")).to_contain_text("两处说法不一")
    pictures_are_there(page)
    desk.picture("console-compare", whole=True)
    page.reload()
    expect(page.locator("#pair figure")).to_have_count(2, timeout=60_000)
    expect(page.locator("#transcript .remarked")).to_contain_text("两处说法不一", timeout=60_000)


def test_a_search_by_keyboard_alone(desk_of: DeskOf, broadcast: str) -> None:
    page = desk_of("adjudicator").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/search"
    page.keyboard.press("Enter")
    page.wait_for_url("**/search")
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.type("三天祛斑")
    page.keyboard.press("Enter")
    expect(page.locator("#hits a").first).to_be_visible(timeout=60_000)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#hits a')"):
            break
    seen = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert seen == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/replay/**")
    stands_on_a_picture(page)
    page.keyboard.press("Space")
    until(page, "!document.getElementById('video').paused")


def test_who_did_what_is_found(desk_of: DeskOf) -> None:
    desk = desk_of("admin")
    page = desk.open("/audit")
    expect(page.locator("#entries tr").first).to_be_visible(timeout=60_000)
    page.select_option("#action", "account.created")
    page.fill("#words", "moderator")
    page.click("#find button[type=submit]")
    until(page, "!document.getElementById('entries').textContent.includes('登录')")
    href = page.get_attribute("#csv", "href") or ""
    assert "action=account.created" in href
    with page.expect_download() as got:
        page.click("#csv")
    assert got.value.suggested_filename == "audit.csv"
    page.select_option("#action", "")
    page.fill("#words", "")
    page.fill("#by", "admin")
    page.click("#find button[type=submit]")
    expect(page.locator("#entries tr").first).to_contain_text("admin")
    page.click("#verify")
    expect(page.locator("#verdict")).to_contain_text("核验通过", timeout=60_000)
    desk.picture("console-audit")
