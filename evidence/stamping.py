"""Time-stamp tokens by RFC 3161: asked of an authority over HTTP, and verified against a CA given from outside."""

import contextlib
import http.client
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from core.clock import utc_now
from core.egress import Egress, EgressError, Target, parse_target
from core.errors import BadInputError, ConflictError, SourceError

TIMEOUT_S = 10.0
_LARGEST_REPLY = 1 << 20
_AHEAD_S = 300.0
_QUERY = "application/timestamp-query"


@dataclass(frozen=True, slots=True)
class Stamp:
    """The verdict on a token: its time when it holds, the reason in English when it does not."""

    time: datetime | None
    reason: str = ""


def request_token(url: str, data: bytes, *, timeout_s: float = TIMEOUT_S) -> bytes:
    """A time-stamp response over the SHA-256 of ``data``, as it came. Raises `SourceError` when there is none."""
    query = TimestampRequestBuilder(data, HashAlgorithm.SHA256).build()
    try:
        token = _post(parse_target(url), query.as_bytes(), timeout_s)
        response = decode_timestamp_response(token)
        info = response.tst_info
        if info.nonce != query.nonce or info.message_imprint.message != query.message_imprint.message:
            raise _no_token(url, "the answer is to another request")
    except (BadInputError, EgressError) as error:
        raise _no_token(url, error.sentence.en) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _no_token(url, str(error)) from error
    return token


def _post(target: Target, query: bytes, timeout_s: float) -> bytes:
    """The answer of the authority that the operator named, wherever it is; no redirect leads elsewhere."""
    named = Egress().naming(target.host, target.port)
    connection = http.client.HTTPConnection(target.host, target.port, timeout=timeout_s)
    with contextlib.closing(connection):
        connection.sock = named.connect(target.host, target.port, timeout_s)
        if target.scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=target.host)
        connection.request("POST", target.path, query, {"Content-Type": _QUERY, "Host": target.authority})
        reply = connection.getresponse()
        if reply.status != http.HTTPStatus.OK:
            raise http.client.HTTPException(f"HTTP {reply.status}")
        return reply.read(_LARGEST_REPLY)


def _no_token(url: str, reason: str) -> SourceError:
    where = urlsplit(url).hostname or url
    return SourceError(
        "no_timestamp", f"时间戳服务 {where} 没有给出令牌：{reason}", f"The authority {where} gave no token: {reason}"
    )


def read_ca(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file. Raises `BadInputError` when there is none."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInputError(
            "no_certificate", f"{path} 里没有 PEM 证书。", f"There is no PEM certificate in {path}."
        ) from error


def verify_token(token: bytes, data: bytes, roots: Sequence[x509.Certificate]) -> Stamp:
    """Whether a response is over ``data``, signed by a time-stamping certificate under one of ``roots``.

    Certificates have to be valid at the token's own time, so that a token outlives its certificate.
    """
    try:
        response = decode_timestamp_response(token)
        builder = VerifierBuilder()
        for certificate in dict.fromkeys(roots):
            builder = builder.add_root_certificate(certificate)
        builder.build().verify_message(response, data)
    except (VerificationError, ValueError) as error:
        return Stamp(None, str(error) or "the token cannot be read")
    return Stamp(_time(response))


def token_time(token: bytes) -> datetime | None:
    """The time a response states, not verified; ``None`` when it cannot be read."""
    try:
        return _time(decode_timestamp_response(token))
    except ValueError:
        return None


def check_clock(url: str, data: bytes) -> None:
    """Compare the machine's clock with the authority's. Raises `ConflictError` when ours runs ahead, `SourceError`.

    A clock that was set years ahead would make everything look old enough to go.
    """
    token = token_time(request_token(url, data))
    ahead = (utc_now() - token).total_seconds() if token else 0.0
    if token is None or ahead > _AHEAD_S:
        raise ConflictError(
            "clock_ahead",
            f"本机时钟比时间戳服务快 {ahead:.0f} 秒，不能据此判断是否到期。",
            f"This machine's clock is {ahead:.0f} s ahead of the authority's; nothing can be called due by it.",
        )


def _time(response: TimeStampResponse) -> datetime:
    return response.tst_info.gen_time
