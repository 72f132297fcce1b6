"""The index verifies, or is made whole again, after kill -9 at any point of writing, saving and rebuilding."""

import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from index.cache import IndexCache
from index.hearing import load_reader
from index.maintenance import forget_speech, index_stats, rebuild_index, verify_index
from index.search import Searcher, SearchRequest
from index.snapshot import MANIFEST, damaged_files, folder_name, load_snapshot, save_snapshot, snapshot_root
from models.embedding import Embedder
from store.alerts import add_alert, get_alert
from store.engine import Database
from store.scope import Scope
from tests.alerting import an_alert
from tests.counts import chance, times

ROOT = Path(__file__).parents[2]
SPEECH = ["三天祛斑看得见", "假一赔十写进合同", "包邮到家", "这是纯棉的床单"]


def some(*delays: float) -> list[float]:
    """Two of the moments at which a process is killed; all of them in the full run."""
    return chance("delays").sample(delays, times(2, len(delays)))


def nothing(_step: str, _done: int, _total: int) -> None:
    """No progress is shown."""


def loaded(database: Database, embedder: Embedder) -> IndexCache | None:
    return load_snapshot(snapshot_root(database), database, embedder.identity, embedder.dim, load_reader())


def folder(database: Database, embedder: Embedder) -> Path:
    return snapshot_root(database) / folder_name(embedder.identity)


def texts(searcher: Searcher, query: str) -> list[str]:
    return [hit.utterance.text for hit in searcher.search(SearchRequest(query)).hits]


def test_a_snapshot_holds_everything_and_what_came_after_is_read(archive: Any, embedder: Embedder) -> None:
    archive.say(SPEECH[:2])
    Searcher(archive.database, embedder).save()
    archive.say(SPEECH[2:], stream="later")
    saved = loaded(archive.database, embedder)
    assert saved is not None
    assert (len(saved), len(saved.vectors)) == (2, 2)
    fresh = Searcher(archive.database, embedder)
    assert len(fresh.cache) == 4
    for said in SPEECH:
        assert texts(fresh, said)[0] == said
    assert verify_index(archive.database, embedder.identity, embedder.dim).sound


@pytest.mark.parametrize("name", ["exact.npy", "ids.npy", "letters-rows.npy", MANIFEST])
def test_a_damaged_snapshot_is_noticed_and_does_without(archive: Any, embedder: Embedder, name: str) -> None:
    archive.say(SPEECH)
    Searcher(archive.database, embedder).save()
    path = folder(archive.database, embedder) / name
    path.write_bytes(path.read_bytes()[:-7])
    assert not verify_index(archive.database, embedder.identity, embedder.dim).sound
    assert loaded(archive.database, embedder) is None
    assert texts(Searcher(archive.database, embedder), "三天祛斑")[0] == SPEECH[0]


def test_a_flipped_bit_is_found_by_its_checksum(archive: Any, embedder: Embedder) -> None:
    archive.say(SPEECH)
    Searcher(archive.database, embedder).save()
    path = folder(archive.database, embedder) / "exact.npy"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    assert damaged_files(path.parent) == ["exact.npy"]


def test_a_snapshot_of_other_tables_or_another_database_is_not_used(
    archive: Any, embedder: Embedder, tmp_path: Path
) -> None:
    archive.say(SPEECH)
    saved = IndexCache(embedder.identity, embedder.dim, load_reader())
    with archive.database.read() as connection:
        saved.refresh(connection)
    place = save_snapshot(saved, snapshot_root(archive.database))
    manifest = place / MANIFEST
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"newest_id": 4', '"newest_id": 400'))
    assert loaded(archive.database, embedder) is None


def test_what_an_interrupted_exchange_left_is_used(archive: Any, embedder: Embedder) -> None:
    archive.say(SPEECH)
    Searcher(archive.database, embedder).save()
    place = folder(archive.database, embedder)
    place.rename(place.with_name(f".{place.name}.old"))
    assert loaded(archive.database, embedder) is not None
    Searcher(archive.database, embedder).save()
    assert sorted(path.name for path in place.parent.iterdir()) == [place.name]


def test_a_rebuild_makes_words_readings_and_vectors_whole(archive: Any, embedder: Embedder) -> None:
    archive.say(SPEECH)
    with archive.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM postings WHERE rowid = 1")
        connection.exec_driver_sql("INSERT INTO postings(rowid, letters, sounds) VALUES (77, 'x', 'x')")
        connection.exec_driver_sql("UPDATE vectors SET vector = x'00' WHERE utterance_id = 2")
        connection.exec_driver_sql("UPDATE readings SET version = 'old' WHERE utterance_id = 3")
    health = verify_index(archive.database, embedder.identity, embedder.dim)
    found = (health.missing_postings, health.orphaned_postings, health.misshapen_vectors, health.stale_readings)
    assert (found, health.sound) == ((1, 1, 1, 1), False)
    rebuild_index(archive.database, embedder, nothing)
    assert verify_index(archive.database, embedder.identity, embedder.dim).sound
    stats = index_stats(archive.database, embedder.identity)
    assert (stats.utterances, stats.postings, stats.readings, stats.vectors) == (4, 4, 4, 4)
    assert stats.snapshot_bytes > 0


