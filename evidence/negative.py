"""A negative result as a package: searched for this, in so many hours with so many gaps, by these means, and not found.

It holds the signed logs of all streams in full, so that hours and gaps can be counted by whoever doubts them, the
hashes of the texts searched, and the best hits with their scores below the threshold. It does not prove that the words
were not said, and says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.clock import iso, seconds
from core.errors import BadInputError, ConflictError, Sentence
from core.records import ModelIdentity, Stream
from core.shapes import stream_json
from evidence.audit import append_audit
from evidence.chain import known_stream, logged, put_checkpoint, seal_log
from evidence.checkpoints import Checkpoint, checkpoint_paths, load_checkpoint
from evidence.document import document_html, document_pdf
from evidence.logged_extent import logged_extent
from evidence.negative_checks import SEARCH
from evidence.negative_report import negative_report
from evidence.seal import sha256_hex, verify_script
from evidence.segment_log import log_path, read_log
from evidence.staging import (
    EXPORT_TIME_FILES,
    ExportContext,
    Staging,
    check_suffix,
    put_custody,
    staged,
    write_package,
)
from evidence.told import LANGUAGES
from evidence.transcript import transcript_json
from store import recordings, utterances
from store.scope import Extent, Scope, scope_streams, stream_totals

FORMAT = "livewitness-negative/1"
THRESHOLD = 0.7
"""A hit that reaches this score is worth a look, so that its search is not negative."""
_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class NearHit:
    """What came near: an utterance with its score, in stream milliseconds. ``ways``: by which means it was found."""

    stream: str
    start_ms: int
    end_ms: int
    score: float
    text: str
    matched: str
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Searched:
    """A search that was made. ``models``: what recognised, embedded and compared, each with its hash.

    ``hits`` are the best ones, best first; ``means``: the ways by which was looked.
    """

    query: str
    scope: Scope
    extent: Extent
    hits: tuple[NearHit, ...]
    models: tuple[ModelIdentity, ...]
    means: tuple[str, ...]
    threshold: float = THRESHOLD


@dataclass(frozen=True, slots=True)
class NegativePackage:
    """A negative result as written. ``stamped``: the last checkpoint of every log has a token."""

    path: Path
    sha256: str
    size: int
    streams: int
    logs: int
    best: float
    stamped: bool


@dataclass(frozen=True, slots=True)
class _Log:
    """A stream that was searched; ``folder`` and ``checkpoint`` are None where nothing of it was recorded."""

    fields: dict[str, Any]
    folder: str | None
    checkpoint: Checkpoint | None
    stamped: bool


def export_negative(
    context: ExportContext, searched: Searched, output: Path, case: str = "", reason: str = ""
) -> NegativePackage:
    """Write the package to ``output`` (.zip), whole or not at all, and note the export in the audit chain.

    Raises `ConflictError` when a hit reaches the threshold, `BadInputError` when there is nothing to search.
    """
    check_suffix(output)
    best = max((hit.score for hit in searched.hits), default=0.0)
    if best >= searched.threshold:
        raise _found(searched, best)
    with staged(output) as staging:
        logs = list(_put_logs(staging, context, searched.scope))
        if not logs:
            raise BadInputError("negative_nothing", "范围内没有任何直播。", "There is no stream in that range.")
        search = _search_fields(searched, logs)
        staging.put_json(SEARCH, search)
        staging.put_json("manifest.json", _manifest())
        day = max((log.checkpoint.time for log in logs if log.checkpoint), default=_last_word(context, logs))
        for language in LANGUAGES:
            document = negative_report(search, language, day, stamped=_stamped(logs))
            staging.put(f"report.{language}.html", document_html(document))
            staging.put(f"report.{language}.pdf", document_pdf(document, staging.folder))
        staging.put("verify.sh", verify_script())
        put_custody(staging, context, case, reason)
        sha256, size = write_package(staging, output, context, "negative")
    detail = {"query": searched.query, "streams": len(logs), "case": case, "reason": reason, "sha256": sha256}
    append_audit(context.data_dir, context.actor, "export", detail | {"edition": "negative"})
    held = sum(log.folder is not None for log in logs)
    return NegativePackage(output, sha256, size, len(logs), held, best, _stamped(logs))


def _found(searched: Searched, best: float) -> ConflictError:
    hit = searched.hits[0]
    place = f"{hit.stream} {seconds(hit.start_ms)}"
    return ConflictError(
        "negative_found",
        f"不是“检索未果”：{place} 秒处“{hit.text}”得分 {best:.2f}，达到阈值 {searched.threshold:g}。",
        f"This search is not negative: {place} s, “{hit.text}”, has a score of {best:.2f}; the threshold is "
        f"{searched.threshold:g}.",
        hint=Sentence(
            "请先看这一处；确与所查无关时可用 --threshold 提高阈值，报告会写明阈值并列出它。",
            "Look at it first; where it is not what was meant, raise --threshold: the report names both.",
        ),
    )


def _stamped(logs: list[_Log]) -> bool:
    return all(log.stamped for log in logs if log.folder is not None)


def _manifest() -> dict[str, Any]:
    return {"format": FORMAT, "export_time_files": list(EXPORT_TIME_FILES)}


def _put_logs(staging: Staging, context: ExportContext, scope: Scope) -> Iterator[_Log]:
    with context.db.read() as connection:
        names = sorted(scope_streams(connection, scope))
    number = 0
    for name in names:
        stream = known_stream(context, name)
        fields = _stream_fields(context, stream)
        with context.db.read() as connection:
            sequences = [segment.sequence for segment in recordings.list_segments(connection, name)]
        if not sequences and not read_log(log_path(context.data_dir, name)).lines:
            yield _Log(fields | {"log": None}, None, None, stamped=False)
            continue
        number += 1
        yield _put_log(staging, context, stream, sequences, fields=fields, folder=f"logs/{number:04d}")


def _put_log(
    staging: Staging,
    context: ExportContext,
    stream: Stream,
    sequences: list[int],
    *,
    fields: dict[str, Any],
    folder: str,
) -> _Log:
    """The log up to its last checkpoint, in full."""
    view = logged(context, stream, sequences)
    checkpoints = seal_log(context, stream.name, view, len(view.lines) - 1)
    stored = load_checkpoint(checkpoint_paths(checkpoints)[-1])
    view = read_log(log_path(context.data_dir, stream.name))
    if stored is None or stored.checkpoint.size > len(view.lines):
        raise ConflictError(
            "checkpoint_damaged", f"{checkpoints} 里有损坏的检查点。", f"A checkpoint in {checkpoints} is damaged."
        )
    size = stored.checkpoint.size
    staging.put(f"{folder}/leaves.jsonl", b"".join(line + b"\n" for line in view.lines[:size]))
    put_checkpoint(staging, folder, stored)
    logged_fields = {
        "log": folder,
        "origin": stored.checkpoint.origin,
        "size": size,
        "root": stored.checkpoint.root,
        "fixed": iso(stored.checkpoint.time),
        "logged": logged_extent(view.leaves[:size]),
    }
    return _Log(fields | logged_fields, folder, stored.checkpoint, stored.token is not None)


def _stream_fields(context: ExportContext, stream: Stream) -> dict[str, Any]:
    """What the database says of a stream: how much is recorded and recognised, by which models, and the text's hash."""
    with context.db.read() as connection:
        totals = stream_totals(connection, stream.name)
        said = utterances.list_utterances(connection, stream.name, limit=_ALL)
    shown = stream_json(stream)
    models = sorted({(u.model.name, u.model.sha256) for u in said})
    return {
        "stream": stream.name,
        "shop": shown["shop"],
        "host": shown["host"],
        "recorded": seconds(totals.recorded_ms or 0),
        "gaps": totals.gaps,
        "gap_seconds": seconds(totals.gap_ms),
        "not_transcribed_seconds": seconds(totals.untranscribed_ms),
        "utterances": len(said),
        "text_sha256": sha256_hex(transcript_json(said)),
        "models": [{"name": name, "sha256": sha256} for name, sha256 in models],
    }


