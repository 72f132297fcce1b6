"""A claim is one alert from the first suspicion to its end, however often windows overlap."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.records import Alert, AlertStatus, Category, Correction, Finding, Severity, Verdict, Word
from pipeline.lifecycle import (
    HEARD_OTHERWISE,
    LAWFUL_IN_CONTEXT,
    MISHEARD,
    Excuse,
    Final,
    LifecyclePolicy,
    corrected,
    finalised,
    resumed,
    softened,
    suspected,
)

POLICY = LifecyclePolicy()


def alert(start_ms: int, matched: str = "全网最低价", *, canonical: str = "", number: int = 0, **changes) -> Alert:
    finding = Finding(
        "ad.lowest", Category.ABSOLUTE_TERM, Severity.HIGH, Verdict.VIOLATION, 0, len(matched), matched,
        canonical or matched, "exact", 0.9, "最低价", (), "", "", "p", "1", "0",
    )  # fmt: skip
    made = Alert(
        f"a{start_ms}-{number}", AlertStatus.CONFIRMED, "s", 1, start_ms, start_ms + 200 * len(matched),
        datetime(2026, 1, 1, tzinfo=UTC), matched, finding, 900,
    )  # fmt: skip
    return replace(made, **changes)


def suspicion(start_ms: int, matched: str = "全网最低价", **more) -> Alert:
    return alert(start_ms, matched, status=AlertStatus.SUSPECTED, **more)


def kinds(changes) -> list[tuple[str, str]]:
    return [(change.kind, change.alert.id) for change in changes]


def test_a_suspicion_is_confirmed_under_its_own_id():
    first = suspicion(1_000, "全往最低价", canonical="全网最低价")
    state, changes = suspected((), [first], POLICY)
    assert kinds(changes) == [("raised", first.id)]
    state, (change,) = finalised(state, [alert(1_120)], Final(3_000, "今天全网最低价。"), POLICY)
    assert (change.kind, change.alert.id) == ("confirmed", first.id)
    assert change.alert.status is AlertStatus.CONFIRMED
    assert change.alert.finding.matched == "全网最低价"
    assert len(state) == 1


def test_final_text_that_shows_more_of_the_same_claim_confirms_it():
    state, _ = suspected((), [suspicion(1_000, "能治疗失眠")], POLICY)
    _, changes = finalised(state, [alert(1_600, "失眠不用再吃药")], Final(4_000, "能治疗失眠，不用再吃药。"), POLICY)
    assert kinds(changes) == [("confirmed", "a1000-0")]


def test_overlapping_provisional_windows_raise_one_suspicion():
    state, _ = suspected((), [suspicion(1_000)], POLICY)
    state, changes = suspected(state, [suspicion(1_060, number=2)], POLICY)
    assert changes == ()
    assert len(state) == 1


def test_overlapping_final_windows_raise_one_alert():
    state, _ = finalised((), [alert(1_000)], Final(3_000, "全网最低价。"), POLICY)
    _, changes = finalised(state, [alert(1_040, number=2)], Final(4_000, "全网最低价。"), POLICY)
    assert changes == ()


def test_a_suspicion_that_the_final_text_does_not_hold_is_withdrawn_with_the_reason():
    for text, reason in (("今天天气不错。", MISHEARD), ("我们不敢说全网最低价。", LAWFUL_IN_CONTEXT)):
        state, _ = suspected((), [suspicion(1_000)], POLICY)
        state, (change,) = finalised(state, [], Final(3_000, text), POLICY)
        assert (change.kind, change.alert.status, change.alert.reason) == ("withdrawn", AlertStatus.WITHDRAWN, reason)


def test_a_suspicion_that_no_final_text_has_reached_stays_open():
    state, _ = suspected((), [suspicion(5_000)], POLICY)
    state, changes = finalised(state, [], Final(4_000, "前一句。"), POLICY)
    assert changes == ()
    assert state[0].alert.status is AlertStatus.SUSPECTED


def test_a_host_who_repeats_himself_makes_a_count_not_alerts():
    state, _ = finalised((), [alert(1_000)], Final(3_000, "全网最低价。"), POLICY)
    state, (change,) = finalised(state, [alert(4_000)], Final(6_000, "全网最低价。"), POLICY)
    assert (change.kind, change.alert.id, change.alert.count) == ("repeated", "a1000-0", 2)
    _, changes = suspected(state, [suspicion(8_000)], POLICY)
    assert changes == (), "a repeat is not suspected again"


def test_the_same_claim_much_later_is_a_new_alert():
    state, _ = finalised((), [alert(1_000)], Final(3_000, "全网最低价。"), POLICY)
    _, (change,) = finalised(state, [alert(40_000)], Final(42_000, "全网最低价。"), POLICY)
    assert (change.kind, change.alert.count) == ("raised", 1)


def test_different_claims_side_by_side_are_two_alerts():
    found = [alert(1_000, "三天祛斑"), alert(2_000, "七天美白")]
    _, changes = finalised((), found, Final(4_000, "三天祛斑，七天美白。"), POLICY)
    assert len(changes) == 2


def test_a_correction_lowers_the_severity_and_is_kept_with_the_latest_claim():
    state, _ = finalised((), [alert(1_000, "三天祛斑"), alert(20_000)], Final(22_000, ""), POLICY)
    correction = Correction("刚才说错了", 25_000, 26_000)
    state, (change,) = corrected(state, correction, POLICY)
    assert (change.kind, change.alert.id) == ("corrected", "a20000-0")
    assert change.alert.finding.severity is Severity.MEDIUM
    assert change.alert.correction == correction
    assert corrected(state, replace(correction, start_ms=26_500), POLICY)[1] == (), "taken back once is enough"


def test_a_claim_named_in_the_correction_is_meant_as_well():
    state, _ = finalised((), [alert(1_000, "三天祛斑"), alert(20_000)], Final(22_000, ""), POLICY)
    _, changes = corrected(state, Correction("更正一下，不是三天祛斑", 25_000, 26_000), POLICY)
    assert {change.alert.finding.matched for change in changes} == {"三天祛斑", "全网最低价"}


def test_a_correction_that_comes_too_late_changes_nothing():
    state, _ = finalised((), [alert(1_000)], Final(3_000, ""), POLICY)
    assert corrected(state, Correction("口误", 90_000, 91_000), POLICY)[1] == ()


def spoken(text: str, probability: float, start_ms: int) -> tuple[Word, ...]:
    return tuple(Word(c, start_ms + 200 * i, start_ms + 200 * (i + 1), probability) for i, c in enumerate(text))


def test_a_suspicion_the_final_pass_may_have_misheard_is_kept_for_a_person_with_both_readings():
    for probability, kind in ((0.3, "confirmed"), (0.9, "withdrawn")):
        state, _ = suspected((), [suspicion(1_000, "三天祛斑")], POLICY, {"a1000-0": 0.8})
        final = Final(3_000, "三天取半。", spoken("三天取半", probability, 1_000))
        state, (change,) = finalised(state, [], final, POLICY)
        assert (change.kind, change.alert.id) == (kind, "a1000-0")
        doubtful = change.alert
        if kind == "confirmed":
            assert (doubtful.finding.verdict, doubtful.reason) == (Verdict.REVIEW, HEARD_OTHERWISE)
            assert (doubtful.text, doubtful.against) == ("三天祛斑", "三天取半")
            _, (again,) = finalised(state, [alert(4_000, "三天祛斑")], Final(6_000, "三天祛斑。"), POLICY)
            assert again.kind == "raised", "a doubtful alert does not cover for a plain one"


def test_what_is_said_next_softens_a_confirmed_alert_once():
    state, _ = finalised((), [alert(1_000, "祛斑霜"), alert(4_000)], Final(6_000, ""), POLICY)
    excuse = Excuse("ad.lowest", 1_050, 1_500, "国妆特字二零二三")
    state, (change,) = softened(state, [excuse])
    assert (change.kind, change.alert.id, change.alert.status) == ("softened", "a1000-0", AlertStatus.CONFIRMED)
    assert (change.alert.finding.severity, change.alert.finding.verdict) == (Severity.LOW, Verdict.REVIEW)
    assert (change.alert.reason, change.alert.against) == (LAWFUL_IN_CONTEXT, "国妆特字二零二三")
    assert softened(state, [excuse])[1] == ()
    _, (again,) = finalised(state, [alert(5_000, "祛斑霜")], Final(7_000, ""), POLICY)
    assert again.kind == "raised", "what was excused does not cover for the same claim made again"


def test_an_excuse_is_for_its_own_rule_and_place():
    state, _ = finalised((), [alert(1_000)], Final(3_000, ""), POLICY)
    for excuse in (Excuse("other", 1_000, 2_000, "x"), Excuse("ad.lowest", 4_000, 5_000, "x")):
        assert softened(state, [excuse]) == (state, ())


def test_a_restart_takes_up_stored_suspicions():
    state = resumed([suspicion(1_000)], (), POLICY)
    _, (change,) = finalised(state, [alert(1_050)], Final(3_000, "全网最低价。"), POLICY)
    assert (change.kind, change.alert.id) == ("confirmed", "a1000-0")


def test_what_a_source_gives_again_after_it_was_opened_anew_is_no_second_alert():
    begun = alert(0).wall_time
    state, _ = finalised((), [alert(20_000, wall_time=begun + timedelta(seconds=20))], Final(22_000, ""), POLICY)
    again = alert(25_000, epoch=2, wall_time=begun + timedelta(seconds=18))
    assert suspected(state, [replace(again, status=AlertStatus.SUSPECTED)], POLICY)[1] == ()
    state, changes = finalised(state, [again], Final(26_000, ""), POLICY)
    assert changes == ()
    later = alert(50_000, epoch=2, wall_time=begun + timedelta(seconds=45))
    assert kinds(finalised(state, [later], Final(52_000, ""), POLICY)[1]) == [("raised", later.id)]


CLAIMS = st.lists(st.tuples(st.integers(0, 60_000), st.sampled_from(["全网最低价", "三天祛斑", "根治"])), max_size=8)


@given(CLAIMS, CLAIMS)
def test_whatever_is_heard_no_id_is_raised_twice_and_every_suspicion_ends(provisional, final):
    state, changes = suspected((), [suspicion(at, word, number=i) for i, (at, word) in enumerate(provisional)], POLICY)
    found = sorted((alert(at, word, number=100 + i) for i, (at, word) in enumerate(final)), key=lambda a: a.start_ms)
    state, more = finalised(state, found, Final(100_000, ""), POLICY)
    raised = [change.alert.id for change in (*changes, *more) if change.kind == "raised"]
    assert len(raised) == len(set(raised))
    assert all(t.alert.status is not AlertStatus.SUSPECTED for t in state)
    ended = {change.alert.id for change in more if change.kind in {"confirmed", "withdrawn"}}
    assert {change.alert.id for change in changes} == ended
