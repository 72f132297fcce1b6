"""What was posted to a stream, and what was on the shelf at any moment."""

from datetime import timedelta

from core.clock import iso
from core.records import Correction, Product, TimelineEvent, TimelineKind
from store import alerts, timeline
from tests.alerting import BEGUN, an_alert
from tests.store.conftest import LATER


def product(at_ms: int, name: str, product_class: str = "", stream: str = "s") -> TimelineEvent:
    return TimelineEvent(stream, at_ms, TimelineKind.PRODUCT, name, BEGUN, product_class)


def test_events_come_back_as_posted_in_order_of_time(told) -> None:
    price = TimelineEvent("s", 5000, TimelineKind.PRICE, "", BEGUN, price_fen=9900)
    comment = TimelineEvent("s", 2000, TimelineKind.COMMENT, "真的假的", BEGUN, author="小王")
    with told.write() as c:
        ids = [timeline.add_event(c, event) for event in (price, comment, product(2000, "补水面膜", "cosmetics"))]
    with told.read() as c:
        listed = timeline.list_events(c, "s")
        assert [e.id for e in listed] == [ids[1], ids[2], ids[0]]
        assert listed[2].price_fen == 9900
        assert listed[0].author == "小王"
        assert [e.id for e in timeline.list_events(c, "s", after=ids[1], limit=1)] == [ids[2]]
        assert timeline.list_events(c, "s", start_ms=2001, end_ms=5000) == []
        assert [e.kind for e in timeline.list_events(c, "s", kind=TimelineKind.PRICE)] == [TimelineKind.PRICE]
        assert timeline.list_events(c, "t") == []


def test_the_shelf_changes_at_its_moment_and_can_be_emptied(told) -> None:
    with told.write() as c:
        for event in (product(10_000, "补水面膜", "cosmetics"), product(20_000, "钙片"), product(30_000, "")):
            timeline.add_event(c, event)
        timeline.add_event(c, TimelineEvent("s", 25_000, TimelineKind.NOTE, "不是商品", BEGUN))
    with told.read() as c:
        assert timeline.product_at(c, "s", 9_999) is None
        assert timeline.product_at(c, "s", 10_000) == Product("补水面膜", "cosmetics")
        assert timeline.product_at(c, "s", 29_999) == Product("钙片")
        assert timeline.product_at(c, "s", 99_999) == Product("")
        assert timeline.product_at(c, "t", 99_999) is None


def test_wall_time_becomes_stream_time_by_epoch(told) -> None:
    with told.read() as c:
        assert timeline.stream_ms_at(c, "s", iso(BEGUN + timedelta(seconds=90))) == 90_000
        assert timeline.stream_ms_at(c, "s", iso(LATER + timedelta(seconds=5))) == 605_000
        assert timeline.stream_ms_at(c, "s", iso(BEGUN - timedelta(hours=1))) == 0
        assert timeline.stream_ms_at(c, "t", iso(LATER)) == 0


def test_an_alert_can_be_counted_corrected_and_withdrawn(told) -> None:
    with told.write() as c:
        assert alerts.add_alert(c, an_alert())
        changed = an_alert(count=3, correction=Correction("刚才说错了", 9000, 9800), reason="host corrected")
        assert alerts.update_alert(c, changed)
        assert not alerts.update_alert(c, an_alert("unknown"))
    with told.read() as c:
        assert alerts.get_alert(c, "a1") == changed
        assert alerts.get_alert(c, "unknown") is None
