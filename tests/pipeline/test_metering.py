"""Events become measurements, per stream."""

from dataclasses import replace

from core.metrics import Metrics
from core.shapes import alert_json
from pipeline.metering import metered
from tests.alerting import an_alert


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"livewitness_{name}", labels)


def test_events_are_counted_by_stream_and_passed_on() -> None:
    metrics, passed = Metrics(), []
    emit = metered(metrics, passed.append)
    events = [
        {"event": "stream.started", "stream": "s"},
        {"event": "segment", "stream": "s", "start": 0.0, "end": 4.0},
        {"event": "segment", "stream": "t", "start": 0.0, "end": 2.5},
        {"event": "utterance", "stream": "s"},
        {"event": "utterance", "stream": "s"},
        {"event": "gap", "stream": "s", "start": 4.0, "end": 9.0, "reason": "source_silent"},
        {"event": "lag", "stream": "s", "lag": 17.0},
        {"event": "alert"} | alert_json(an_alert()),
        {"event": "stream.failed", "stream": "t"},
    ]
    for event in events:
        emit(event)
    assert passed == events
    assert value(metrics, "segments_total", stream="s") == 1
    assert value(metrics, "recorded_seconds_total", stream="t") == 2.5
    assert value(metrics, "utterances_total", stream="s") == 2
    assert value(metrics, "gap_seconds_total", stream="s") == 5
    assert value(metrics, "gaps_total", stream="s", reason="source_silent") == 1
    assert value(metrics, "lag_seconds", stream="s") == 17
    assert value(metrics, "alerts_total", stream="s", status="confirmed", severity="high") == 1
    assert value(metrics, "alert_latency_seconds_bucket", stream="s", status="confirmed", le="0.6") == 0
    assert value(metrics, "alert_latency_seconds_bucket", stream="s", status="confirmed", le="0.8") == 1
    assert value(metrics, "warnings_total", stream="t", event="stream.failed") == 1
    emit({"event": "stream.ended", "stream": "s"})
    assert value(metrics, "lag_seconds", stream="s") == 0


def test_a_run_that_fails_leaves_no_gauge_up() -> None:
    metrics = Metrics()
    emit = metered(metrics, lambda event: None)
    emit({"event": "lag", "stream": "s", "lag": 17.0})
    emit({"event": "stream.disk_full", "stream": "s"})
    emit({"event": "stream.failed", "stream": "s"})
    assert value(metrics, "lag_seconds", stream="s") == 0
    assert value(metrics, "disk_full", stream="s") == 0


def test_a_latency_that_is_not_known_is_not_measured() -> None:
    metrics = Metrics()
    metered(metrics, lambda event: None)({"event": "alert"} | alert_json(replace(an_alert(), latency_ms=0)))
    assert value(metrics, "alerts_total", stream="s", status="confirmed", severity="high") == 1
    assert value(metrics, "alert_latency_seconds_count", stream="s", status="confirmed") is None


def test_the_scheduler_reports_decodes_drops_and_queues() -> None:
    metrics = Metrics()
    metrics.decoded("s", "final", audio_s=6.0, waited_s=0.02, decode_s=0.9)
    metrics.decoded("s", "provisional", audio_s=3.0, waited_s=0.2, decode_s=0.1, looped=True)
    metrics.dropped("s", "late")
    metrics.queued("s", "final", 3)
    assert value(metrics, "decode_seconds_sum", **{"stream": "s", "pass": "final"}) == 0.9
    assert value(metrics, "decoded_audio_seconds_total", **{"stream": "s", "pass": "final"}) == 6
    assert value(metrics, "provisionals_dropped_total", stream="s", reason="late") == 1
    assert value(metrics, "loop_retries_total", stream="s") == 1
    assert value(metrics, "queue_length", **{"stream": "s", "pass": "final"}) == 3


def test_two_processes_parts_measure_apart() -> None:
    one, two = Metrics(), Metrics()
    one.queued("s", "final", 5)
    assert value(two, "queue_length", **{"stream": "s", "pass": "final"}) is None
    assert b"livewitness_queue_length" in one.text()
