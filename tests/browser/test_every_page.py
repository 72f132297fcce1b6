"""Every page on a tablet, light and dark, in both languages: nothing overflows, all text has contrast, no complaint."""

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.contrast import too_faint
from tests.browser.steps import heard_until, post

pytestmark = pytest.mark.slow
# Each page, and what stands on it once its script has filled it.
PAGES = (
    ("/", "#rooms li"),
    ("/search?q=三天祛斑", "#hits li, #nearlist li"),
    ("/replay/{stream}?at=5", "#transcript li"),
    ("/cases", "#cases tr"),
    ("/cases/平板-1", "#history tr"),
    ("/operations", "#checks tr"),
    ("/retention", "#streams tr"),
    ("/audit", "#entries tr"),
    ("/accounts", "#accounts tr"),
    ("/docs", "article"),
)
LOOKS = (("both", "light"), ("both", "dark"), ("en", "dark"), ("zh", "light"))
TURN = "([speak, theme]) => Object.assign(document.documentElement.dataset, { speak, theme })"
SHOWN = """(language) => [...document.querySelectorAll(`main [lang=${language}], nav [lang=${language}]`)]
  .filter((e) => e.checkVisibility()).length"""
OVERFLOW = """[...document.querySelectorAll('body *')]
  .filter((e) => e.checkVisibility() && !e.closest('.scroll, svg, .skip'))
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
  .map((e) => `${e.tagName}.${e.className}`).slice(0, 5)"""
# Fields and buttons that a screen reader could not name.
NAMELESS = """[...document.querySelectorAll('input, select, textarea, button, a, [role=slider]')]
  .filter((e) => e.checkVisibility() && !(e.labels?.length || e.ariaLabel || e.textContent.trim() || e.title))
  .map((e) => e.outerHTML.slice(0, 120))"""


def test_pages_fit_a_tablet_with_contrast_and_names(desk_of: Callable[[str], Desk], broadcast: str) -> None:
    desk = desk_of("admin")
    page = desk.page
    heard_until(page, broadcast, 20)
    post(page, "/api/v1/cases", {"number": "平板-1", "title": "样张"})
    page.set_viewport_size({"width": 1024, "height": 768})
    for path, filled in PAGES:
        desk.open(path.format(stream=quote(broadcast)))
        expect(page.locator(filled).first).to_be_visible(timeout=60_000)
        for speak, theme in LOOKS:
            if path == "/docs" and speak != "both":
                continue
            page.evaluate(TURN, [speak, theme])
            fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert fits, (path, speak, page.evaluate(OVERFLOW))
            assert too_faint(page) == [], (path, speak, theme)
            if path != "/docs":
                told_in(page, speak)
        assert page.evaluate(NAMELESS) == [], path
        assert not re.search(r"undefined|NaN|\[object", page.inner_text("main") if path != "/docs" else ""), path
        assert len(page.locator("h1, .wall h2").all()) >= 1, path
    desk.prefer("zh", "dark")
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
    expect(page.locator("#link")).to_contain_text("实时")
    page.click("#theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(15, 21, 27)")


def test_nothing_moves_for_those_who_asked_for_less_motion(desk_of: Callable[[str], Desk]) -> None:
    page = desk_of("viewer").page
    page.emulate_media(reduced_motion="reduce")
    page.evaluate("document.querySelector('main').classList.add('alert', 'fresh')")
    expect(page.locator("main")).to_have_css("animation-name", "none")
    page.emulate_media(reduced_motion="no-preference")
    expect(page.locator("main")).to_have_css("animation-name", "arrive")


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
