"""The one place where events of streams become measurements."""

from core.metrics import Metrics
from core.shapes import Json
from pipeline.events import EventSink

_RETRIED = frozenset({"full_frame_retry", "loop_cut"})


def metered(metrics: Metrics, emit: EventSink) -> EventSink:
    """``emit``, with every event counted on its way."""

    def count(event: Json) -> None:
        measure(metrics, event)
        emit(event)

    return count


def measure(metrics: Metrics, event: Json) -> None:
    """Take down what an event says."""
    stream = event.get("stream", "")
    match event["event"]:
        case "alert":
            status = event["status"]
            metrics.alerts.labels(stream, status, event["severity"]).inc()
            if status in {"suspected", "confirmed"}:
                metrics.alert_latency.labels(stream, status).observe(event["latency_ms"] / 1000)
        case "alert.repeated" | "alert.corrected" | "alert.softened" as name:
            metrics.alerts.labels(stream, name.removeprefix("alert."), event["severity"]).inc()
        case "utterance":
            metrics.utterances.labels(stream).inc()
            metrics.loop_retries.labels(stream).inc(len(_RETRIED.intersection(event["flags"])))
        case "segment":
            metrics.segments.labels(stream).inc()
            metrics.recorded.labels(stream).inc(max(0.0, event["end"] - event["start"]))
        case "gap":
            metrics.gaps.labels(stream, event["reason"]).inc()
            metrics.gap_seconds.labels(stream).inc(max(0.0, event["end"] - event["start"]))
        case "lag":
            metrics.lag.labels(stream).set(event["lag"])
        case "stream.started" | "stream.ended":
            metrics.lag.labels(stream).set(0)
        case "stream.failed" | "stream.silent" | "stream.behind" | "no_audio" | "gap.opened" as name:
            metrics.warnings.labels(stream, name).inc()
