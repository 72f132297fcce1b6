"""Contrast as WCAG 2.1 has it, measured on what the browser computed for every piece of text that is shown."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

LARGE_PX, LARGE_BOLD_PX = 24.0, 18.66
_MEASURE = (Path(__file__).parent / "contrast.js").read_text("utf-8")


def too_faint(page: Page) -> list[dict[str, Any]]:
    """Text below AA: 4.5, or 3 where it is large. Raises ``AssertionError`` where nothing was measured."""
    measured = page.evaluate(_MEASURE)
    assert len(measured) > 4, measured
    return [one for one in measured if one["ratio"] < _least(one)]


def _least(one: dict[str, Any]) -> float:
    large = one["size"] >= (LARGE_BOLD_PX if one["weight"] >= 700 else LARGE_PX)
    return 3.0 if large else 4.5
