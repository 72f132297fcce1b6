"""``timeline`` and ``webhooks`` on the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.clock import utc_now
from core.errors import LiveWitnessError
from core.records import Stream
from livewitness.cli import cli
from store import outbox, streams
from store import webhooks as hooks
from store.engine import open_database
from store.webhooks import Webhook, WebhookQueue
from tests.alerting import an_alert

URL = "https://1.1.1.1/hook"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    db = open_database(tmp_path / "livewitness.db")
    with db.write() as c:
        streams.open_stream(c, Stream(name="s", source="x"))
    db.close()
    return tmp_path


def run(data: Path, *words: str) -> list[dict]:
    """Runs a command; its JSON lines. Errors meant for people come out as such."""
    arguments = [*words, "--data", str(data)]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_what_is_noted_is_listed(data: Path) -> None:
    (noted,) = run(
        data, "timeline", "add", "s", "product", "补水面膜", "--at", "1:23.5", "--class", "cosmetics", "--json"
    )
    assert (noted["at"], noted["product_class"]) == (83.5, "cosmetics")
    run(data, "timeline", "add", "s", "price", "--price", "99.9", "--at", "5")
    listed = run(data, "timeline", "list", "s", "--json")
    assert [(e["kind"], e["price"]) for e in listed] == [("price", 99.9), ("product", None)]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("timeline", "add", "none", "note", "x"), "stream_unknown"),
        (("timeline", "add", "s", "note"), "timeline_text"),
        (("timeline", "add", "s", "price"), "timeline_price"),
        (("timeline", "add", "s", "note", "x", "--at", "noon"), "bad_time"),
        (("timeline", "list", "none"), "stream_unknown"),
        (("webhooks", "set", "desk", "http://127.0.0.1/"), "egress_internal"),
        (("webhooks", "set", "desk", "ftp://1.1.1.1/"), "egress_address"),
        (("webhooks", "set", "desk", URL, "--secret", "short"), "webhook_secret"),
        (("webhooks", "remove", "none"), "webhook_unknown"),
        (("webhooks", "dead", "none"), "webhook_unknown"),
        (("webhooks", "resend", "none"), "webhook_unknown"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_code(data: Path, words: tuple[str, ...], code: str) -> None:
    with pytest.raises(LiveWitnessError) as caught:
        run(data, *words)
    assert caught.value.code == code


def test_targets_and_their_dead_letters(data: Path) -> None:
    run(data, "webhooks", "set", "desk", URL, "--stream", "s")
    db = open_database(data / "livewitness.db")
    with db.write() as c:
        outbox.append(c, "alert", an_alert())
        queue = WebhookQueue("desk", "s", 0, 9, utc_now(), utc_now(), "HTTP 500")
        hooks.bury(c, queue, outbox.after(c, 0, 1), utc_now())
    (target,) = run(data, "webhooks", "list", "--json")
    assert (target["streams"], target["waiting"], target["dead"]) == (["s"], 0, 1)
    (letter,) = run(data, "webhooks", "dead", "--json")
    assert (letter["alert_id"], letter["error"], letter["state"]) == ("a1", "HTTP 500", "dead")
    with pytest.raises(LiveWitnessError):
        run(data, "webhooks", "resend", "desk", "99")
    run(data, "webhooks", "resend", "desk", str(letter["id"]))
    assert run(data, "webhooks", "dead", "desk", "--json")[0]["state"] == "resending"
    with db.write() as c:
        hooks.put_webhook(c, Webhook("file", URL, "0123456789abcdef", origin="file"))
    with pytest.raises(LiveWitnessError) as caught:
        run(data, "webhooks", "set", "file", URL)
    assert caught.value.code == "webhook_in_file"
    run(data, "webhooks", "remove", "desk")
    db.close()
