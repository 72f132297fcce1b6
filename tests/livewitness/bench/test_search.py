"""The search benchmark: what it counts, what it refuses, and that ours beats the plain ways."""

import json
import math
from pathlib import Path

import pytest

from core.errors import BadInputError, NotFoundError, StorageError
from livewitness.bench.search import (
    OWN_QUERIES,
    Candidate,
    marks,
    read_queries,
    reciprocal_ranks,
    run_search_bench,
)

YES, NO = Candidate("a", True, "paraphrase"), Candidate("b", False, "hard")


def test_marks_of_one_query() -> None:
    told = marks([7, 1, 2, 3], {1: YES, 2: NO, 9: YES})
    assert told["hit"] == 0
    assert told["recall"] == 0.5
    assert told["mrr"] == 0.5
    assert told["ndcg"] == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))
    assert told["lookalike"] == 1
    assert marks([1, 9], {1: YES, 2: NO, 9: YES}) == {"hit": 1, "recall": 1, "mrr": 1, "ndcg": 1, "lookalike": 0}
    assert marks([], {1: YES})["recall"] == 0


def test_fusion_prefers_what_several_lists_agree_on() -> None:
    assert reciprocal_ranks([[1, 2], [2, 3], [2]])[0] == 2
    assert reciprocal_ranks([]) == []


def test_the_bundled_queries_are_varied() -> None:
    queries = read_queries(OWN_QUERIES)
    assert len(queries) >= 25
    assert len({query.query for query in queries}) == len(queries)
    for query in queries:
        kinds = {candidate.kind for candidate in query.candidates}
        assert any(candidate.relevant for candidate in query.candidates)
        assert "hard" in kinds


def test_bad_files_are_named_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_queries(tmp_path / "none.jsonl")
    path = tmp_path / "queries.jsonl"
    path.write_text("", encoding="utf-8")
    with pytest.raises(BadInputError):
        read_queries(path)
    path.write_text('\n{"id": 1}\n', encoding="utf-8")
    with pytest.raises(BadInputError, match="line 2"):
        read_queries(path)
    with pytest.raises(StorageError):
        run_search_bench(path, tmp_path / "nowhere" / "out.json")


@pytest.mark.slow
def test_a_whole_run_on_the_own_queries(tmp_path: Path) -> None:
    out = tmp_path / "search.json"
    report = run_search_bench(out=out)
    told = json.loads(out.read_text(encoding="utf-8"))
    assert [system["system"] for system in told["systems"]] == [s.system for s in report.systems]
    ours, *plain = report.systems
    assert ours.hit_at_1 >= max(system.hit_at_1 for system in plain)
    assert ours.ndcg_at_10 > max(system.ndcg_at_10 for system in plain)
    assert ours.homophones >= 0.95
