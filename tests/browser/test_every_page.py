"""Every page on a tablet, light and dark, in both languages: nothing overflows, all text has contrast, no complaint."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.contrast import too_faint
from tests.browser.steps import heard_until

pytestmark = pytest.mark.slow
PAGES = ("/", "/search?q=三天祛斑", "/replay/{stream}?at=5", "/cases", "/cases/平板-1", "/operations", "/retention",
         "/audit", "/accounts", "/docs")  # fmt: skip
SHOWN = """(language) => [...document.querySelectorAll(`main [lang=${language}], nav [lang=${language}]`)]
  .filter((e) => e.checkVisibility()).length"""
OVERFLOW = """[...document.querySelectorAll('body *')]
  .filter((e) => e.checkVisibility() && !e.closest('.scroll, svg, .skip'))
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
  .map((e) => `${e.tagName}.${e.className}`).slice(0, 5)"""


def open_case(page: Page) -> None:
    """A case to look at, opened once."""
    page.evaluate(
        """() => fetch('/api/v1/cases', {
          method: 'POST', body: JSON.stringify({number: '平板-1', title: '样张'}),
          headers: {
            'Content-Type': 'application/json',
            'X-CSRF-Token': document.querySelector('meta[name=csrf]').content,
          },
        })"""
    )


@pytest.mark.parametrize(("speak", "theme"), [("both", "light"), ("en", "dark")])
def test_pages_fit_a_tablet_with_contrast(
    desk_of: Callable[[str], Desk], broadcast: str, speak: str, theme: str
) -> None:
    desk = desk_of("admin")
    page = desk.page
    heard_until(page, broadcast, 20)
    open_case(page)
    desk.complaints.clear()  # the browser writes a line where the case was there already
    page.set_viewport_size({"width": 1024, "height": 768})
    desk.prefer(speak, theme)
    for path in PAGES:
        desk.open(path.format(stream=quote(broadcast)))
        page.wait_for_timeout(400)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, page.evaluate(OVERFLOW))
        assert too_faint(page) == [], (path, speak, theme)
        if path != "/docs":
            told_in(page, speak)
    if theme == "dark":
        desk.prefer("zh", theme)
        page.set_viewport_size({"width": 1280, "height": 800})
        desk.open("/")
        expect(page.locator("#alerts li").first).to_be_visible()
        desk.picture("console-dark")


def told_in(page: Page, speak: str) -> None:
    """Only the language that was chosen is shown; of both, both."""
    shown = {language: page.evaluate(f"({SHOWN})('{language}')") for language in ("zh", "en")}
    assert (shown["zh"] > 0, shown["en"] > 0) == (speak != "en", speak != "zh"), (page.url, shown)


def test_language_and_theme_are_chosen_by_a_click(desk_of: Callable[[str], Desk], broadcast: str) -> None:
    desk = desk_of("viewer")
    page = desk.page
    heading = page.locator(".feed h2")
    expect(heading).to_have_text("告警", use_inner_text=True)
    page.click("#speak")
    expect(page.locator("html")).to_have_attribute("data-speak", "en")
    expect(heading).to_have_text("Alerts", use_inner_text=True)
    expect(page.locator("#alerts li").first).to_be_visible()
    desk.picture("console-english")
    page.click("#speak")
    expect(page.locator("html")).to_have_attribute("data-speak", "both")
    expect(heading).to_have_text("告警 Alerts", use_inner_text=True)
    page.click("#theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page.locator("#link")).to_contain_text("实时", timeout=20_000)
    page.click("#theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(15, 21, 27)")


def test_signing_in_is_shown_to_strangers(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    page = desk.open("/")
    page.wait_for_url("**/sign-in")
    assert too_faint(page) == []
    desk.picture("console-sign-in")
    page.fill("#name", "nobody")
    page.fill("#password", "wrong password here")
    page.click("button[type=submit]")
    expect(page.locator("#status")).to_have_class("failed")
    assert all("401" in complaint for complaint in desk.complaints)
    desk.complaints.clear()
