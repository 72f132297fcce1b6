"""A service over a small database of its own, without recordings and models."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.testclient import TestClient

from api.app import create_app
from api.context import ApiContext
from core.records import Epoch, Stream
from store import recordings, streams
from store.engine import Database, open_database
from tests.alerting import BEGUN


class NoSearch:
    """Search is no part of these tests."""

    def search(self, request):
        raise AssertionError(request)


@contextmanager
def light_service(folder: Path, **options: object) -> Iterator[tuple[TestClient, Database]]:
    """A client and the database, with streams ``s`` (one epoch, begun at `BEGUN`) and ``t``."""
    db = open_database(folder / "livewitness.db")
    with db.write() as c:
        for name in "st":
            streams.open_stream(c, Stream(name=name, source="x", product="面霜"))
        recordings.put_epoch(c, Epoch("s", 0, 0, BEGUN, "x", "h264", "aac"))
    context = ApiContext(db, folder, NoSearch(), **options)
    yield TestClient(create_app(context), base_url="http://127.0.0.1:8000"), db
    db.close()
