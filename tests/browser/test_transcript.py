"""A transcript of an hour, of which nothing was recorded: it opens where one wants to be, and is read by keyboard."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from core.clock import utc_now
from core.records import Gap, ModelIdentity, Stream, TimelineEvent, TimelineKind, Utterance, Word
from store import alerts, recordings, streams, timeline, utterances
from tests.alerting import an_alert
from tests.browser.conftest import Console, Desk

pytestmark = pytest.mark.slow
STREAM = "一小时专场"
EVERY_MS = 4000
HOUR_MS = 3_600_000
SAID = "第{}句，这款面霜三天祛斑，喜欢的扣个一。"
IN_SIGHT = """(item) => {
  const [box, place] = [item.closest('.script').getBoundingClientRect(), item.getBoundingClientRect()];
  return place.top >= box.top - 1 && place.bottom <= box.bottom + 1;
}"""


@pytest.fixture(scope="module")
def hour(console: Console) -> Iterator[int]:
    """Nine hundred utterances, every fiftieth of them alerted; how many there are."""
    db = console.database()
    begun = utc_now() - timedelta(hours=3)
    with db.write() as connection:
        streams.open_stream(connection, Stream(STREAM, source="x", shop="花店", title="从头到尾"))
        for number, start in enumerate(range(0, HOUR_MS, EVERY_MS)):
            text = SAID.format(number)
            spoken = [char for char in text if char not in "，。"]
            words = tuple(Word(c, start + 150 * i, start + 150 * i + 140, 0.9) for i, c in enumerate(spoken))
            when = begun + timedelta(milliseconds=start)
            model = ModelIdentity("test", "0" * 64)
            known = utterances.add_utterance(
                connection, Utterance(STREAM, 0, start, start + 3500, text, words, model, when)
            )
            if number % 50 == 10:
                alert = an_alert(f"hour-{number}", STREAM, utterance_id=known or 0)
                place = {"start_ms": start + 1200, "end_ms": start + 1800, "wall_time": when, "text": text}
                alerts.add_alert(connection, replace(alert, **place))
        recordings.add_gap(connection, Gap(STREAM, 0, 600_000, 660_000, "source lost", begun, begun))
        product = TimelineEvent(STREAM, 900_000, TimelineKind.PRODUCT, "焕颜面霜", begun)
        timeline.add_event(connection, product)
        streams.end_stream(connection, STREAM, begun + timedelta(hours=1))
    db.close()
    yield HOUR_MS // EVERY_MS


def test_an_hour_opens_in_its_middle_and_is_read_by_keyboard(desk_of: Callable[[str], Desk], hour: int) -> None:
    desk = desk_of("adjudicator")
    page = desk.open(f"/replay/{quote(STREAM)}?at=1800.5")
    current = page.locator("#transcript [aria-current]")
    expect(current).to_contain_text("第450句，这款面霜三天祛斑，喜欢的扣个一。")
    expect(page.locator("#nothing")).to_contain_text("没有录像")
    expect(page.locator("#title")).to_have_text("从头到尾")
    expect(page.locator("#transcript li")).to_have_count(hour)
    # What is out of sight costs nothing to lay out; the page itself has not moved.
    expect(current).to_have_css("content-visibility", "auto")
    assert current.evaluate(IN_SIGHT)
    assert page.evaluate("window.scrollY") == 0
    expect(page.locator("#track rect.gap")).to_contain_text("0:10:00.0–0:11:00.0")
    expect(page.locator("#track rect.product")).to_contain_text("焕颜面霜")
    current.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#moment")).to_have_text("0:30:12.00")
    expect(current).to_contain_text("第453句")
    page.keyboard.press("n")
    expect(page.locator("#moment")).to_have_text("0:30:41.20")
    expect(current.locator("mark").first).to_have_text("三")
    page.keyboard.press("b")
    expect(page.locator("#moment")).to_have_text("0:27:21.20")
    page.focus("#track")
    page.keyboard.press("End")
    expect(page.locator("#transcript li.flagged")).to_have_count(hour // 50)
    page.keyboard.press("Home")
    expect(current).to_contain_text("第0句")
    assert current.evaluate(IN_SIGHT)
