"""Searches and, where nothing reaches the threshold, writes the negative result as a package."""

from dataclasses import dataclass
from pathlib import Path

from core.settings import Settings
from evidence.audit import local_actor
from evidence.negative import NegativePackage, export_negative
from evidence.negative_search import searched_of
from evidence.staging import ExportContext
from index.answer import SearchAnswer
from index.request import Moment, SearchRequest, parse_moment
from index.search import Searcher
from livewitness.console import emit, say, stdout
from livewitness.wiring import database_of, embedder_of, reranker_of, seal_options

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class NegativeQuery:
    """What is to be shown not to be there, and where. ``from_``/``to`` as typed."""

    query: str
    stream: str = ""
    shop: str = ""
    host: str = ""
    from_: str | None = None
    to: str | None = None
    threshold: float = 0.0


def search_and_export(
    settings: Settings, asked: NegativeQuery, output: Path, case: str, reason: str, *, as_json: bool
) -> None:
    """Search, write the package and say so. Raises `ConflictError` when something was found."""
    request = SearchRequest(
        asked.query, asked.stream, asked.shop, _moment(asked.from_), _moment(asked.to), _SHOWN, host=asked.host
    )
    with database_of(settings) as db, embedder_of(settings) as embedder, reranker_of(settings) as reranker:
        answer = Searcher(db, embedder, reranker=reranker).search(request)
        context = ExportContext(
            db, settings.data.absolute(), seal_options(settings), local_actor(), settings.ffmpeg, settings.ffmpeg_user
        )
        package = export_negative(
            context, searched_of(request, answer, embedder.identity, asked.threshold), output, case, reason
        )
    _tell(package, answer, as_json=as_json)


def _moment(text: str | None) -> Moment | None:
    return None if text is None else parse_moment(text)


def _tell(package: NegativePackage, answer: SearchAnswer, *, as_json: bool) -> None:
    if as_json:
        fields = {"path": str(package.path), "sha256": package.sha256, "size": package.size}
        counts = {"streams": package.streams, "logs": package.logs, "best": round(package.best, 4)}
        emit(fields | counts | {"stamped": package.stamped, "not_indexed": answer.searched.not_indexed})
        return
    stdout.print(f"{package.path}\nSHA-256 {package.sha256}", markup=False, soft_wrap=True)
    hours, gaps = answer.searched.recorded_ms / 3_600_000, answer.searched.gaps
    say(
        f"在 {package.streams} 场、{hours:.2f} 小时（缺口 {gaps} 处）里检索，最高得分 {package.best:.2f}，低于阈值。"
        "这不证明没有说过。",
        f"Searched {package.streams} streams, {hours:.2f} h, {gaps} gaps; the highest score is {package.best:.2f}, "
        "below the threshold. That does not prove that it was not said.",
    )
