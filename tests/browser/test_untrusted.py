"""What hosts say, what shops are called and what people note is text, wherever it is shown."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from core.clock import utc_now
from core.records import ModelIdentity, Stream, TimelineEvent, TimelineKind, Utterance
from index.ingest import add_to_index
from store import alerts, cases, streams, timeline, utterances
from store.cases import Case, CaseState, Exhibit, ExhibitKind
from tests.alerting import an_alert
from tests.browser.conftest import Console, Desk

pytestmark = pytest.mark.slow
BAD = "<script>window.broken = 1</script><img src=x onerror='window.broken = 2'>"
STREAM = "坏<b>名"


@pytest.fixture(scope="module")
def hostile(console: Console) -> Iterator[None]:
    """A stream whose title, shop, product, words and notes, and a case whose fields, all bear markup."""
    db = console.database()
    with db.write() as connection:
        streams.open_stream(connection, Stream(name=STREAM, source="x", shop=f"店{BAD}", title=f"标题{BAD}"))
        for kind, text in ((TimelineKind.PRODUCT, f"商品{BAD}"), (TimelineKind.NOTE, f"备注{BAD}")):
            timeline.add_event(connection, TimelineEvent(STREAM, 0, kind, text, utc_now(), author=BAD))
        case = Case("坏案", f"案由{BAD}", "", CaseState.OPEN, f"结果{BAD}", BAD, utc_now())
        cases.add_case(connection, case)
        note = Exhibit("0" * 16, "坏案", 1, ExhibitKind.NOTE, f"证据{BAD}", f"说明{BAD}", BAD, utc_now())
        cases.add_exhibit(connection, note)
        said = Utterance(STREAM, 0, 1000, 4000, f"{BAD}三天祛斑", (), ModelIdentity("test", "0" * 64), utc_now())
        known = utterances.add_utterance(connection, said)
        assert known
        add_to_index(connection, utterances.get_utterances(connection, [known])[known])
        alerts.add_alert(connection, an_alert("hostile", STREAM, product=BAD))
    yield
    with db.write() as connection:
        streams.end_stream(connection, STREAM, utc_now() - timedelta(days=1))
    db.close()


PAGES = (
    ("/", "标题"),
    ("/search?q=" + quote("三天祛斑") + "&stream=" + quote(STREAM), "三天祛斑"),
    (f"/replay/{quote(STREAM, safe='')}", "备注："),
    ("/cases", "案由"),
    ("/cases/坏案", "证据<script>"),
    ("/operations", STREAM),
    ("/retention", STREAM),
    ("/audit", "admin"),
)


def test_markup_stays_text(desk_of: Callable[[str], Desk], hostile: None) -> None:
    desk = desk_of("admin")
    for path, shows in PAGES:
        page = desk.open(path)
        expect(page.locator("main")).to_contain_text(shows)
        assert page.evaluate("window.broken") is None, path
        assert page.locator("main script, main img[src=x]").count() == 0, path
        if path in {"/", "/cases"}:
            expect(page.locator("main")).to_contain_text("<script>window.broken = 1</script>")
    # Nothing was recorded of it, so there is no picture and nothing to play.
    assert all("404" in complaint for complaint in desk.complaints), desk.complaints
    desk.complaints.clear()
