"""What is measured of a stream disappears with it."""

from core.metrics import Metrics


def test_a_stream_that_is_forgotten_leaves_nothing_and_no_other_loses_anything() -> None:
    metrics = Metrics()
    for stream in ("gone", "stays"):
        metrics.decoded(stream, "final", audio_s=5, waited_s=0.1, decode_s=0.4)
        metrics.dropped(stream, "late")
        metrics.queued(stream, "final", 2)
        metrics.alerts.labels(stream, "confirmed", "high").inc()
        metrics.alert_latency.labels(stream, "confirmed").observe(0.7)
        metrics.lag.labels(stream).set(9)
        metrics.gaps.labels(stream, "source_silent").inc()
    before = [
        line for line in metrics.text().decode().splitlines() if 'stream="stays"' in line and "created" not in line
    ]
    metrics.forget("gone")
    after = metrics.text().decode()
    assert 'stream="gone"' not in after
    assert [line for line in after.splitlines() if 'stream="stays"' in line and "created" not in line] == before
    metrics.forget("never heard of")
    metrics.dropped("gone", "late")
    assert (
        metrics.registry.get_sample_value(
            "livewitness_provisionals_dropped_total", {"stream": "gone", "reason": "late"}
        )
        == 1
    )
