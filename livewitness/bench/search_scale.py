"""``livewitness bench search-scale``: how long a search takes, and what it costs, over a large archive.

The archive is synthetic (livewitness/bench/archive.py) and written to a real database. Processes of their own then
start from the database alone and from a snapshot, and answer queries, each asked once, over everything, within one
stream and within one shop; say something new and wait until it is found; delete it again. Nearest neighbours are
compared with an exact scan of the float32 vectors, for vectors that lie near a sentence and for queries as search
turns them towards their answers. Beside it, on the same data and for the same queries, run the
engines of livewitness/bench/scale_peers.py.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress
from rich.table import Table

import index.vectors
from core.errors import StorageError
from core.turns import short_turns
from index.hearing import embedded_text
from index.projection import projection_of
from index.search import Searcher, SearchRequest
from index.snapshot import snapshot_root
from livewitness.bench.archive import fill, middle, perturbed, questions
from livewitness.bench.machine import machine
from livewitness.bench.newly_said import newly_said
from livewitness.bench.scale_peers import NEIGHBOURS, blocks, peers
from livewitness.bench.search import OWN_QUERIES, read_queries
from livewitness.bench.timing import Measured, once
from livewitness.console import stderr, stdout
from models.embedding import Embedder, EmbeddingKind, Matrix, load_embedder
from store.engine import SEARCH_CACHE_KIB, Database, open_database
from store.utterances import get_utterances

BYTES_EACH = 7_000
"""Disk an utterance takes: 4.2 kB in the database, 0.6 in the snapshot, 1.6 in each peer's file."""
_QUESTIONS = 90
_EXACT_QUERIES = 30
_PEER_QUERIES = 12


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds over all queries; ``cpu_ms`` is what one takes of all cores, however busy they are with others."""

    what: str
    p50_ms: float
    p95_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class ScaleReport:
    """What `run_scale_bench` measured, and where. None: the archive was there already, with its snapshot."""

    machine: dict[str, str | int]
    utterances: int
    sentences: int
    threads: int
    written_per_s: float | None
    cold_from_database_s: float | None
    snapshot_s: float | None
    snapshot_mb: int
    cold_from_snapshot_s: float
    first_answer_ms: float
    memory_mb: int
    recall_at_10: float
    recall_of_queries: float
    embedded_per_s: float
    times: tuple[Times, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def run_scale_bench(
    out: Path | None = None,
    *,
    count: int = 100_000,
    different: int = 10_000,
    threads: int = 2,
    peer: bool = True,
    keep: Path | None = None,
) -> ScaleReport:
    """Measure over ``count`` utterances of ``different`` sentences; print a table, write JSON to ``out``.

    The archive is written to ``keep`` and used again where it stands there already. Raises `StorageError` when the
    disk has no room for it.
    """
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="livewitness-scale-")))
        path = folder / "livewitness.db"
        written = _archive(path, count, different)
        first = {} if _snapshot_mb(path) else _apart(_first_start, path, threads)
        found = _apart(_measured, path, threads)
        times = {**found["times"], **(_apart(_peers, path, threads) if peer else {})}
        report = ScaleReport(
            machine(),
            found["utterances"],
            different,
            threads,
            written,
            first.get("start_s"),
            first.get("save_s"),
            _snapshot_mb(path),
            round(found["start_s"], 2),
            round(found["first_ms"], 1),
            round(found["memory_mb"]),
            round(found["recall"][0], 4),
            round(found["recall"][1], 4),
            round(found["embedded_per_s"], 1),
            tuple(Times(name, *_percentiles(values), round(cpu, 1)) for name, (values, cpu) in times.items()),
        )
    stdout.print(table(report))
    if out is not None:
        out.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return report


def _archive(path: Path, count: int, different: int) -> float | None:
    """Write what is missing of the archive; utterances a second, None when nothing was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    missing = count * BYTES_EACH - sum(f.stat().st_size for f in path.parent.rglob("*") if f.is_file())
    if missing > shutil.disk_usage(path.parent).free:
        raise StorageError(
            "bench_disk",
            f"{path.parent} 所在磁盘还需 {missing / 1e9:.1f} GB 空间。",
            f"The disk of {path.parent} needs {missing / 1e9:.1f} GB more.",
        )
    embedder, database = load_embedder(), open_database(path, cache_kib=SEARCH_CACHE_KIB)
    done, started = 0, time.perf_counter()
    try:
        with Progress(console=stderr) as bar:
            tasks = {name: bar.add_task(name, total=None) for name in ("sentences", "archive")}
            for name, stands, total in fill(database, embedder, count, different):
                if name == "archive":
                    done += 1
                else:
                    started = time.perf_counter()
                bar.update(tasks[name], completed=stands, total=total)
    finally:
        database.close()
        embedder.close()
    return round(done * 20_000 / (time.perf_counter() - started), 1) if done else None


