"""What people decide about an alert is a history: nothing is deleted, nobody decides over another's head unseen."""

import json
import threading

import pytest

from core.errors import BadInputError, ConflictError, NotFoundError
from core.records import AlertStatus, ReviewAction, ReviewState
from store import alerts, outbox, reviews
from store.reviews import NOTE_LENGTH, ReviewOrder
from tests.alerting import BEGUN, an_alert


@pytest.fixture
def db(told):
    with told.write() as c:
        for number in range(1, 4):
            alerts.add_alert(c, an_alert(f"a{number}"))
    return told


def order(action: ReviewAction, seen: int, *, alert_id: str = "a1", reviewer: str = "小林", **more: str) -> ReviewOrder:
    return ReviewOrder(alert_id, action, reviewer, seen, **more)


def do(db, *orders: ReviewOrder) -> None:
    for wanted in orders:
        with db.write() as c:
            reviews.add_review(c, wanted, BEGUN)


def test_each_step_is_kept_and_the_last_one_says_how_the_alert_stands(db) -> None:
    do(
        db,
        order(ReviewAction.ACKNOWLEDGE, 0),
        order(ReviewAction.ASSIGN, 1, assignee="老周"),
        order(ReviewAction.ESCALATE, 2, reviewer="老周", note="主播第三次这样说"),
        order(ReviewAction.DISMISS, 3, reviewer="老周", note="已核对批文"),
        order(ReviewAction.REOPEN, 4, note="批文过期"),
    )
    with db.read() as c:
        kept = reviews.list_reviews(c, "a1")
        assert reviews.state_of(c, "a1") == kept[-1]
        assert reviews.state_of(c, "a2") is None
        assert reviews.states_of(c, ["a1", "a2"]) == {"a1": kept[-1]}
    assert [review.number for review in kept] == [1, 2, 3, 4, 5]
    assert [review.state for review in kept] == ["acknowledged", "acknowledged", "escalated", "dismissed", "open"]
    assert [review.assignee for review in kept] == ["", "老周", "老周", "老周", "老周"]
    assert kept[3].note == "已核对批文"
    assert kept[3].at == BEGUN


def test_a_review_is_told_with_who_what_when_and_why(db) -> None:
    do(db, order(ReviewAction.DISMISS, 0, note="口播的是竞品"))
    with db.read() as c:
        (event,) = outbox.after(c, 0, 10)
    assert (event.event, event.alert_id, event.stream) == ("alert.reviewed", "a1", "s")
    payload = json.loads(event.payload)
    assert payload["status"] == "confirmed"
    assert payload["review"] == {
        "number": 1,
        "action": "dismiss",
        "state": "dismissed",
        "assignee": "",
        "reviewer": "小林",
        "note": "口播的是竞品",
        "at": "2026-11-11T12:00:00.000Z",
    }


def test_a_dismissed_alert_stays_and_what_was_found_stays_with_it(db) -> None:
    do(db, order(ReviewAction.DISMISS, 0, note="口播的是竞品"))
    with db.read() as c:
        assert alerts.get_alert(c, "a1") == an_alert("a1")
        assert len(alerts.list_alerts(c)) == 3


def test_what_recognition_finds_later_leaves_the_review_alone(db) -> None:
    do(db, order(ReviewAction.ACKNOWLEDGE, 0))
    with db.write() as c:
        alerts.update_alert(c, an_alert("a1", status=AlertStatus.WITHDRAWN, reason="misheard"))
    with db.read() as c:
        assert reviews.state_of(c, "a1").state is ReviewState.ACKNOWLEDGED
        assert alerts.get_alert(c, "a1").status is AlertStatus.WITHDRAWN


def test_alerts_are_listed_by_how_they_stand_and_by_who_has_them(db) -> None:
    do(
        db,
        order(ReviewAction.DISMISS, 0, note="竞品"),
        order(ReviewAction.ASSIGN, 0, alert_id="a2", assignee="老周"),
        order(ReviewAction.ACKNOWLEDGE, 1, alert_id="a2"),
        order(ReviewAction.REOPEN, 2, alert_id="a2"),
    )
    with db.read() as c:
        by_state = {s: [a.id for a in alerts.list_alerts(c, review=s)] for s in ("open", "dismissed", "acknowledged")}
        mine = [a.id for a in alerts.list_alerts(c, assignee="老周")]
        page = [a.id for a in alerts.list_alerts(c, review="open", after="a2")]
    assert by_state == {"open": ["a2", "a3"], "dismissed": ["a1"], "acknowledged": []}
    assert mine == ["a2"]
    assert page == ["a3"]


def test_who_decides_on_what_is_no_longer_so_is_told_of_the_conflict(db) -> None:
    do(db, order(ReviewAction.ACKNOWLEDGE, 0))
    with pytest.raises(ConflictError) as caught:
        do(db, order(ReviewAction.DISMISS, 0, reviewer="老周", note="竞品"))
    assert caught.value.code == "review_stale"
    assert "小林" in caught.value.sentence.zh
    with pytest.raises(ConflictError):
        do(db, order(ReviewAction.ACKNOWLEDGE, 1, alert_id="a2"))
    with db.read() as c:
        assert len(reviews.list_reviews(c, "a1")) == 1
        assert outbox.newest(c) == 1


def test_of_many_who_decide_at_once_one_succeeds(db) -> None:
    together, outcomes = threading.Barrier(6), []

    def decide(name: str) -> None:
        together.wait()
        try:
            do(db, order(ReviewAction.ACKNOWLEDGE, 0, reviewer=name))
        except ConflictError:
            outcomes.append("conflict")
        else:
            outcomes.append("done")

    people = [threading.Thread(target=decide, args=(f"审核{n}",)) for n in range(6)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(outcomes) == ["conflict"] * 5 + ["done"]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (order(ReviewAction.DISMISS, 0, note="  "), "review_reason"),
        (order(ReviewAction.ASSIGN, 0), "review_to_nobody"),
        (order(ReviewAction.ACKNOWLEDGE, 0, reviewer=" "), "review_by_nobody"),
        (order(ReviewAction.DISMISS, 0, note="长" * (NOTE_LENGTH + 1)), "review_too_long"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_in_a_sentence(db, wanted, code) -> None:
    with pytest.raises(BadInputError) as caught:
        do(db, wanted)
    assert caught.value.code == code
    assert caught.value.sentence.zh


def test_an_unknown_alert_is_not_found(db) -> None:
    with pytest.raises(NotFoundError):
        do(db, order(ReviewAction.ACKNOWLEDGE, 0, alert_id="a9"))
