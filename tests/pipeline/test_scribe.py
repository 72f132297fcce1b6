"""What was heard becomes utterances and alerts in one transaction, whole sentences judged across windows."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asr.transcriber import Heard
from claims.checker import load_checker
from core.records import AlertStatus, Epoch, ModelIdentity, Severity, Stream, Utterance, Verdict, Word
from pipeline.lifecycle import LifecyclePolicy
from pipeline.scribe import Scribe, shelf_of, stands_out, with_previous
from store import alerts, outbox, recordings, streams
from store.engine import open_database
from tests.counts import times

EPOCH = Epoch("s", 1, 10_000, datetime(2026, 3, 1, tzinfo=UTC), "x")


def heard(text: str, start_ms: int, step: int = 200) -> Heard:
    """One word a character, ``step`` ms each."""
    bare = text.replace("，", "").replace("。", "")
    words = tuple(Word(c, start_ms + i * step, start_ms + (i + 1) * step, 0.9) for i, c in enumerate(bare))
    return Heard(start_ms, words[-1].end_ms, text, words, (), -0.2)


@pytest.fixture(scope="module")
def checker():
    return load_checker()


@pytest.fixture
def db(tmp_path):
    database = open_database(tmp_path / "x.db")
    with database.write() as c:
        streams.open_stream(c, Stream("s", "x"))
        recordings.put_epoch(c, EPOCH)
    yield database
    database.close()


@pytest.fixture
def scribe(db, checker):
    return Scribe(db, checker, ModelIdentity("m", "0"), shelf_of(db, "s", ""))


def stored(db):
    with db.read() as c:
        return alerts.list_alerts(c, stream="s"), [event.event for event in outbox.after(c, 0, 100)]


def test_suspected_then_confirmed_is_one_alert_with_two_events(scribe, db):
    (raised,) = scribe.suspect([heard("今天全网最低价", 1_000)], EPOCH)
    assert raised.alert.status is AlertStatus.SUSPECTED
    assert raised.alert.finding.method == "provisional"
    written = scribe.write([heard("今天全网最低价，赶紧下单。", 1_050)], EPOCH, 14_000)
    assert [(change.kind, change.alert.id) for change in written.changes] == [("confirmed", raised.alert.id)]
    kept, events = stored(db)
    assert [a.status for a in kept] == [AlertStatus.CONFIRMED]
    assert kept[0].utterance_id == written.utterances[0].id
    assert events == ["alert", "alert"]


def test_a_suspicion_that_final_text_contradicts_is_withdrawn(scribe, db):
    scribe.suspect([heard("今天全网最低价", 1_000)], EPOCH)
    (change,) = scribe.write([heard("今天天气不错。", 1_000)], EPOCH, 14_000).changes
    assert change.kind == "withdrawn"
    assert stored(db)[0][0].reason == "misheard"


def test_silence_where_something_was_suspected_withdraws_it(scribe):
    scribe.suspect([heard("今天全网最低价", 1_000)], EPOCH)
    assert [change.kind for change in scribe.write([], EPOCH, 14_000).changes] == ["withdrawn"]


def test_a_claim_cut_in_two_by_a_window_is_found(scribe):
    assert scribe.write([heard("今天全网。", 1_000)], EPOCH, 11_900).changes == ()
    (change,) = scribe.write([heard("最低价，下单吧。", 1_820)], EPOCH, 14_000).changes
    assert change.alert.finding.matched == "全网最低价"
    assert (change.alert.start_ms, change.alert.end_ms) == (11_400, 12_420)
    assert change.alert.text[change.alert.finding.start : change.alert.finding.end] == "全网最低价"


def test_what_only_the_meaning_tells_must_be_likely_enough(db, checker):
    said = "抹上三天，镜子里的自己都不敢认。"
    (finding,) = checker.check(said, "cosmetics")
    assert finding.method == "meaning"
    for number, (least, alerts_made) in enumerate([(finding.score + 0.01, 0), (finding.score, 1)]):
        scribe = Scribe(
            db,
            checker,
            ModelIdentity("m", "0"),
            shelf_of(db, "s", "cosmetics"),
            LifecyclePolicy(implied_score=least),
        )
        start_ms = 1_000 + 60_000 * number
        written = scribe.write([heard(said, start_ms)], EPOCH, start_ms + 12_000)
        assert len(written.changes) == alerts_made
        (raised,) = scribe.write([heard("今天全网最低价。", start_ms + 20_000)], EPOCH, start_ms + 32_000).changes
        assert raised.alert.finding.method != "meaning"


def test_a_restarted_scribe_knows_the_latest_repeat(scribe, db, checker):
    """The claim was said at 1, 7 and 13 s; at 20 s it is 13 s after the first and 6 s after the last."""
    for number, start_ms in enumerate((1_000, 7_000, 13_000)):
        written = scribe.write([heard("今天全网最低价。", start_ms)], EPOCH, 10_000 + start_ms + 2_000)
        assert [change.kind for change in written.changes] == ["repeated" if number else "raised"]
    second = Scribe(db, checker, ModelIdentity("m", "0"), shelf_of(db, "s", ""))
    (change,) = second.write([heard("今天全网最低价。", 19_500)], EPOCH, 32_000).changes
    assert (change.kind, change.alert.count) == ("repeated", 4)
    assert len(stored(db)[0]) == 1


def test_a_restarted_scribe_that_suspects_first_looks_back_no_further_than_it_must(scribe, db, checker):
    scribe.write([heard("今天全网最低价。", 1_000)], EPOCH, 13_000)
    scribe.write([heard("三天祛斑。", 300_000)], EPOCH, 312_000)
    second = Scribe(db, checker, ModelIdentity("m", "0"), shelf_of(db, "s", ""))
    assert second.suspect([], EPOCH) == ()
    second.suspect([heard("今天全网最低价", 310_000)], EPOCH)
    assert [t.alert.start_ms // 1_000 for t in second._state] == [310, 320]


def test_what_failed_half_way_is_forgotten(scribe, db):
    scribe.write([heard("今天全网。", 1_000)], EPOCH, 11_900)
    scribe._previous = scribe._judge(replace(an_utterance("最低价"), start_ms=11_820, end_ms=12_420)).utterance
    scribe.forget()
    (change,) = scribe.write([heard("最低价，下单吧。", 1_820)], EPOCH, 14_000).changes
    assert change.alert.finding.matched == "全网最低价"


def an_utterance(text: str) -> Utterance:
    return Utterance("s", 1, 0, 1_000, text, (), ModelIdentity("m", "0"), EPOCH.wall_start)


def test_a_restarted_scribe_confirms_what_the_first_suspected(scribe, db, checker):
    (raised,) = scribe.suspect([heard("今天全网最低价", 1_000)], EPOCH)
    second = Scribe(db, checker, ModelIdentity("m", "0"), shelf_of(db, "s", ""))
    (change,) = second.write([heard("今天全网最低价。", 1_000)], EPOCH, 13_000).changes
    assert (change.kind, change.alert.id) == ("confirmed", raised.alert.id)


def test_a_restarted_scribe_judges_behind_what_was_said_before(db, checker):
    def scribe():
        return Scribe(db, checker, ModelIdentity("m", "0"), shelf_of(db, "s", "cosmetics"))

    (raised,) = scribe().write([heard("我们家这款祛斑霜。", 1_000)], EPOCH, 13_000).changes
    (change,) = scribe().write([heard("国妆特字二零二三零一一八号。", 4_000)], EPOCH, 17_000).changes
    assert (change.kind, change.alert.id) == ("softened", raised.alert.id)


def test_the_same_window_written_twice_changes_nothing(scribe, db, checker):
    scribe.write([heard("今天全网最低价。", 1_000)], EPOCH, 13_000)
    again = Scribe(db, checker, ModelIdentity("m", "0"), shelf_of(db, "s", ""))
    assert again.write([heard("今天全网最低价。", 1_000)], EPOCH, 13_000).utterances == ()
    kept, events = stored(db)
    assert len(kept) == 1
    assert events == ["alert"]


def test_a_correction_is_kept_with_the_alert_and_lowers_it(scribe, db):
    (raised,) = scribe.write([heard("今天全网最低价。", 1_000)], EPOCH, 13_000).changes
    (change,) = scribe.write([heard("不好意思，刚才说错了。", 6_000)], EPOCH, 19_000).changes
    assert (change.kind, change.alert.id) == ("corrected", raised.alert.id)
    kept, events = stored(db)
    assert kept[0].correction.text == "不好意思，刚才说错了。"
    assert (
        kept[0].finding.severity
        is {Severity.HIGH: Severity.MEDIUM, Severity.MEDIUM: Severity.LOW}[raised.alert.finding.severity]
    )
    assert events == ["alert", "alert.corrected"]


@pytest.mark.parametrize(
    ("claim", "excuse"),
    [("我们家这款祛斑霜。", "国妆特字二零二三零一一八号。"), ("抹上它三天祛斑。", "是不可能的。")],
)
def test_what_the_next_utterance_says_softens_the_alert(db, checker, claim, excuse):
    scribe = Scribe(db, checker, ModelIdentity("m", "0"), shelf_of(db, "s", "cosmetics"))
    (raised,) = scribe.write([heard(claim, 1_000)], EPOCH, 13_000).changes
    assert raised.alert.status is AlertStatus.CONFIRMED
    (change,) = scribe.write([heard(excuse, 4_000)], EPOCH, 17_000).changes
    assert (change.kind, change.alert.id, change.alert.against) == ("softened", raised.alert.id, excuse)
    kept, events = stored(db)
    assert (kept[0].finding.severity, kept[0].finding.verdict) == (Severity.LOW, Verdict.REVIEW)
    assert kept[0].against == excuse
    assert events == ["alert", "alert.softened"]


def test_a_scrap_between_claim_and_excuse_changes_nothing(db, checker):
    scribe = Scribe(db, checker, ModelIdentity("m", "0"), shelf_of(db, "s", "cosmetics"))
    scribe.write([heard("我们家这款祛斑霜。", 1_000)], EPOCH, 13_000)
    assert scribe.write([heard("嗯对。", 3_500)], EPOCH, 14_000).changes == ()
    (change,) = scribe.write([heard("国妆特字二零二三零一一八号。", 4_500)], EPOCH, 17_000).changes
    assert change.kind == "softened"


def test_what_follows_and_excuses_nothing_leaves_the_alert_alone(scribe):
    scribe.write([heard("今天全网最低价。", 1_000)], EPOCH, 13_000)
    assert scribe.write([heard("库存不多了，赶紧拍。", 4_000)], EPOCH, 16_000).changes == ()


def test_the_reading_of_a_surer_provisional_pass_is_kept_with_that_of_the_final_one(scribe, db):
    scribe.suspect([heard("今天全网最低价", 1_000)], EPOCH)
    final = heard("今天天气不错哦。", 1_000)
    unsure = replace(final, words=tuple(replace(w, probability=0.3) for w in final.words))
    (change,) = scribe.write([unsure], EPOCH, 14_000).changes
    assert (change.kind, change.alert.reason) == ("confirmed", "heard_otherwise")
    (kept,), _ = stored(db)
    assert kept.finding.verdict is Verdict.REVIEW
    assert kept.text[kept.finding.start : kept.finding.end] == "全网最低价"
    assert "天气不错" in kept.against


SENTENCES = [
    ("今天全网最低价", "全网最低价"), ("库存不多了赶紧拍", ""), ("这款面霜三天祛斑", "祛斑"),
    ("大家晚上好欢迎来到直播间", ""), ("假一赔十请放心", ""), ("喝了它根治失眠", "根治"),
]  # fmt: skip


def windows_of(words, data):
    """Cuts speech into final windows where chance wants, with provisional windows that overlap them."""
    position = 0
    while position < len(words):
        size = data.draw(st.integers(3, 16))
        for _ in range(data.draw(st.integers(0, 2))):
            first = max(0, position - data.draw(st.integers(0, 6)))
            last = min(len(words), position + data.draw(st.integers(1, size)))
            yield "provisional", words[first:last]
        yield "final", words[position : position + size]
        position += size


def as_heard(words):
    return Heard(words[0].start_ms, words[-1].end_ms, "".join(w.text for w in words), tuple(words), (), -0.2)


@pytest.mark.slow
@settings(max_examples=times(12, 25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_however_windows_are_cut_overlap_and_are_repeated_no_claim_is_told_twice(tmp_path, checker, data):
    db = open_database(tmp_path / f"{uuid.uuid4().hex}.db")
    with db.write() as c:
        streams.open_stream(c, Stream("s", "x"))
        recordings.put_epoch(c, EPOCH)
    said = data.draw(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=5, unique=True))
    words, at = [], 0
    for sentence, _ in said:
        words += [Word(c, at + 200 * i, at + 200 * i + 200, 0.9) for i, c in enumerate(sentence)]
        at = words[-1].end_ms + data.draw(st.sampled_from([0, 300, 1_200]))
    made = Scribe(db, checker, ModelIdentity("m", "0"), shelf_of(db, "s", "cosmetics"))
    for kind, window in windows_of(words, data):
        if kind == "provisional":
            made.suspect([as_heard(window)], EPOCH)
            continue
        cursor = EPOCH.offset_ms + window[-1].end_ms
        made.write([as_heard(window)], EPOCH, cursor)
        if data.draw(st.integers(0, 4)) == 0:
            made = Scribe(db, checker, ModelIdentity("m", "0"), shelf_of(db, "s", "cosmetics"))
            made.write([as_heard(window)], EPOCH, cursor)
    made.write([], EPOCH, EPOCH.offset_ms + at + 60_000)
    kept, events = stored(db)
    db.close()
    standing = [a for a in kept if a.status is AlertStatus.CONFIRMED]
    assert all(a.status is not AlertStatus.SUSPECTED for a in kept)
    for index, one in enumerate(standing):
        for other in standing[index + 1 :]:
            assert min(one.end_ms, other.end_ms) <= max(one.start_ms, other.start_ms), (one.text, other.text)
    assert len(events) <= 2 * len(kept) + sum(a.count - 1 for a in kept)


def test_short_and_doubtful_matches_raise_no_suspicion(scribe):
    (change,) = scribe.write([heard("今天全网最低价。", 1_000)], EPOCH, 13_000).changes
    finding = change.alert.finding
    assert stands_out(finding)
    assert not stands_out(replace(finding, matched="第一"))
    assert not stands_out(replace(finding, score=0.4))
    assert not stands_out(replace(finding, severity=Severity.LOW))
    assert not stands_out(replace(finding, matched="全网最", method="sound"))


def test_a_long_pause_parts_sentences():
    first = Utterance("s", 1, 0, 1_000, "今天全网。", (), ModelIdentity("m", ""), EPOCH.wall_start)
    assert with_previous(first, replace(first, start_ms=1_100, text="最低价。"))[0].text == "今天全网最低价。"
    assert with_previous(first, replace(first, start_ms=1_500, text="最低价。"))[0].text == "今天全网，最低价。"
    assert with_previous(first, replace(first, start_ms=5_000, text="最低价。")) == (
        replace(first, start_ms=5_000, text="最低价。"), 0,
    )  # fmt: skip
    with_other_epoch = replace(first, epoch=2, start_ms=1_100)
    assert with_previous(first, with_other_epoch) == (with_other_epoch, 0)


def test_what_was_said_before_the_law_was_in_force_is_not_judged_by_it(scribe, db):
    """The last minute of August 2015 in Beijing, and the first of September: the wall time of the utterance counts."""
    eve = replace(EPOCH, wall_start=datetime(2015, 8, 31, 15, 59, tzinfo=UTC))
    assert not scribe.write([heard("今天全网最低价，赶紧下单。", 1_000)], eve, 14_000).changes
    day = replace(EPOCH, wall_start=datetime(2015, 8, 31, 16, 1, tzinfo=UTC))
    assert scribe.write([heard("今天全网最低价，赶紧下单。", 20_000)], day, 34_000).changes
