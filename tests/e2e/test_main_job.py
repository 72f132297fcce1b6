"""From a broadcast to the clip, as a newcomer sees it."""

import av
import pytest

from ingest.hls_server import HlsLoopbackServer
from livewitness.broadcast import load_truth, media_path

pytestmark = pytest.mark.slow
TRUTH = load_truth()


def sentence_at(start: float, end: float):
    """The sentence of the script that shares most time with ``[start, end]``."""
    return max(TRUTH, key=lambda sentence: min(end, sentence.end) - max(start, sentence.start))


@pytest.fixture(scope="module")
def watched(make_cli):
    """The broadcast watched over HLS, as fast as the machine can."""
    cli = make_cli("main")
    with HlsLoopbackServer(media_path(), realtime=False) as server:
        done = cli.run("watch", server.url, "--stream", "播证", "--shop", "演示小店", "--json")
    return cli, done


def test_alerts_fall_on_violating_sentences_and_on_no_lawful_one(watched) -> None:
    _, done = watched
    told = [event for event in done.json if event["event"] == "alert"]
    alerts = [event for event in told if event["status"] == "confirmed"]
    assert len({a["alert_id"] for a in alerts}) == len(alerts)
    ended = {event["alert_id"] for event in told if event["status"] != "suspected"}
    assert {event["alert_id"] for event in told if event["status"] == "suspected"} <= ended
    hit = {sentence_at(a["start"], a["end"]).id for a in alerts}
    violating = {sentence.id for sentence in TRUTH if sentence.violating}
    false = [
        (a["rule_id"], a["matched"], a["start"])
        for a in alerts
        if sentence_at(a["start"], a["end"]).id not in violating
    ]
    assert false == []
    assert len(hit) >= 8, sorted(violating - hit)
    for alert in alerts:
        assert alert["legal_basis"][0].keys() >= {"law", "article"}
        assert alert["advice"]
        assert alert["latency_ms"] >= 0


def test_every_second_is_recorded_and_heard(watched) -> None:
    _, done = watched
    ended = done.json[-1]
    assert ended["event"] == "stream.ended"
    assert ended["reason"] == "ended"
    assert abs(ended["recorded"] - 94) < 1
    heard = "".join(event["text"] for event in done.json if event["event"] == "utterance")
    assert len(heard) > 0.8 * sum(len(sentence.text) for sentence in TRUTH)


def test_search_lands_on_the_word_and_the_clip_plays(watched, tmp_path) -> None:
    cli, _ = watched
    (answer,) = cli.run("search", "三天祛斑", "--json").json
    first = answer["hits"][0]
    assert first["rank"] == 1
    assert abs(first["start"] - 5.76) < 1
    assert answer["searched"]["streams"] == 1
    assert abs(answer["searched"]["seconds"] - 94) < 1
    second = answer["hits"][1]
    assert sentence_at(second["start"], second["end"]).id == "s05", "said in other words"

    target = tmp_path / "证据.mp4"
    span = (first["clip"]["start"], first["clip"]["end"])
    (clip,) = cli.run("clip", "播证", *span, "-o", target, "--json").json
    assert clip["start"] <= span[0]
    with av.open(str(target)) as container:
        kinds = {stream.type for stream in container.streams}
        frames = sum(1 for _ in container.decode(video=0))
    assert kinds == {"video", "audio"}
    assert frames >= 25 * (span[1] - span[0])


def test_the_same_file_again_is_already_done_and_a_restart_does_not_embed_again(watched) -> None:
    cli, _ = watched
    before = cli.run("search", "稳赚不赔", "--json").json
    again = cli.run("search", "稳赚不赔", "--json").json
    assert before == again
    assert again[0]["searched"]["not_indexed"] == 0


def test_the_demo_does_the_whole_job_in_one_command(cli) -> None:
    done = cli.run("demo", "--speed", "fast", COLUMNS="160")
    assert "SHA-256" in done.out
    assert "三天" in done.out
    assert "http://127.0.0.1:" in done.out
    assert len(list((cli.data / "clips").glob("*.mp4"))) == 1