def _last_word(context: ExportContext, logs: list[_Log]) -> datetime:
    """When the last stream was opened: the day of a result without any log."""
    moments = [known_stream(context, log.fields["stream"]).created_at for log in logs]
    return max(moment for moment in moments if moment is not None)


def _search_fields(searched: Searched, logs: list[_Log]) -> dict[str, Any]:
    extent, scope = searched.extent, searched.scope
    walls = [iso(moment) if moment else None for moment in (scope.wall_from, scope.wall_to)]
    within = [seconds(ms) if ms is not None else None for ms in (scope.from_ms, scope.to_ms)]
    return {
        "query": searched.query,
        "scope": {
            "stream": scope.stream,
            "shop": scope.shop,
            "host": scope.host,
            "from": within[0] if within[0] is not None else walls[0],
            "to": within[1] if within[1] is not None else walls[1],
        },
        "means": list(searched.means),
        "models": [{"name": model.name, "sha256": model.sha256} for model in searched.models],
        "threshold": searched.threshold,
        "searched": {
            "streams": extent.streams,
            "seconds": seconds(extent.recorded_ms),
            "gaps": extent.gaps,
            "gap_seconds": seconds(extent.gap_ms),
            "utterances": extent.utterances,
            "not_indexed": extent.not_indexed,
            "not_transcribed_seconds": seconds(extent.untranscribed_ms),
        },
        "hits": [_hit_fields(rank, hit) for rank, hit in enumerate(searched.hits, 1)],
        "streams": [log.fields for log in logs],
    }


def _hit_fields(rank: int, hit: NearHit) -> dict[str, Any]:
    return {
        "rank": rank,
        "score": round(hit.score, 4),
        "stream": hit.stream,
        "start": seconds(hit.start_ms),
        "end": seconds(hit.end_ms),
        "text": hit.text,
        "matched": hit.matched,
        "ways": list(hit.ways),
    }
