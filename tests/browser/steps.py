"""What several tests at the console do."""

import time
from urllib.parse import quote

from playwright.sync_api import Page


def until(page: Page, condition: str, seconds: float = 60) -> None:
    """Wait until ``condition`` holds in the page; its own policy forbids what Playwright's waiting would evaluate."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(100)


def stands_on_a_picture(page: Page) -> None:
    """Wait until the player shows a picture."""
    until(page, "document.getElementById('video').readyState >= 2")


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
