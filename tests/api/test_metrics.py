"""What Prometheus reads."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from core.clock import utc_now
from core.metrics import Metrics
from core.records import ModelIdentity, Segment, Stream, Utterance
from store import outbox, recordings, streams, utterances, vectors
from store import webhooks as hooks
from store.webhooks import Webhook
from tests.alerting import BEGUN, an_alert
from tests.api.light import light_service

MODEL = ModelIdentity("whisper-base", "cd" * 32)


def samples(text: str) -> dict[tuple, float]:
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_measurements_and_what_waits_are_shown_together(tmp_path) -> None:
    metrics = Metrics()
    metrics.decoded("s", "final", audio_s=6.0, waited_s=0.02, decode_s=0.9)
    with light_service(tmp_path, metrics=metrics) as (client, db):
        segment = Segment("s", 0, 1, "p1", "00", 9, 0, 4000, 0, 4000, BEGUN)
        with db.write() as c:
            hooks.put_webhook(c, Webhook("desk", "https://desk.example/", "0123456789abcdef"))
            recordings.add_segment(c, segment)
            recordings.add_segment(c, replace(segment, sequence=2, path="p2", start_ms=4000, end_ms=8000))
            recordings.advance_cursor(c, "s", 0, 1500)
            outbox.append(c, "alert", an_alert())
            outbox.append(c, "alert", an_alert("a2"))
        answer = client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        found = samples(answer.text)
    assert found["livewitness_untranscribed_seconds", "s"] == 6.5
    assert found["livewitness_webhook_waiting", "desk"] == 2
    assert found["livewitness_webhook_dead_letters", "desk"] == 0
    assert found[("livewitness_outbox_cursor",)] == 2
    assert found["livewitness_decode_seconds_count", "final", "s"] == 1


def test_what_is_not_found_by_meaning_yet_is_counted_and_how_long_it_waits(tmp_path) -> None:
    with light_service(tmp_path) as (client, db):

        def waiting() -> tuple[float, float]:
            found = samples(client.get("/metrics").text)
            return found["livewitness_unembedded_utterances",], found["livewitness_unembedded_seconds",]

        assert waiting() == (0, 0)
        said = utc_now() - timedelta(seconds=90)
        with db.write() as c:
            streams.open_stream(c, Stream("s", "a.mp4", created_at=said))
            for number in range(3):
                at = said + timedelta(seconds=number)
                utterances.add_utterance(c, Utterance("s", 0, number, number + 1, "祛斑", (), MODEL, at))
            vectors.add_vectors(c, "ab" * 32, [1], np.ones((1, 4)))
        count, seconds = waiting()
        assert count == 2
        assert 89 <= seconds < 100


def test_a_service_that_measures_nothing_itself_still_answers(tmp_path) -> None:
    with light_service(tmp_path) as (client, _):
        assert samples(client.get("/metrics").text)[("livewitness_outbox_cursor",)] == 0
