"""How ``bench live`` judges alerts against what was said, what its table shows, and one short real run."""

import json

import numpy as np
import pytest
from rich.console import Console

from core.errors import StorageError
from livewitness.bench.live import Run, Told, is_false, run_live_bench, said_at, spread, write_wav
from livewitness.bench.live_table import ROWS, table
from livewitness.bench.recordings import Recording
from livewitness.bench.scoring import Score
from livewitness.broadcast import TruthSentence
from models.speech import SAMPLE_RATE


def said(name: str, start: float, end: float, label: str = "none") -> TruthSentence:
    return TruthSentence(name, "说了什么", start, end, label, (), (), "other")


TALK = Recording(
    "talk",
    np.zeros(SAMPLE_RATE, dtype=np.float32),
    (said("lawful", 0, 4), said("claim", 4.2, 8, "absolute_term"), said("later", 20, 24)),
)


def alert(start: float, end: float) -> dict:
    return {"event": "alert", "status": "confirmed", "start": start, "end": end, "latency_ms": 700}


def test_an_alert_belongs_to_the_sentence_it_shares_most_time_with():
    assert said_at(TALK, alert(3.5, 6)).id == "claim"
    assert said_at(TALK, alert(1, 4.3)).id == "lawful"
    assert said_at(TALK, alert(12, 13)) is None


def test_an_alert_is_false_only_where_nothing_unlawful_is_said_beside_it():
    assert is_false(TALK, alert(21, 22))
    assert not is_false(TALK, alert(5, 6))
    assert not is_false(TALK, alert(3, 4)), "the claim follows within half a second"
    assert not is_false(TALK, alert(12, 13)), "nothing known is said there"


def test_percentiles_of_nothing_are_zero():
    assert spread([]) == spread([]).__class__(0, 0.0, 0.0)
    assert spread([1.0, 2.0, 3.0]).p50 == 2.0


def test_what_a_stream_tells_is_noted():
    told = Told()
    for event in (
        {"event": "utterance", "text": "今天"},
        {"event": "lag", "lag": 9.5},
        {"event": "lag", "lag": 3.0},
        alert(1, 2),
        {"event": "utterance", "text": "上新"},
    ):
        told.take(event)
    assert (told.text, told.lag_s, len(told.alerts)) == ("今天上新", 9.5, 1)


def test_a_sound_is_repeated_until_it_fills_the_time(tmp_path):
    from ingest.pcm import decode_pcm

    ramp = np.linspace(-0.5, 0.5, SAMPLE_RATE, dtype=np.float32)
    write_wav(tmp_path / "r.wav", ramp, 2.5)
    heard = np.concatenate([*decode_pcm([tmp_path / "r.wav"])])
    np.testing.assert_allclose(heard, np.concatenate([ramp, ramp, ramp[: SAMPLE_RATE // 2]]), atol=1e-3)


def run(column: str, streams: int) -> Run:
    return Run(
        system="livewitness",
        column=column,
        streams=streams,
        seconds=60.0,
        suspected=spread([0.3, 0.8]),
        confirmed=spread([1.5, 2.5]),
        claims=36,
        claims_found=27,
        claims_suspected=20,
        claims_suspected_first=18,
        alerts=35,
        withdrawn=2,
        false_alerts=1,
        false_suspicions=0,
        lawful_s=100.0,
        score=Score(100, 10, 5, 9, 6, 8, 9),
        cpu_s=72.0,
        ffmpeg_cpu_s=1.0,
        peak_mib=742,
        lost_s=0.0,
        late_s=1.0,
        lag_s=0.0,
        decodes={"decodes": {"provisional": 165, "final": 67}, "dropped": {"late": 2, "overtaken": 4}},
        terms_by_recording={"clean": "9/9"},
    )


def test_rates_are_by_the_hour_of_a_stream():
    one = run("ours 4", 4)
    assert one.cpu_s_per_stream_s == 0.3
    assert one.an_hour(one.false_alerts) == 15
    assert (one.provisional_made, one.provisional_dropped) == (165, 6)
    assert one.as_dict()["cer"] == 0.1


def test_the_table_of_six_runs_can_be_read_in_a_hundred_columns():
    console = Console(width=100, record=True, file=None, quiet=False)
    with console.capture() as shown:
        console.print(table([run(name, 4) for name in ("ours 1", "ours 4", "ours 8", "lawful", "overload", "peer 1")]))
    text = shown.get()
    assert "…" not in text
    for label, value in ROWS:
        assert label in text
        assert value(run("ours 4", 4)) in text


def test_an_output_that_cannot_be_written_is_refused_first(tmp_path):
    with pytest.raises(StorageError):
        run_live_bench(tmp_path / "nowhere" / "x.json")


@pytest.mark.slow
def test_a_short_run_finds_the_claim_and_loses_nothing(tmp_path, capsys):
    (only,) = run_live_bench(tmp_path / "live.json", streams=[1], seconds=20, overload=False, lawful=False)
    assert only.lost_s == 0
    assert only.claims_found >= 1
    assert json.loads((tmp_path / "live.json").read_text())["runs"][0]["streams"] == 1
    assert "confirmed p50/p95 s" in capsys.readouterr().out
