"""The OpenAPI document is true: schemathesis makes up requests from it, answers are as it says, and none is a 5xx."""

import os
from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.schemas import APIOperation
from starlette.testclient import TestClient

from api.app import create_app
from api.context import ApiContext
from index.search import Searcher
from store.engine import Database, open_database
from tests.counts import times

pytestmark = pytest.mark.slow
# SCHEMA_EXAMPLES=200, as in the full run, makes more than ten thousand requests.
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES") or times(6, 200))


load_all_checks()
TRUE = [
    CHECKS.get_one(name)
    for name in ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
]
# One test for each kind of work, so that a long run can be taken in pieces: ``-k cases``.
TAGS = (
    "accounts",
    "alerts",
    "audit",
    "backfills",
    "cases",
    "clips",
    "demonstration",
    "events",
    "health",
    "metrics",
    "operations",
    "retention",
    "rules",
    "search",
    "session",
    "streams",
    "timeline",
    "watches",
    "webhooks",
)


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory, searcher: Searcher) -> schemathesis.BaseSchema:
    folder = tmp_path_factory.mktemp("schema")
    db: Database = open_database(folder / "livewitness.db")
    app = create_app(ApiContext(db, folder, searcher, hosts=frozenset({"testserver"})))
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize("tag", TAGS)
def test_no_request_breaks_the_service(schema: schemathesis.BaseSchema, tag: str) -> None:
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {name for operation in operations for name in operation.tags or ()} == set(TAGS)
    assert all(operation.tags for operation in operations)
    # Event streams never end by themselves; they are tested apart.
    own = [one for one in operations if tag in (one.tags or ()) and one.path != "/api/v1/events"]
    for operation in own:
        try_out(operation)
    assert own


def try_out(operation: APIOperation) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(case=operation.as_strategy())
    def try_one(case: schemathesis.Case) -> None:
        answer = case.call()
        assert answer.status_code < 500, (case.as_curl_command(), answer.text)
        # What comes back is what the document says: status, media type, fields.
        case.validate_response(answer, checks=TRUE)
        if answer.status_code >= 400:
            assert {"code", "zh", "en"} <= answer.json().keys()

    try_one()


def test_every_operation_has_words_for_people(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert " / " in operation.get("summary", ""), (method, path)


def test_errors_have_one_shape(build: Callable[..., TestClient]) -> None:
    client = build()
    for path in ("/api/v1/streams/no", "/api/v1/alerts/no", "/api/v1/clips/zz", "/nowhere", "/api/v1/cases/no"):
        body = client.get(path).json()
        assert {"code", "zh", "en"} <= body.keys(), path
