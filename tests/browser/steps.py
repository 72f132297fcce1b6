"""What several tests at the console do."""

import time
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

PLAYER = """(({ currentTime, duration, paused, seeking, readyState, networkState, error }) => ({
  currentTime, duration, paused, seeking, readyState, networkState, error: error?.message,
  moment: document.getElementById('moment')?.textContent, said: document.getElementById('status')?.textContent,
}))(document.getElementById('video') ?? {})"""


def until(page: Page, condition: str, seconds: float = 60) -> None:
    """Wait until ``condition`` holds in the page; its own policy forbids what Playwright's waiting would evaluate."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, (condition, page.evaluate(PLAYER))
        page.wait_for_timeout(100)


def stands_on_a_picture(page: Page) -> None:
    """Wait until the player stands still and shows the picture where it stands."""
    until(page, "document.getElementById('moment').dataset.stands === 'true'")


def found(page: Page, query: str) -> Locator:
    """The first hit of a query. What was only just said is found a little later: whoever finds nothing asks again."""
    hit = page.locator("#hits a").first
    deadline = time.monotonic() + 120
    page.fill("#words", query)
    while True:
        page.press("#words", "Enter")
        try:
            expect(hit).to_be_visible(timeout=2_000)
        except AssertionError:
            assert time.monotonic() < deadline, page.inner_text("#status")
        else:
            return hit


def post(page: Page, path: str, body: dict[str, object]) -> None:
    """What the page's own scripts would send."""
    page.evaluate(
        """([path, body]) => fetch(path, {
          method: 'POST', body: JSON.stringify(body),
          headers: {
            'Content-Type': 'application/json',
            'X-CSRF-Token': document.querySelector('meta[name=csrf]').content,
          },
        })""",
        [path, body],
    )


def pictures_are_there(page: Page) -> None:
    """Wait until every picture that is shown has come."""
    until(
        page,
        "[...document.images].filter(i => i.checkVisibility() && i.src && i.loading !== 'lazy').every(i => i.complete)",
    )


def heard_until(page: Page, stream: str, seconds: int) -> None:
    """Wait until what was said so far into the broadcast is written down."""
    place = f"/api/v1/streams/{quote(stream)}/utterances?from={seconds}"
    until(page, f"fetch('{place}').then(r => r.json()).then(a => a.utterances.length > 0)", 120)
