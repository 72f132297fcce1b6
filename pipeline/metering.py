"""The one place where events of streams become measurements."""

from core.metrics import Metrics
from core.shapes import Json
from pipeline.events import EventSink

_WARNINGS = frozenset(
    {
        "stream.failed",
        "stream.silent",
        "stream.behind",
        "stream.disk_full",
        "no_audio",
        "not_transcribed",
        "gap.opened",
    }
)
_FATES = frozenset({"alert.repeated", "alert.corrected", "alert.softened"})


def metered(metrics: Metrics, emit: EventSink) -> EventSink:
    """``emit``, with every event counted on its way."""

    def count(event: Json) -> None:
        measure(metrics, event)
        emit(event)

    return count


def measure(metrics: Metrics, event: Json) -> None:
    """Take down what an event says."""
    stream = event.get("stream", "")
    if event["event"] in _WARNINGS:
        metrics.warnings.labels(stream, event["event"]).inc()
    if event["event"] in _FATES:
        metrics.alerts.labels(stream, event["event"].removeprefix("alert."), event["severity"]).inc()
    match event["event"]:
        case "alert":
            status = event["status"]
            metrics.alerts.labels(stream, status, event["severity"]).inc()
            # 0: it is not known when the words came, as of what an earlier process recorded.
            if status in {"suspected", "confirmed"} and event["latency_ms"]:
                metrics.alert_latency.labels(stream, status).observe(event["latency_ms"] / 1000)
        case "utterance":
            metrics.utterances.labels(stream).inc()
        case "segment":
            metrics.segments.labels(stream).inc()
            metrics.recorded.labels(stream).inc(max(0.0, event["end"] - event["start"]))
        case "gap":
            metrics.gaps.labels(stream, event["reason"]).inc()
            metrics.gap_seconds.labels(stream).inc(max(0.0, event["end"] - event["start"]))
        case _:
            _gauge(metrics, stream, event)


def _gauge(metrics: Metrics, stream: str, event: Json) -> None:
    """What stands at some value; a run that begins or ends, however it does, stands at none."""
    match event["event"]:
        case "lag":
            metrics.lag.labels(stream).set(event["lag"])
        case "stream.disk_full" | "stream.disk_freed":
            metrics.disk_full.labels(stream).set(event["event"] == "stream.disk_full")
        case "stream.started" | "stream.ended" | "stream.failed":
            metrics.lag.labels(stream).set(0)
            metrics.disk_full.labels(stream).set(0)
