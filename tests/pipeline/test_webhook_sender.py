"""A request is signed, goes only where it may, and never takes longer than allowed."""

import hashlib
import hmac
import time

import pytest

from pipeline.webhook_sender import Post, WebhookSender, signature
from tests.pipeline.receiver import Receiver

BODY = '{"text":"三天祛斑"}'.encode()


def post(url: str, **headers: str) -> Post:
    return Post(url, {"Content-Type": "application/json", **headers}, BODY)


def test_the_signature_is_hmac_over_timestamp_dot_body() -> None:
    expected = hmac.new(b"secret", b"1762862400." + BODY, hashlib.sha256).hexdigest()
    assert signature("secret", 1762862400, BODY) == f"sha256={expected}"


def test_a_request_arrives_whole_with_its_headers() -> None:
    with Receiver() as receiver:
        assert WebhookSender(allow_internal=True)(post(receiver.url, **{"LiveWitness-Event": "alert"})).taken
        (taken,) = receiver.taken
    assert taken.body == BODY
    assert taken.path == "/hook?from=livewitness"
    assert taken.headers["livewitness-event"] == "alert"
    assert taken.headers["host"].startswith("127.0.0.1:")


def test_loopback_is_refused_before_anything_is_sent() -> None:
    with Receiver() as receiver:
        port = receiver.url.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1"):
            outcome = WebhookSender()(post(f"http://{host}:{port}"))
            assert outcome.error.startswith("egress_internal"), outcome
        assert receiver.taken == []


def test_the_name_is_looked_up_once_and_the_checked_address_is_used() -> None:
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with Receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", "shop.example")
        assert WebhookSender(allow_internal=True, resolve=rebinding)(post(url)).taken
        assert asked == ["shop.example"]
        assert receiver.taken[0].headers["host"].startswith("shop.example:")
        assert not WebhookSender(resolve=rebinding)(post(url)).taken


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with Receiver(lambda _taken: 302) as receiver:
        assert WebhookSender(allow_internal=True)(post(receiver.url)).error == "HTTP 302"
        assert len(receiver.taken) == 1


@pytest.mark.parametrize("status", [400, 410, 500, 503])
def test_anything_but_success_is_a_failure(status: int) -> None:
    with Receiver(lambda _taken: status) as receiver:
        assert WebhookSender(allow_internal=True)(post(receiver.url)).error == f"HTTP {status}"


def test_silence_a_drip_and_a_closed_door_are_failures_in_time() -> None:
    with Receiver(lambda _taken: 0) as receiver:
        assert not WebhookSender(allow_internal=True)(post(receiver.url)).taken
        receiver.answer = lambda _taken: -1
        begun = time.monotonic()
        assert "Timeout" in WebhookSender(allow_internal=True, timeout_s=0.4)(post(receiver.url)).error
        assert time.monotonic() - begun < 2
        closed = receiver.url
    assert "Connect" in WebhookSender(allow_internal=True)(post(closed)).error


def test_a_plain_server_behind_https_is_a_failure_not_a_crash() -> None:
    with Receiver() as receiver:
        outcome = WebhookSender(allow_internal=True)(post(receiver.url.replace("http:", "https:")))
    assert not outcome.taken
    assert receiver.taken == []
