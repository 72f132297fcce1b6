"""A time-stamp is asked of the authority that was named and of nobody else."""

import pytest

from core.errors import SourceError
from evidence.stamping import request_token
from tests.ingest.canary import Server


def test_a_redirect_of_the_authority_is_not_followed() -> None:
    with Server() as elsewhere, Server({"/": (302, elsewhere.url("/"))}) as authority:
        with pytest.raises(SourceError, match="HTTP 302"):
            request_token(authority.url("/"), b"data")
        assert authority.hits == ["/"]
        assert elsewhere.hits == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://tsa.example/", "http://user@tsa.example/", "tsa.example"])
def test_what_is_no_web_address_is_asked_for_nothing(url: str) -> None:
    with pytest.raises(SourceError, match="no_timestamp"):
        request_token(url, b"data")