def _snapshot_mb(path: Path) -> int:
    return round(sum(file.stat().st_size for file in (path.parent / "index").rglob("*") if file.is_file()) / 1e6)


def _apart(work: Callable[[Path, int], dict[str, Any]], path: Path, threads: int) -> dict[str, Any]:
    """Run ``work`` in a fresh process, so that memory and start are its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, path, threads).result()


def _first_start(path: Path, threads: int) -> dict[str, Any]:
    index.vectors.THREADS = threads
    database, embedder = open_database(path, cache_kib=SEARCH_CACHE_KIB), load_embedder()
    started = time.perf_counter()
    with Progress(console=stderr) as bar:
        task = bar.add_task("read into memory", total=None)
        searcher = Searcher(database, embedder, snapshot_root(database), lambda more: bar.advance(task, more))
    start_s = time.perf_counter() - started
    searcher.save()
    embedder.close()
    return {"start_s": round(start_s, 1), "save_s": round(time.perf_counter() - started - start_s, 1)}


class _Prepared:
    """An embedder that knows the vectors of some texts beforehand."""

    def __init__(self, inner: Embedder, known: dict[str, Matrix]) -> None:
        self._inner, self._known = inner, known
        self.identity, self.dim = inner.identity, inner.dim

    def embed(self, texts: Sequence[str], kind: EmbeddingKind = "passage") -> Matrix:
        """Known vectors where all are known."""
        if all(text in self._known for text in texts):
            return np.stack([self._known[text] for text in texts])
        return self._inner.embed(texts, kind)

    def close(self) -> None:
        """The inner one is closed by whom it belongs to."""


def _measured(path: Path, threads: int) -> dict[str, Any]:
    index.vectors.THREADS = threads
    short_turns()  # as the service does
    database, embedder = open_database(path, cache_kib=SEARCH_CACHE_KIB), load_embedder()
    own = [query.query for query in read_queries(OWN_QUERIES)]
    asked = questions(5 * _QUESTIONS, seed=1)
    before = _memory_mb()
    started = time.perf_counter()
    searcher = Searcher(database, embedder, snapshot_root(database))
    start_s = time.perf_counter() - started
    first = once([own[0]], lambda query: searcher.search(SearchRequest(query)))
    parts = [[*own[1:], *asked[:_QUESTIONS]], *(asked[n * _QUESTIONS : (n + 1) * _QUESTIONS] for n in range(1, 5))]
    times = _searched(searcher, parts)
    times["the embedding of a query"] = once(parts[0], lambda query: embedder.embed([query], "query"))
    vectors = embedder.embed([embedded_text(query) for query in parts[3] + parts[4]], "query")
    known = dict(zip(map(embedded_text, parts[3] + parts[4]), vectors, strict=True))
    memory = _memory_mb() - before
    prepared = Searcher(database, _Prepared(embedder, known), snapshot_root(database))
    times["everything, query embedded before"] = once(parts[3], lambda q: prepared.search(SearchRequest(q)))
    times["one stream, query embedded before"] = once(
        parts[4], lambda query: prepared.search(SearchRequest(query, stream=middle(len(searcher.cache))[0]))
    )
    times["vectors alone"] = once(list(vectors), lambda vector: searcher.cache.nearest(vector, NEIGHBOURS))
    utterances = len(searcher.cache)
    recall = _recall(database, searcher, _asked(embedder, searcher, parts[2]))
    speed = _speed(embedder, searcher, database)
    times |= newly_said(database, embedder, searcher)
    embedder.close()
    return {
        "utterances": utterances,
        "start_s": start_s,
        "first_ms": first[0][0],
        "times": times,
        "memory_mb": memory,
        "recall": recall,
        "embedded_per_s": speed,
    }


def _searched(searcher: Searcher, parts: Sequence[Sequence[str]]) -> dict[str, Measured]:
    """Every query is asked once only."""
    stream, shop = middle(len(searcher.cache))
    return {
        "everything": once(parts[0], lambda query: searcher.search(SearchRequest(query))),
        "one stream": once(parts[1], lambda query: searcher.search(SearchRequest(query, stream=stream))),
        "one shop": once(parts[2], lambda query: searcher.search(SearchRequest(query, shop=shop))),
    }


def _speed(embedder: Embedder, searcher: Searcher, database: Database) -> float:
    """Utterances of the archive embedded a second, one core."""
    ids = searcher.cache.ids.values[:: max(1, len(searcher.cache) // 300)][:300].tolist()
    with database.read() as connection:
        texts = [embedded_text(said.text) for said in get_utterances(connection, ids).values()]
    started = time.perf_counter()
    embedder.embed(texts, "passage")
    return len(texts) / (time.perf_counter() - started)


def _asked(embedder: Embedder, searcher: Searcher, queries: Sequence[str]) -> Matrix:
    """As many vectors that lie near some sentence as queries as search turns them towards their answers."""
    random = np.random.default_rng(3)
    rows = random.integers(0, len(searcher.cache), _EXACT_QUERIES)
    near = perturbed(searcher.cache.vectors.vectors(rows.astype(np.int64)), random)
    vectors = embedder.embed([embedded_text(query) for query in queries[:_EXACT_QUERIES]], "query")
    projection = projection_of(embedder)
    return np.concatenate([near, np.stack([projection.probe(vector).direction for vector in vectors])])


def _recall(database: Database, searcher: Searcher, asked: Matrix) -> tuple[float, ...]:
    """Shares of the exact `NEIGHBOURS` nearest that the cache finds, for either half of ``asked``."""
    best: list[tuple[Matrix, list[int]]] = []
    for ids, matrix in blocks(database, searcher.cache.identity.sha256):
        scores = matrix @ asked.T
        top = np.argpartition(-scores, min(NEIGHBOURS, len(ids)) - 1, axis=0)[:NEIGHBOURS]
        best.append((np.take_along_axis(scores, top, axis=0), np.array(ids)[top].tolist()))
    scores, places = np.concatenate([s for s, _ in best]), np.concatenate([np.array(i) for _, i in best])
    found: list[float] = []
    with database.read() as connection:
        for number, vector in enumerate(asked):
            exact = set(places[np.argsort(-scores[:, number])[:NEIGHBOURS], number].tolist())
            near = set(searcher.cache.refined(connection, vector, NEIGHBOURS).tolist())
            found.append(len(exact & near) / NEIGHBOURS)
    return tuple(float(np.mean(half)) for half in np.split(np.array(found), 2))


def _peers(path: Path, threads: int) -> dict[str, Any]:
    del threads
    database, embedder = open_database(path, cache_kib=SEARCH_CACHE_KIB), load_embedder()
    queries = questions(_PEER_QUERIES + 1, seed=3)
    vectors = embedder.embed([embedded_text(query) for query in queries], "query")
    pairs = list(zip(queries, vectors, strict=True))
    times: dict[str, Any] = {}
    for name, search in peers(database, embedder.identity.sha256, stderr.print).items():
        search(*pairs[0])
        times[name] = once(pairs[1:], lambda pair, search=search: search(*pair))
    embedder.close()
    return times


def _memory_mb() -> float:
    """Resident memory of this process, pages of mapped files included."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    return round(float(np.percentile(values, 50)), 1), round(float(np.percentile(values, 95)), 1)


