"""What a long run counts as growth, and one real run of a minute."""

import json

import pytest

from core.errors import StorageError
from livewitness.bench.soak import Sample, Soak, Tally, run_soak, sample


def soak(memory: list[float], seconds: float) -> Soak:
    samples = tuple(Sample(10.0 * (i + 1), m, 20, 40) for i, m in enumerate(memory))
    return Soak(8, seconds, samples, 8 * seconds, 0.0, 1.0, 0.0, 100.0, {}, {})


def test_growth_begins_to_count_after_ten_minutes():
    warming = [500 + 2.0 * i for i in range(60)]
    steady = [620.0] * 300
    assert abs(soak(warming + steady, 3600).growth("memory_mib")) < 1
    leaking = [620 + 0.1 * i for i in range(300)]
    assert soak(warming + leaking, 3600).growth("memory_mib") == pytest.approx(29.8, abs=0.2)


def test_what_comes_after_the_end_does_not_count():
    assert soak([500.0] * 360 + [100.0] * 10, 3600).growth("memory_mib") == 0


def test_a_short_run_warms_up_in_a_sixth_of_its_time():
    assert soak([500.0] * 12, 120).warm_s == 20


def test_events_are_counted_by_name_and_the_greatest_lag_is_kept():
    tally = Tally()
    for event in (
        {"event": "alert", "status": "confirmed"},
        {"event": "lag", "lag": 12.0},
        {"event": "lag", "lag": 2.0},
    ):
        tally.take(event)
    assert tally.events == {"alert confirmed": 1, "lag": 2}
    assert tally.lag_s == 12.0


def test_a_sample_tells_of_this_process():
    now = sample(3.0)
    assert now.memory_mib > 10
    assert now.threads >= 1
    assert now.open_files >= 3


def test_an_output_that_cannot_be_written_is_refused_first(tmp_path):
    with pytest.raises(StorageError):
        run_soak(tmp_path / "nowhere" / "x.json")


@pytest.mark.slow
def test_a_minute_of_two_streams(tmp_path, capsys):
    result = run_soak(tmp_path / "soak.json", streams=2, minutes=0.5)
    assert result.lost_s == 0
    assert result.events["utterance"] > 4
    assert json.loads((tmp_path / "soak.json").read_text())["streams"] == 2
    assert "memory growth" in capsys.readouterr().out
