"""A database with two streams, one of them of two epochs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.records import Epoch, Stream
from store import recordings, streams
from store.engine import open_database
from tests.alerting import BEGUN

LATER = datetime(2026, 11, 11, 12, 10, tzinfo=UTC)


@pytest.fixture
def told(tmp_path: Path):
    """Streams ``s`` (two epochs, ten minutes apart) and ``t``."""
    db = open_database(tmp_path / "told.db")
    with db.write() as connection:
        for name in "st":
            streams.open_stream(connection, Stream(name=name, source="rtmp://x/y", product="面霜"))
        recordings.put_epoch(connection, Epoch("s", 0, 0, BEGUN, "rtmp://x/y", "h264", "aac"))
        recordings.put_epoch(connection, Epoch("s", 1, 600_000, LATER, "rtmp://x/y", "h264", "aac"))
    yield db
    db.close()
