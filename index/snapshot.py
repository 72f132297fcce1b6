"""The cache on disk between runs: written beside, flushed, renamed; never needed, only quicker than reading all anew.

A snapshot is a folder with one manifest, written last, that names the model, the tables, the database and the size and
checksum of every file. One that does not fit, or is damaged, is thrown away.
"""

import json
import logging
import os
import shutil
import zlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import faiss
import numpy as np

from core.errors import StorageError
from core.records import ModelIdentity
from index.cache import WAYS, IndexCache
from index.columns import Column
from index.hearing import Reader
from index.inverted import Run, TermIndex
from index.vectors import VectorStore
from store.engine import Database

FORMAT = 1
MANIFEST = "manifest.json"
COLUMNS = ("ids", "streams", "wall_ms", "length_ms", "before", "after", "alive", "place", "row_of_place")
_log = logging.getLogger(__name__)
_faiss: Any = faiss


def snapshot_root(database: Database) -> Path:
    """The folder of all snapshots of a database."""
    return database.path.parent / "index"


def folder_name(identity: ModelIdentity) -> str:
    """The folder of a model's snapshot."""
    return f"{identity.name[:20].replace('/', '-')}-{identity.sha256[:16]}"


def save_snapshot(cache: IndexCache, root: Path) -> Path:
    """Write the cache as the one snapshot of its model; the folder. Raises `StorageError`."""
    target = root / folder_name(cache.identity)
    fresh = root / f".{target.name}.{uuid4().hex[:8]}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root, target.name)
        fresh.mkdir()
        with cache.lock:
            state = _write(cache, fresh)
            cache.fresh = 0
        _finish(fresh, state)
        _replace(fresh, target)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise StorageError(
            "index_snapshot",
            f"检索索引的快照写不进 {root}（{error.strerror}）。",
            f"The snapshot of the search index cannot be written to {root} ({error.strerror}).",
        ) from error
    return target


def load_snapshot(
    root: Path, database: Database, identity: ModelIdentity, dim: int, reader: Reader
) -> IndexCache | None:
    """The cache as it was saved; ``None`` when there is no snapshot that fits."""
    target = root / folder_name(identity)
    for place in (target, target.with_name(f".{target.name}.old")):
        try:
            return _read(place, database, identity, dim, reader)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            _log.warning("snapshot %s is not used and is made anew: %s", place, error)
            shutil.rmtree(place, ignore_errors=True)
    return None


def _write(cache: IndexCache, folder: Path) -> dict[str, Any]:
    for name in COLUMNS:
        np.save(folder / f"{name}.npy", getattr(cache, name).values)
    for way in WAYS:
        run = cache.terms[way].merged()
        for part in ("terms", "starts", "rows"):
            np.save(folder / f"{way}-{part}.npy", getattr(run, part))
    np.save(folder / "mean.npy", cache.vectors.mean)
    _faiss.write_index(cache.vectors.index, str(folder / "vectors.faiss"))
    _faiss.write_index_binary(cache.vectors.signs, str(folder / "signs.faiss"))
    return {
        "format": FORMAT,
        "model": [cache.identity.name, cache.identity.sha256],
        "tables": cache.reader.version,
        "rows": len(cache),
        "streams": cache.stream_names,
        "last": [[code, *place] for code, place in cache.last_of_streams().items()],
        "vector_number": cache.vector_number,
        "removal_number": cache.removal_number,
        "newest_id": int(cache.ids.values[-1]) if len(cache) else 0,
    }


def _finish(folder: Path, state: dict[str, Any]) -> None:
    """Flush every file, then write the manifest that makes them a snapshot."""
    state["files"] = {}
    for path in sorted(folder.iterdir()):
        _flush(path)
        state["files"][path.name] = [path.stat().st_size, _checksum(path)]
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8")
    _flush(manifest)
    _flush(folder)


def _replace(fresh: Path, target: Path) -> None:
    """Folders cannot be exchanged in one step: the old one steps aside, and is read when the new one is not there."""
    aside = target.with_name(f".{target.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if target.exists():
        target.rename(aside)
    fresh.rename(target)
    _flush(target.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _sweep(root: Path, name: str) -> None:
    """Remove what an interrupted writer left behind; the old snapshot only when the new one stands."""
    for left in root.glob(f".{name}.*"):
        if not left.name.endswith(".old") or (root / name).exists():
            shutil.rmtree(left, ignore_errors=True)


def _read(folder: Path, database: Database, identity: ModelIdentity, dim: int, reader: Reader) -> IndexCache:
    state = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    wanted = (FORMAT, [identity.name, identity.sha256], reader.version)
    if (state["format"], state["model"], state["tables"]) != wanted:
        raise ValueError("of another model, other tables or another version")
    for name, (size, _) in state["files"].items():
        if (folder / name).stat().st_size != size:
            raise ValueError(f"{name} has another size")
    cache = IndexCache(identity, dim, reader)
    for name in COLUMNS:
        values = np.load(folder / f"{name}.npy")
        setattr(cache, name, Column(values.dtype.type, values))
    for way in WAYS:
        parts = [np.load(folder / f"{way}-{part}.npy", mmap_mode="r") for part in ("terms", "starts", "rows")]
        cache.terms[way] = TermIndex(Run(*parts))
    index = _faiss.read_index(str(folder / "vectors.faiss"))
    signs = _faiss.read_index_binary(str(folder / "signs.faiss"))
    cache.vectors = VectorStore.of(index, np.load(folder / "mean.npy"), signs)
    cache.name_streams(state["streams"])
    cache.set_last({code: (row, end) for code, row, end in state["last"]})
    cache.vector_number, cache.removal_number = state["vector_number"], state["removal_number"]
    _compare(cache, database, state)
    return cache


def _compare(cache: IndexCache, database: Database, state: dict[str, Any]) -> None:
    """Raises ``ValueError`` when the snapshot contradicts itself or was made of another database."""
    vectors = len(cache.vectors)
    if cache.vectors.dim != index_dim(cache) or len(cache) != state["rows"] or vectors != len(cache.row_of_place):
        raise ValueError("parts do not fit together")
    with database.read() as connection:
        newest = connection.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name='utterances'")
        if int(newest.scalar_one()) < state["newest_id"]:
            raise ValueError("made of a later state of the database")


def index_dim(cache: IndexCache) -> int:
    """Components of the vectors in FAISS."""
    return int(cache.vectors.index.d)


def damaged_files(folder: Path) -> list[str]:
    """Files of a snapshot whose content is not what was written; the manifest when there is none."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return [n for n, (size, crc) in files.items() if [_size(folder / n), _checksum(folder / n)] != [size, crc]]
    except (OSError, ValueError, KeyError):
        return [MANIFEST]


def _size(path: Path) -> int:
    return path.stat().st_size


def _checksum(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
