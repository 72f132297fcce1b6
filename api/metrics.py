"""``GET /metrics`` in Prometheus' text format: what this process measured, and what the database says is waiting."""

from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.auth.access import Operating
from api.context import Context
from core.clock import utc_now
from core.metrics import CONTENT_TYPE
from store import backlog, outbox
from store.engine import Database
from store.vectors import awaiting_vectors

router = APIRouter(tags=["metrics"])


class _Waiting(Collector):
    """Queues as the database knows them, whichever process fills and empties them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read at every scrape."""
        with self._db.read() as connection:
            behind = backlog.streams_behind(connection)
            targets = backlog.webhooks_behind(connection)
            newest = outbox.newest(connection)
            awaiting = awaiting_vectors(connection)
        untranscribed = GaugeMetricFamily(
            "livewitness_untranscribed_seconds", "Recorded but not yet transcribed, of open streams.", labels=["stream"]
        )
        for stream in behind:
            untranscribed.add_metric([stream.stream], stream.untranscribed_ms / 1000)
        waiting = GaugeMetricFamily(
            "livewitness_webhook_waiting", "Events a target has yet to take.", labels=["webhook"]
        )
        dead = GaugeMetricFamily("livewitness_webhook_dead_letters", "Events a target never took.", labels=["webhook"])
        for target in targets:
            waiting.add_metric([target.webhook], target.waiting)
            dead.add_metric([target.webhook], target.dead)
        yield from (untranscribed, waiting, dead)
        yield GaugeMetricFamily(
            "livewitness_unembedded_utterances", "Found by words, not yet by meaning.", value=awaiting.utterances
        )
        since = (utc_now() - awaiting.since).total_seconds() if awaiting.since else 0.0
        yield GaugeMetricFamily("livewitness_unembedded_seconds", "Since the oldest of these was said.", value=since)
        yield GaugeMetricFamily("livewitness_outbox_cursor", "The last event that was told.", value=newest)


@router.get("/metrics", summary="运行指标 / Measurements for Prometheus", response_class=Response)
def metrics(context: Context, _operator: Operating) -> Response:
    """Latency of alerts, lag, queues, decode time, segments, gaps, warnings; sum over ``stream`` for all streams."""
    registry = CollectorRegistry()
    registry.register(_Waiting(context.db))
    own = context.metrics.text() if context.metrics is not None else b""
    return Response(own + generate_latest(registry), media_type=CONTENT_TYPE)
