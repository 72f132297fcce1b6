"""What is on the shelf at a moment is what the rules go by and what the alert carries."""

from pathlib import Path

import pytest

from core.records import Stream, TimelineEvent, TimelineKind
from pipeline.import_transcript import import_transcript
from pipeline.transcripts import Line
from store import alerts, outbox, streams, timeline
from store.engine import open_database
from tests.alerting import BEGUN

CLAIM = "这款产品能治疗糖尿病"


@pytest.fixture
def db(tmp_path: Path):
    database = open_database(tmp_path / "livewitness.db")
    yield database
    database.close()


def put(db, at_ms: int, name: str, product_class: str = "") -> None:
    with db.write() as c:
        timeline.add_event(c, TimelineEvent("s", at_ms, TimelineKind.PRODUCT, name, BEGUN, product_class))


def test_the_product_of_the_stream_counts_until_one_is_put_on_the_shelf(db, checker) -> None:
    with db.write() as c:
        streams.open_stream(c, Stream(name="s", source="x"))
    put(db, 10_000, "舒缓面膜", "cosmetics")
    put(db, 20_000, "氨糖软骨素片", "health_food")
    put(db, 30_000, "")
    lines = [Line(at, at + 3000, CLAIM) for at in (1000, 11_000, 21_000, 31_000)]
    import_transcript(db, checker, Stream(name="s", source="x", product="零食"), lines)
    with db.read() as c:
        found = alerts.list_alerts(c, stream="s")
        told = outbox.after(c, 0, 100, "s")
    by_product = {alert.product: alert.finding.category.value for alert in found}
    assert set(by_product) == {"零食", "舒缓面膜", "氨糖软骨素片", ""}
    assert by_product["氨糖软骨素片"] == "health_food_disease"
    assert by_product["舒缓面膜"] != "health_food_disease"
    assert {event.alert_id for event in told if event.event == "alert"} == {alert.id for alert in found}
