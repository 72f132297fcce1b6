"""Measurements for Prometheus, in a registry of their own: one object for a process, handed to whoever measures.

Per stream by label, always the first one; for all streams sum over it: ``sum(livewitness_lag_seconds)``.
Names and units follow the Prometheus conventions (base units, ``_total`` for counters).
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LATENCY_S = (0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 60.0)
_DECODE_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 4.0, 8.0)


class Metrics:
    """Everything that is measured while streams are watched. Thread-safe."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._measured: list[tuple[Counter | Gauge | Histogram, tuple[str, ...]]] = []
        self.alert_latency = self._histogram(
            "alert_latency_seconds",
            "From the arrival of the last sample of the words to the alert.",
            ("stream", "status"),
            _LATENCY_S,
        )
        self.alerts = self._counter("alerts", "Alerts told, by what became of them.", ("stream", "status", "severity"))
        self.utterances = self._counter("utterances", "Utterances stored.", ("stream",))
        self.segments = self._counter("segments", "Recorded segments closed.", ("stream",))
        self.recorded = self._counter("recorded_seconds", "Seconds of stream in closed segments.", ("stream",))
        self.gaps = self._counter("gaps", "Stretches that were not recorded.", ("stream", "reason"))
        self.gap_seconds = self._counter("gap_seconds", "Seconds that were not recorded.", ("stream",))
        self.lag = self._gauge("lag_seconds", "How far recognition is behind the arrival of audio.", ("stream",))
        self.disk_full = self._gauge("disk_full", "1 while a stream waits for room on the disk.", ("stream",))
        self.warnings = self._counter("warnings", "Warnings and failures of streams.", ("stream", "event"))
        self.decode_time = self._histogram("decode_seconds", "Wall time of one decode.", ("stream", "pass"), _DECODE_S)
        self.decoded_audio = self._counter("decoded_audio_seconds", "Seconds of audio decoded.", ("stream", "pass"))
        self.decode_wait = self._histogram(
            "decode_wait_seconds", "Time a window waited for its decode.", ("stream", "pass"), _DECODE_S
        )
        self.loop_retries = self._counter(
            "loop_retries", "Decodes done again, or cut, because Whisper looped.", ("stream",)
        )
        self.left_out = self._counter("provisionals_dropped", "Provisional decodes left out.", ("stream", "reason"))
        self.queue = self._gauge("queue_length", "Windows that wait for their decode.", ("stream", "pass"))

    # What the decoding scheduler reports.

    def decoded(
        self, stream: str, kind: str, *, audio_s: float, waited_s: float, decode_s: float, looped: bool = False
    ) -> None:
        """A window was decoded."""
        self.decode_time.labels(stream, kind).observe(decode_s)
        self.decode_wait.labels(stream, kind).observe(waited_s)
        self.decoded_audio.labels(stream, kind).inc(audio_s)
        self.loop_retries.labels(stream).inc(looped)

    def dropped(self, stream: str, reason: str) -> None:
        """A provisional decode was left out."""
        self.left_out.labels(stream, reason).inc()

    def queued(self, stream: str, kind: str, waiting: int) -> None:
        """So many windows of the stream wait for their decode."""
        self.queue.labels(stream, kind).set(waiting)

    def forget(self, stream: str) -> None:
        """Tell no longer of a stream. If it is measured again, it counts from nothing, as Prometheus expects."""
        for metric, labels in self._measured:
            samples = (sample for family in metric.collect() for sample in family.samples)
            for values in {tuple(sample.labels[label] for label in labels) for sample in samples}:
                if values[0] == stream:
                    metric.remove(*values)

    def text(self) -> bytes:
        """All measurements in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, about: str, labels: tuple[str, ...]) -> Counter:
        made = Counter(f"livewitness_{name}", about, labels, registry=self.registry)
        self._measured.append((made, labels))
        return made

    def _gauge(self, name: str, about: str, labels: tuple[str, ...]) -> Gauge:
        made = Gauge(f"livewitness_{name}", about, labels, registry=self.registry)
        self._measured.append((made, labels))
        return made

    def _histogram(self, name: str, about: str, labels: tuple[str, ...], buckets: tuple[float, ...]) -> Histogram:
        made = Histogram(f"livewitness_{name}", about, labels, buckets=buckets, registry=self.registry)
        self._measured.append((made, labels))
        return made
