"""What was made of an utterance: classes that stand, and classes that were cleared."""

import pytest

from core.records import AlertStatus, ReviewAction
from pipeline.lifecycle import LAWFUL_IN_CONTEXT
from store import alerts, reviews
from store.judgements import LAWFUL, Judged, judgements_of
from store.reviews import ReviewOrder
from store.utterances import add_utterance
from tests.alerting import BEGUN, an_alert
from tests.index.conftest import spoken

COSMETIC = frozenset({"cosmetic_special"})


def judged(db, utterance_id: int) -> Judged | None:
    with db.read() as connection:
        return judgements_of(connection, [utterance_id]).get(utterance_id)


@pytest.fixture
def said(told) -> int:
    with told.write() as connection:
        known = add_utterance(connection, spoken("这款面霜三天祛斑"))
    assert known
    return known


def test_without_an_alert_nothing_is_known(told, said) -> None:
    assert judged(told, said) is None


@pytest.mark.parametrize("status", [AlertStatus.SUSPECTED, AlertStatus.CONFIRMED])
def test_an_alert_stands(told, said, status) -> None:
    with told.write() as connection:
        alerts.add_alert(connection, an_alert(status=status, utterance_id=said))
    assert judged(told, said) == Judged(standing=COSMETIC)


@pytest.mark.parametrize("fields", [{"status": AlertStatus.WITHDRAWN}, {"reason": LAWFUL_IN_CONTEXT}])
def test_what_was_withdrawn_or_is_lawful_in_context_is_cleared(told, said, fields) -> None:
    with told.write() as connection:
        alerts.add_alert(connection, an_alert(utterance_id=said, **fields))
    assert judged(told, said) == Judged(cleared=COSMETIC)
    assert LAWFUL == LAWFUL_IN_CONTEXT


def test_a_person_clears_and_opens_again(told, said) -> None:
    with told.write() as connection:
        alerts.add_alert(connection, an_alert(utterance_id=said))
        reviews.add_review(connection, ReviewOrder("a1", ReviewAction.DISMISS, "小林", 0, "已核对"), BEGUN)
    assert judged(told, said) == Judged(cleared=COSMETIC)
    with told.write() as connection:
        reviews.add_review(connection, ReviewOrder("a1", ReviewAction.REOPEN, "小林", 1, "过期"), BEGUN)
    assert judged(told, said) == Judged(standing=COSMETIC)


def test_a_class_that_stands_once_is_not_cleared(told, said) -> None:
    with told.write() as connection:
        alerts.add_alert(connection, an_alert("a1", utterance_id=said))
        alerts.add_alert(connection, an_alert("a2", status=AlertStatus.WITHDRAWN, utterance_id=said))
    assert judged(told, said) == Judged(standing=COSMETIC)
