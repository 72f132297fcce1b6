"""The cache on disk between runs: written beside, flushed, renamed; never needed, only quicker than reading all anew.

A snapshot is a folder with one manifest, written last, that names the model, the tables, the database and the size and
checksum of every file. One that does not fit, or is damaged, is thrown away.
"""

import json
import logging
import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from core.errors import StorageError
from core.records import ModelIdentity
from index.cache import WAYS, IndexCache
from index.columns import Column
from index.hearing import Reader
from index.inverted import Run, TermIndex
from index.vectors import Scale, VectorStore
from store.engine import Database

FORMAT = 2
MANIFEST = "manifest.json"
COLUMNS = ("ids", "streams", "wall_ms", "length_ms", "before", "after", "alive", "place", "row_of_place")
_SMALL = 1 << 16
_log = logging.getLogger(__name__)


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
        # One writer at a time: whatever else lies there was left by one that was killed.
        with FileLock(root.with_name(f".{root.name}.lock")):
            _sweep(root, target.name)
            fresh.mkdir()
            with cache.lock:
                state, files = _state(cache), _files(cache)
                cache.fresh = 0
            for name, parts in files.items():
                _write_parts(fresh / f"{name}.npy", parts)
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


def _state(cache: IndexCache) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "model": [cache.identity.name, cache.identity.sha256],
        "tables": cache.reader.version,
        "rows": len(cache),
        "streams": list(cache.stream_names),
        "last": [[code, *place] for code, place in cache.last_of_streams().items()],
        "first": list(cache.first_rows),
        "blocks": {way: [[len(r.terms), len(r.rows)] for r in cache.terms[way].merged()] for way in WAYS},
        "vector_number": cache.vector_number,
        "removal_number": cache.removal_number,
        "newest_id": int(cache.ids.values[-1]) if len(cache) else 0,
    }


def _files(cache: IndexCache) -> dict[str, list[NDArray[Any]]]:
    """What is written, by name of the file: arrays to be joined, none of which changes once the lock is given back."""
    files: dict[str, list[NDArray[Any]]] = {name: [np.array(getattr(cache, name).values)] for name in COLUMNS}
    for way in WAYS:
        for part in ("terms", "starts", "rows"):
            files[f"{way}-{part}"] = [getattr(run, part) for run in cache.terms[way].merged()]
    store = cache.vectors
    files["exact"] = [store.exact]
    if store.scale is not None:
        files["scale"] = [np.stack([store.scale.low, store.scale.step, store.scale.mean])]
        files["signs"] = [np.array(store.signs)]
        within = len(store) - (len(store.codes) - 1) * len(store.codes[0])
        files["codes"] = [*store.codes[:-1], np.array(store.codes[-1][:within])]
    return files


def _write_parts(path: Path, parts: Sequence[NDArray[Any]]) -> None:
    """Several arrays as one file that `numpy.load` reads, never all of it in memory twice."""
    kind, width = (parts[0].dtype, parts[0].shape[1:]) if parts else (np.dtype(np.uint32), ())
    header = {
        "descr": np.lib.format.dtype_to_descr(kind),
        "fortran_order": False,
        "shape": (sum(map(len, parts)), *width),
    }
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part).tobytes())


def _mapped(path: Path) -> NDArray[Any]:
    """The array of a file, read as it is needed; a small one at once."""
    found: NDArray[Any] = np.load(path, mmap_mode="r" if path.stat().st_size > _SMALL else None)
    return found.view(np.ndarray)


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
    cache.terms = {way: TermIndex(_read_runs(folder, way, state["blocks"][way])) for way in WAYS}
    cache.vectors = _read_vectors(folder, dim)
    cache.name_streams(state["streams"])
    cache.set_last({code: (row, end) for code, row, end in state["last"]})
    cache.first_rows = state["first"]
    cache.vector_number, cache.removal_number = state["vector_number"], state["removal_number"]
    _compare(cache, database, state)
    gone = cache.place.values[~cache.alive.values]
    cache.vectors.forget(gone[gone >= 0].astype(np.int64))
    cache.sum_up()
    return cache


def _read_runs(folder: Path, way: str, sizes: Sequence[Sequence[int]]) -> list[Run]:
    terms, starts, rows = (_mapped(folder / f"{way}-{part}.npy") for part in ("terms", "starts", "rows"))
    runs: list[Run] = []
    t = r = 0
    for number, (of_terms, of_rows) in enumerate(sizes):
        runs.append(Run(terms[t : t + of_terms], starts[t + number : t + number + of_terms + 1], rows[r : r + of_rows]))
        t, r = t + of_terms, r + of_rows
    return runs


def _read_vectors(folder: Path, dim: int) -> VectorStore:
    exact = np.load(folder / "exact.npy")
    if exact.shape[1] != dim:
        raise ValueError("vectors of another length")
    if not (folder / "scale.npy").exists():
        store = VectorStore(dim)
        store.add(exact)
        return store
    codes, signs = _mapped(folder / "codes.npy"), np.load(folder / "signs.npy")
    return VectorStore.of(Scale(*np.load(folder / "scale.npy")), codes, signs)


def _compare(cache: IndexCache, database: Database, state: dict[str, Any]) -> None:
    """Raises ``ValueError`` when the snapshot contradicts itself or was made of another database."""
    if len(cache) != state["rows"] or len(cache.vectors) != len(cache.row_of_place):
        raise ValueError("parts do not fit together")
    with database.read() as connection:
        newest = connection.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name='utterances'")
        if int(newest.scalar_one()) < state["newest_id"]:
            raise ValueError("made of a later state of the database")


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