def test_what_was_said_in_a_part_of_a_stream_is_forgotten_everywhere(archive: Any, embedder: Embedder) -> None:
    ids = archive.say(SPEECH)
    archive.say(SPEECH, stream="other")
    with archive.database.write() as connection:
        add_alert(connection, an_alert("a", utterance_id=ids[0]))
    searcher = Searcher(archive.database, embedder)
    with archive.database.write() as connection:
        # The second utterance lasts from 5 to 9 s and only reaches into the part.
        assert forget_speech(connection, Scope("s", to_ms=6_000)) == 2
        kept = get_alert(connection, "a")
        assert kept is not None
        assert kept.utterance_id == 0
    answer = searcher.search(SearchRequest(SPEECH[0], stream="s"))
    assert {hit.utterance.id for hit in answer.hits} == set(ids[2:])
    assert searcher.search(SearchRequest(SPEECH[0])).hits[0].utterance.stream == "other"
    assert verify_index(archive.database, embedder.identity, embedder.dim).sound
    assert index_stats(archive.database, embedder.identity).vectors == 6


def test_a_deletion_that_is_rolled_back_leaves_everything(archive: Any, embedder: Embedder) -> None:
    archive.say(SPEECH)
    with pytest.raises(KeyError), archive.database.write() as connection:
        forget_speech(connection, Scope("s"))
        raise KeyError
    assert texts(Searcher(archive.database, embedder), SPEECH[0])[0] == SPEECH[0]


def test_the_whole_archive_is_never_forgotten_by_mistake(archive: Any) -> None:
    with archive.database.write() as connection, pytest.raises(ValueError, match="part"):
        forget_speech(connection, Scope())


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", some(0.0, 0.02, 0.05, 0.1))
def test_kill_9_while_deleting(archive: Any, embedder: Embedder, delay_s: float) -> None:
    """Each stream is deleted in one transaction: after the kill it is there as a whole, or gone as a whole."""
    for number in range(8):
        archive.say(SPEECH, stream=f"s{number}")
    Searcher(archive.database, embedder).save()
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from index.maintenance import forget_speech
        from store.engine import open_database
        from store.scope import Scope
        database = open_database(Path(sys.argv[1]))
        print("ready", flush=True)
        for number in range(8):
            with database.write() as connection:
                forget_speech(connection, Scope(f"s{number}"))
        """
    )
    command = [sys.executable, "-c", script, str(archive.database.path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(delay_s)
        child.kill()
    assert verify_index(archive.database, embedder.identity, embedder.dim).sound
    left = index_stats(archive.database, embedder.identity)
    assert left.utterances == left.vectors == left.postings == left.readings
    assert left.utterances % len(SPEECH) == 0
    searcher = Searcher(archive.database, embedder)
    assert int(searcher.cache.alive.values.sum()) == left.utterances
    assert len(searcher.search(SearchRequest(SPEECH[0])).hits) == min(10, left.utterances)


def test_two_that_save_at_once_spoil_nothing(archive: Any, embedder: Embedder) -> None:
    archive.say(SPEECH)
    cache = Searcher(archive.database, embedder).cache
    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(lambda _: save_snapshot(cache, snapshot_root(archive.database)), range(12)))
    assert set(places) == {folder(archive.database, embedder)}
    saved = loaded(archive.database, embedder)
    assert saved is not None
    assert len(saved) == len(SPEECH)


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", some(0.0, 0.05, 0.15, 0.4))
@pytest.mark.parametrize("work", ["rebuild", "save"])
def test_kill_9_while_saving_or_rebuilding(archive: Any, embedder: Embedder, work: str, delay_s: float) -> None:
    archive.say([f"{said}，第{i}号链接" for i in range(30) for said in SPEECH])
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from index.maintenance import rebuild_index
        from index.search import Searcher
        from models.embedding import load_embedder
        from store.engine import open_database
        database, embedder = open_database(Path(sys.argv[1])), load_embedder()
        searcher = Searcher(database, embedder)
        print("ready", flush=True)
        while True:
            searcher.save() if sys.argv[2] == "save" else rebuild_index(database, embedder, lambda *_: None)
        """
    )
    command = [sys.executable, "-c", script, str(archive.database.path), work]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(delay_s)
        child.kill()
    assert verify_index(archive.database, embedder.identity, embedder.dim).sound
    searcher = Searcher(archive.database, embedder)
    assert (len(searcher.cache), len(searcher.cache.vectors)) == (120, 120)
    assert texts(searcher, SPEECH[0])[0].startswith(SPEECH[0])
    searcher.save()
    assert [path.name for path in snapshot_root(archive.database).iterdir()] == [folder_name(embedder.identity)]
