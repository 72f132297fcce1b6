"""kill -9 of a watcher, at any moment: each alert is there once in the end, and was told once as what it is."""

import json
import time
from collections import Counter
from difflib import SequenceMatcher
from itertools import pairwise

import pytest

from core.pinyin import merged_syllables
from core.records import AlertStatus
from ingest.hls_server import HlsLoopbackServer
from store import alerts, outbox, utterances
from store.engine import open_database

pytestmark = pytest.mark.slow


def outcome(data):
    """All alerts, what the outbox told of them, and what was heard."""
    db = open_database(data / "livewitness.db")
    with db.read() as c:
        found = alerts.list_alerts(c, stream="s", limit=10_000)
        told = [json.loads(e.payload) for e in outbox.after(c, 0, 10_000) if e.alert_id]
        heard = utterances.list_utterances(c, "s")
    db.close()
    return found, told, heard


def by_text(found, heard):
    """Rules and words alerted on, by the text of the utterance they stand in, with its neighbours, judged along."""
    standing = [a for a in found if a.status is AlertStatus.CONFIRMED]
    texts = ["", *(utterance.text for utterance in heard), ""]
    return {
        tuple(texts[at : at + 3]): sorted(
            (a.finding.rule_id, a.finding.matched) for a in standing if a.utterance_id == u.id
        )
        for at, u in enumerate(heard)
    }


def told_once(found, told):
    """Each alert was told as confirmed once, or as withdrawn once, and nothing is left suspected."""
    ends = Counter((e["alert_id"], e["status"]) for e in told if e["event"] == "alert" and e["status"] != "suspected")
    assert set(ends.values()) <= {1}, ends
    assert {alert_id for alert_id, _ in ends} == {a.id for a in found}
    assert all(a.status is not AlertStatus.SUSPECTED for a in found)


@pytest.fixture(scope="module")
def expected(make_cli, piece):
    """What a watcher that nobody kills makes of the file."""
    whole = make_cli("whole")
    whole.run("watch", piece(0, 48), "--stream", "s", "--json")
    return outcome(whole.data)


@pytest.mark.parametrize("kill_after", [("alert", 1), ("utterance", 3)])
def test_a_file_whose_watcher_is_killed_has_the_alerts_of_one_that_was_not(cli, piece, expected, kill_after) -> None:
    arguments = ("watch", piece(0, 48), "--stream", "s", "--json")
    first = cli.start(*arguments)
    first.wait_for(*kill_after)
    first.kill()
    second = cli.run(*arguments)
    assert second.json[-1]["event"] == "stream.ended"
    found, told, heard = outcome(cli.data)
    alerts_expected, _, expected_heard = expected
    told_once(found, told)
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(heard)), "nothing is heard twice"
    sounds = [merged_syllables("".join(u.text for u in spoken)) for spoken in (heard, expected_heard)]
    assert SequenceMatcher(None, *sounds, autojunk=False).ratio() > 0.95, "nothing is left out"
    # Where a watcher goes on, a character may be heard otherwise; the same texts have the same alerts.
    mine, wanted = by_text(found, heard), by_text(alerts_expected, expected_heard)
    shared = mine.keys() & wanted.keys()
    assert shared
    assert {text: mine[text] for text in shared} == {text: wanted[text] for text in shared}


def test_a_live_stream_whose_watcher_is_killed_again_and_again_tells_nothing_twice(cli, piece) -> None:
    with HlsLoopbackServer(piece(0, 60), realtime=True) as server:
        arguments = ("watch", server.url, "--stream", "s", "--json")
        for _ in range(2):
            watching = cli.start(*arguments)
            watching.wait_for("alert")
            time.sleep(0.5)
            watching.kill()
        last = cli.start(*arguments)
        last.wait_for("stream.ended")
        assert last.wait() == 0
    found, told, _ = outcome(cli.data)
    told_once(found, told)
    standing = [a for a in found if a.status is AlertStatus.CONFIRMED]
    assert standing
    for index, one in enumerate(standing):
        for other in standing[index + 1 :]:
            same = one.finding.canonical == other.finding.canonical and one.finding.rule_id == other.finding.rule_id
            assert not same or abs((one.wall_time - other.wall_time).total_seconds()) > 2, (one.text, other.text)
