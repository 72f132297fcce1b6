"""``livewitness bench search-scale``: how long a search takes, and what it costs, over a large archive.

The archive is synthetic (livewitness/bench/archive.py) and written to a real database. A process of its own then
starts from the database alone and from a snapshot, and answers queries over everything, within one stream and within
one shop. Nearest neighbours are compared with an exact scan of the float32 vectors. Beside it, on the same data:
SQLite's FTS5 over letters, and LanceDB over the vectors where it is installed.
"""

import importlib
import importlib.util
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from rich.progress import Progress
from rich.table import Table

from core.settings import Settings
from index.grams import index_text
from index.hearing import embedded_text
from index.search import Searcher, SearchRequest
from livewitness.bench.archive import fill, perturbed
from livewitness.bench.machine import machine
from livewitness.bench.search import OWN_QUERIES, read_queries
from livewitness.console import stderr, stdout
from models.embedding import Embedder, Matrix, load_embedder
from store.engine import Database, open_database
from store.postings import match_postings
from store.vectors import iterate_vectors

NEIGHBOURS = 10
_EXACT_QUERIES = 30
_PEER_QUERIES = 20
_REPEATS = 3


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds over all queries."""

    what: str
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class ScaleReport:
    """What `run_scale_bench` measured, and where."""

    machine: dict[str, str | int]
    utterances: int
    sentences: int
    threads: int
    written_per_s: float
    cold_from_database_s: float
    snapshot_s: float
    snapshot_mb: int
    cold_from_snapshot_s: float
    memory_mb: int
    recall_at_10: float
    times: tuple[Times, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def run_scale_bench(
    out: Path | None = None, *, count: int = 100_000, different: int = 3_000, threads: int = 2, peer: bool = True
) -> ScaleReport:
    """Measure over ``count`` utterances of ``different`` sentences; print a table, write JSON to ``out``."""
    with tempfile.TemporaryDirectory(prefix="livewitness-scale-") as folder:
        path = Path(folder) / "livewitness.db"
        started = time.perf_counter()
        _written(path, count, different)
        written = time.perf_counter() - started
        cold = _apart(_first_start, path, threads)
        snapshot = sum(file.stat().st_size for file in (Path(folder) / "index").rglob("*") if file.is_file())
        warm = _apart(_measured, path, threads)
        times = [Times(name, *_percentiles(values)) for name, values in warm["times"].items()]
        if peer:
            times += [Times(name, *_percentiles(values)) for name, values in _apart(_peers, path, threads).items()]
    report = ScaleReport(
        machine(),
        count,
        different,
        threads,
        round(count / written, 1),
        round(cold["start_s"], 2),
        round(cold["save_s"], 2),
        round(snapshot / 1e6),
        round(warm["start_s"], 2),
        round(warm["memory_mb"]),
        round(warm["recall"], 4),
        tuple(times),
    )
    stdout.print(table(report))
    if out is not None:
        out.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return report


def _written(path: Path, count: int, different: int) -> None:
    embedder, database = load_embedder(), open_database(path)
    try:
        with Progress(console=stderr) as bar:
            task = bar.add_task("archive", total=count)
            for done in fill(database, embedder, count, different):
                bar.update(task, completed=done)
    finally:
        database.close()
        embedder.close()


def _apart(work: Callable[[Path, int], dict[str, Any]], path: Path, threads: int) -> dict[str, Any]:
    """Run ``work`` in a fresh process, so that memory and start are its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, path, threads).result()


def _first_start(path: Path, threads: int) -> dict[str, Any]:
    faiss.omp_set_num_threads(threads)
    database, embedder = open_database(path), load_embedder()
    started = time.perf_counter()
    searcher = Searcher(database, embedder, path.parent / "index")
    start_s = time.perf_counter() - started
    searcher.save()
    embedder.close()
    return {"start_s": start_s, "save_s": time.perf_counter() - started - start_s}


def _measured(path: Path, threads: int) -> dict[str, Any]:
    faiss.omp_set_num_threads(threads)
    database, embedder = open_database(path), load_embedder(cache_dir=Settings().cache_dir)
    before = _memory_mb()
    started = time.perf_counter()
    searcher = Searcher(database, embedder, path.parent / "index")
    start_s = time.perf_counter() - started
    queries = [query.query for query in read_queries(OWN_QUERIES)]
    vectors = embedder.embed([embedded_text(query) for query in queries], "query")
    times = {
        "everything": _timed(queries, lambda query: searcher.search(SearchRequest(query))),
        "one stream": _timed(queries, lambda query: searcher.search(SearchRequest(query, stream="stream-00003"))),
        "one shop": _timed(queries, lambda query: searcher.search(SearchRequest(query, shop="shop-0001"))),
        "the query's embedding": _timed(queries, lambda query: embedder.embed([query], "query")),
        "vectors alone": _timed(list(vectors), lambda vector: _nearest(database, searcher, vector)),
    }
    memory = _memory_mb() - before
    recall = _recall(database, embedder, searcher)
    embedder.close()
    return {"start_s": start_s, "times": times, "memory_mb": memory, "recall": recall}