def table(report: ScaleReport) -> Table:
    """The report for people."""
    where = report.machine
    built = ""
    if report.cold_from_database_s is not None:
        built = f", {report.cold_from_database_s} s without one (saved in {report.snapshot_s} s)"
    if report.written_per_s is not None:
        built += f" · written {report.written_per_s:.0f}/s"
    shown = Table(
        title=f"Search · {report.utterances:,} utterances of {report.sentences:,} sentences",
        caption=f"{where['date']} · {where['processor']} ({where['cores']} cores, {report.threads} threads) · "
        f"cold start {report.cold_from_snapshot_s} s from the snapshot ({report.snapshot_mb} MB){built}, first answer "
        f"{report.first_answer_ms} ms later · memory {report.memory_mb} MB, mapped pages included · "
        f"recall@10 {report.recall_at_10:.3f} near a sentence, {report.recall_of_queries:.3f} of queries · "
        f"{report.embedded_per_s:.0f} utterances embedded a second",
    )
    shown.add_column("what")
    for column in ("p50 ms", "p95 ms", "CPU ms", "p50 against everything"):
        shown.add_column(column, justify="right")
    ours = next(t.p50_ms for t in report.times if t.what == "everything")
    for times in report.times:
        ratio = f"{times.p50_ms / ours:.2f}×"
        shown.add_row(times.what, f"{times.p50_ms:.1f}", f"{times.p95_ms:.1f}", f"{times.cpu_ms:.1f}", ratio)
    return shown
