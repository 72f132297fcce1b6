"""A database with one stream of two epochs, and an alert to tell of."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.records import Alert, AlertStatus, Category, Epoch, Finding, LegalBasis, Severity, Stream, Verdict
from store import recordings, streams
from store.engine import open_database

BEGUN = datetime(2026, 11, 11, 12, 0, tzinfo=UTC)
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


@pytest.fixture
def make_alert():
    def make(alert_id: str = "a1", stream: str = "s", status: AlertStatus = AlertStatus.CONFIRMED, **more) -> Alert:
        finding = Finding(
            rule_id="COS-1",
            category=Category.COSMETIC_SPECIAL,
            severity=Severity.HIGH,
            verdict=Verdict.VIOLATION,
            start=4,
            end=8,
            matched="三天祛斑",
            canonical="三天祛斑",
            method="text",
            score=1.0,
            title="普通化妆品宣称特殊功效",
            legal_basis=(LegalBasis("化妆品监督管理条例", "第十六条"),),
            advice="改用备案功效",
            advice_en="Use the filed efficacy",
            pack="cn-law",
            pack_version="1",
            pack_sha256="cd" * 32,
        )
        return Alert(alert_id, status, stream, 0, 7800, 8600, BEGUN, "这款面霜三天祛斑", finding, 700, **more)

    return make
