"""An archive to search in: a database with utterances, and the real embedder."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.clock import plus_ms
from core.records import Epoch, ModelIdentity, Stream, Utterance, Word
from index.indexer import VectorIndexer
from index.ingest import add_to_index
from models.embedding import Embedder, load_embedder
from store.engine import Database, open_database
from store.recordings import put_epoch
from store.streams import open_stream
from store.utterances import add_utterance

MOMENT = datetime(2026, 11, 11, 12, 0, tzinfo=UTC)
HEARD_BY = ModelIdentity("whisper-base", "ab" * 32)
SPOKEN_MS, EVERY_MS, CHAR_MS = 4_000, 5_000, 200


@pytest.fixture(scope="session")
def embedder() -> Iterator[Embedder]:
    loaded = load_embedder()
    yield loaded
    loaded.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "livewitness.db")
    yield opened
    opened.close()


class Archive:
    """Puts sentences into a database, 5 s apart, each character 200 ms long."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self.database = database
        self.embedder = embedder

    def say(self, sentences: Sequence[str], *, stream: str = "s", shop: str = "", vectors: bool = True) -> list[int]:
        """Store sentences as utterances of one stream; their ids."""
        ids: list[int] = []
        with self.database.write() as connection:
            open_stream(connection, Stream(stream, "rtmp://x/y", shop=shop, created_at=MOMENT))
            put_epoch(connection, Epoch(stream, 0, 0, MOMENT, "rtmp://x/y"))
            for number, sentence in enumerate(sentences):
                utterance = spoken(sentence, number * EVERY_MS, stream)
                identifier = add_utterance(connection, utterance)
                assert identifier is not None
                add_to_index(connection, replace(utterance, id=identifier))
                ids.append(identifier)
        if vectors:
            assert VectorIndexer(self.database, self.embedder).flush(60)
        return ids


def spoken(text: str, start_ms: int = 0, stream: str = "s") -> Utterance:
    """An utterance whose words are its characters, 200 ms each, punctuation without time."""
    said = [char for char in text if char.isalnum()]
    words = tuple(Word(char, start_ms + i * CHAR_MS, start_ms + (i + 1) * CHAR_MS, 0.9) for i, char in enumerate(said))
    end_ms = start_ms + max(SPOKEN_MS, len(said) * CHAR_MS)
    return Utterance(stream, 0, start_ms, end_ms, text, words, HEARD_BY, plus_ms(MOMENT, start_ms))


@pytest.fixture
def archive(database: Database, embedder: Embedder) -> Archive:
    return Archive(database, embedder)
