"""Whether a negative result is what was signed: its logs in full, and what it says of them and of the search."""

from collections.abc import Sequence
from typing import Any

from evidence.checking import RefusedError, Run, read_object
from evidence.leaves import Leaf
from evidence.log_checks import check_whole_log
from evidence.logged_extent import logged_extent

SEARCH = "search/search.json"
_FOLDERS = ("search/", "logs/", "export/", "report.")
_OTHERS = frozenset({"manifest.json", "verify.sh"})


def check_negative(run: Run) -> None:
    """Logs are whole and signed, and the result says of each what it holds; no hit reaches the threshold.

    That the search found no more cannot be checked without its models and texts; the verdict does not claim it.
    """
    for name in sorted(run.sums):
        if not name.startswith(_FOLDERS) and name not in _OTHERS:
            raise RefusedError(name, "不属于这类证据包", "does not belong into this kind of package")
    search = read_object(run, SEARCH)
    _check_hits(search)
    streams = search.get("streams")
    if not isinstance(streams, list) or not all(isinstance(stream, dict) for stream in streams):
        raise RefusedError(SEARCH, "没有列出直播", "does not list streams")
    _check_logs(run, streams)
    run.facts |= {"clip": "none", "streams": len(streams), "query": str(search.get("query"))}
    run.facts["threshold"] = search.get("threshold")


def _check_hits(search: dict[str, Any]) -> None:
    threshold, hits = _number(search.get("threshold")), search.get("hits")
    if threshold is None or not isinstance(hits, list):
        raise RefusedError(SEARCH, "没有阈值或最接近的结果", "names no threshold or no hits")
    scores = [_number(hit.get("score")) if isinstance(hit, dict) else None for hit in hits]
    if not all(score is not None and score < threshold for score in scores):
        raise RefusedError(SEARCH, "有结果达到阈值：并非检索未果", "has a hit that reaches the threshold: it was found")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _check_logs(run: Run, streams: Sequence[dict[str, Any]]) -> None:
    """Each log belongs to one stream that is listed, and holds what is said of it."""
    folders = sorted({"/".join(name.split("/")[:2]) for name in run.sums if name.startswith("logs/")})
    listed = [stream.get("log") for stream in streams if stream.get("log") is not None]
    if sorted(map(str, listed)) != folders:
        raise RefusedError(SEARCH, "所列日志与包内日志不符", "lists other logs than there are")
    segments = 0
    for stream in streams:
        folder = stream.get("log")
        if folder is None:
            continue
        log, leaves = check_whole_log(run, str(folder))
        first: Leaf = leaves[0]
        extent = logged_extent(leaves)
        said = (stream.get("stream"), stream.get("logged"), stream.get("origin"))
        if said != (first.get("stream"), extent, log.checkpoints[-1].origin):
            raise RefusedError(SEARCH, f"与日志 {folder} 不符", f"does not say what the log {folder} holds")
        segments += extent["segments"]
    run.facts |= {"segments": segments, "checkpoints": len(run.checkpoints), "received": 0, "late": 0}
    run.facts["log"] = f"{len(folders)} logs"