def _nearest(database: Database, searcher: Searcher, vector: Matrix) -> object:
    with database.read() as connection:
        return searcher.cache.refined(connection, vector, NEIGHBOURS)


def _timed(queries: Sequence[object], search: Callable[..., object]) -> list[float]:
    """Milliseconds of each query, the first one run once before."""
    search(queries[0])
    times: list[float] = []
    for _ in range(_REPEATS):
        for query in queries:
            started = time.perf_counter()
            search(query)
            times.append((time.perf_counter() - started) * 1000)
    return times


def _recall(database: Database, embedder: Embedder, searcher: Searcher) -> float:
    """Share of the exact `NEIGHBOURS` nearest that the cache finds, for queries that lie near some sentence."""
    random = np.random.default_rng(3)
    rows = random.integers(0, len(searcher.cache), _EXACT_QUERIES)
    asked = perturbed(searcher.cache.vectors.vectors(rows.astype(np.int64)), random)
    best: list[tuple[Matrix, list[int]]] = []
    with database.read() as connection:
        for ids, matrix in iterate_vectors(connection, embedder.identity.sha256, block=50_000):
            scores = matrix @ asked.T
            top = np.argpartition(-scores, min(NEIGHBOURS, len(ids)) - 1, axis=0)[:NEIGHBOURS]
            best.append((np.take_along_axis(scores, top, axis=0), np.array(ids)[top].tolist()))
    scores, places = np.concatenate([s for s, _ in best]), np.concatenate([np.array(i) for _, i in best])
    found = 0
    with database.read() as connection:
        for number, vector in enumerate(asked):
            exact = set(places[np.argsort(-scores[:, number])[:NEIGHBOURS], number].tolist())
            found += len(exact & set(searcher.cache.refined(connection, vector, NEIGHBOURS).tolist()))
    return found / (NEIGHBOURS * len(asked))


def _peers(path: Path, threads: int) -> dict[str, Any]:
    del threads
    database, embedder = open_database(path), load_embedder()
    queries = [query.query for query in read_queries(OWN_QUERIES)][:_PEER_QUERIES]
    vectors = embedder.embed([embedded_text(query) for query in queries], "query")

    def full_text(query: str) -> object:
        with database.read() as connection:
            return match_postings(connection, "letters", index_text(query)[0], NEIGHBOURS)

    times = {"SQLite FTS5, letters alone": _once(queries, full_text)}
    embedder.close()
    if importlib.util.find_spec("lancedb") is None:
        stderr.print("LanceDB is not installed: pip install lancedb")
        return times
    lance = _lance_table(database, embedder, path.parent / "lance")
    times["LanceDB, vectors alone, flat"] = _once(
        list(vectors), lambda vector: lance.search(vector).distance_type("cosine").limit(NEIGHBOURS).to_list()
    )
    return times


def _lance_table(database: Database, embedder: Embedder, folder: Path) -> Any:  # noqa: ANN401  # not a dependency
    """All vectors in a LanceDB table without an approximate index."""
    lancedb, pyarrow = importlib.import_module("lancedb"), importlib.import_module("pyarrow")
    table = None
    with database.read() as connection:
        for ids, matrix in iterate_vectors(connection, embedder.identity.sha256, block=50_000):
            flat = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(matrix.ravel()), matrix.shape[1])
            block = pyarrow.table({"id": ids, "vector": flat})
            if table is None:
                table = lancedb.connect(str(folder)).create_table("vectors", block)
            else:
                table.add(block)
    return table


def _once(queries: Sequence[object], search: Callable[..., object]) -> list[float]:
    search(queries[0])
    times: list[float] = []
    for query in queries:
        started = time.perf_counter()
        search(query)
        times.append((time.perf_counter() - started) * 1000)
    return times


def _memory_mb() -> float:
    """Peak resident memory of this process since it began, without pages of files it only maps."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return (int(status["VmHWM"].split()[0]) - int(status.get("RssFile", "0").split()[0])) / 1024


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    return round(float(np.percentile(values, 50)), 1), round(float(np.percentile(values, 95)), 1)


def table(report: ScaleReport) -> Table:
    """The report for people."""
    where = report.machine
    shown = Table(
        title=f"Search · {report.utterances:,} utterances of {report.sentences:,} sentences",
        caption=f"{where['date']} · {where['processor']} ({where['cores']} cores, {report.threads} threads) · "
        f"written {report.written_per_s:.0f}/s · cold start {report.cold_from_snapshot_s:.1f} s from the snapshot "
        f"({report.snapshot_mb} MB, saved in {report.snapshot_s:.1f} s), {report.cold_from_database_s:.1f} s without · "
        f"peak memory {report.memory_mb} MB · recall@10 {report.recall_at_10:.3f}",
    )
    shown.add_column("what")
    for column in ("p50 ms", "p95 ms", "against everything"):
        shown.add_column(column, justify="right")
    ours = next(t.p50_ms for t in report.times if t.what == "everything")
    for times in report.times:
        ratio = f"{times.p50_ms / ours:.2f}×"
        shown.add_row(times.what, f"{times.p50_ms:.1f}", f"{times.p95_ms:.1f}", ratio)
    return shown
