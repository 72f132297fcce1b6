"""Puts an utterance into the index, inside the transaction that stores it."""

from sqlalchemy import Connection

from core.records import Utterance
from index.grams import index_text
from index.hearing import load_reader
from store.postings import add_postings
from store.readings import put_reading


def add_to_index(connection: Connection, utterance: Utterance) -> None:
    """Store grams and reading of ``utterance`` (its ``id`` filled in); its vector follows from `VectorIndexer`."""
    if not utterance.id:
        raise ValueError("the utterance has no id yet: store it first")
    letters, sounds = index_text(utterance.text)
    add_postings(connection, utterance.id, letters, sounds)
    reader = load_reader()
    put_reading(connection, utterance.id, reader.version, reader.read(utterance.text))
