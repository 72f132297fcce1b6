"""A whole case as one package: its exhibits as they are, their order and comments, its history, under one seal.

The packages inside are untouched files, each of which verifies by itself; the outer seal fixes which there were, in
which order, with which comments. Other files (received ones, orders, screenshots) have their hash in ``case.json``.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.clock import iso, seconds
from core.errors import ConflictError
from evidence.audit import append_audit, read_audit
from evidence.case_report import case_report
from evidence.document import document_html
from evidence.held import file_sha256
from evidence.seal import verify_script
from evidence.staging import ExportContext, check_suffix, put_custody, staged, write_package
from evidence.told import LANGUAGES
from store.cases import Case, Exhibit, ExhibitKind

FORMAT = "livewitness-case/1"
CASE, HISTORY = "case.json", "history.jsonl"
SEALED_KINDS = frozenset({ExhibitKind.PACKAGE, ExhibitKind.NEGATIVE})
"""Exhibits that are packages of their own."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An exhibit and where its file lies; ``None`` for words only."""

    exhibit: Exhibit
    path: Path | None


@dataclass(frozen=True, slots=True)
class CasePackage:
    """A case as written."""

    path: Path
    sha256: str
    size: int
    exhibits: int
    packages: int


def export_case(
    context: ExportContext, case: Case, pieces: Sequence[Piece], output: Path, reason: str = ""
) -> CasePackage:
    """Write the case to ``output`` (.zip), whole or not at all, and note the export in the audit chain.

    Raises `ConflictError` where a file is no longer what was put into the case, `BadInputError` beyond 4 GiB.
    """
    check_suffix(output)
    with staged(output) as staging:
        for piece in pieces:
            if piece.path is not None:
                _check(piece.exhibit, piece.path)
                staging.files[name_inside(piece)] = piece.path
        fields = _fields(case, pieces)
        staging.put_json(CASE, fields)
        history = case_history(context.data_dir, case.id)
        staging.put(HISTORY, b"".join(line + b"\n" for line in history))
        for language in LANGUAGES:
            report = case_report(fields, [json.loads(line) for line in history], language, case.created_at)
            staging.put(f"report.{language}.html", document_html(report))
        staging.put("verify.sh", verify_script())
        put_custody(staging, context, case.id, reason)
        sha256, size = write_package(staging, output, context, "case")
    packages = sum(piece.exhibit.kind in SEALED_KINDS for piece in pieces)
    detail = {"case": case.id, "reason": reason, "exhibits": len(pieces), "edition": "case", "sha256": sha256}
    append_audit(context.data_dir, context.actor, "export", detail)
    return CasePackage(output, sha256, size, len(pieces), packages)


def case_history(data_dir: Path, number: str) -> list[bytes]:
    """Lines of the audit chain that speak of the case, as they stand there, oldest first."""
    return [line for line in read_audit(data_dir) if json.loads(line)["detail"].get("case") == number]


def name_inside(piece: Piece) -> str:
    """Where the file of an exhibit lies in the package; empty for words only."""
    if piece.path is None:
        return ""
    return f"exhibits/{piece.exhibit.position:03d}-{piece.exhibit.id}{piece.path.suffix.lower()}"


def _check(exhibit: Exhibit, path: Path) -> None:
    if file_sha256(path) != exhibit.sha256:
        raise ConflictError(
            "exhibit_changed",
            f"证据“{exhibit.title}”的文件已不是入卷时的那一个。",
            f"The file of the exhibit “{exhibit.title}” is not the one that was put into the case.",
        )


def _fields(case: Case, pieces: Sequence[Piece]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "number": case.id,
        "title": case.title,
        "shop": case.shop,
        "state": case.state.value,
        "outcome": case.outcome,
        "opened": iso(case.created_at),
        "opened_by": case.created_by,
        "exhibits": [_exhibit(place, piece) for place, piece in enumerate(pieces, start=1)],
    }


def _exhibit(place: int, piece: Piece) -> dict[str, Any]:
    exhibit = piece.exhibit
    shown = {"stream": exhibit.stream, "start": seconds(exhibit.start_ms), "end": seconds(exhibit.end_ms)}
    return {
        "place": place,
        "id": exhibit.id,
        "kind": exhibit.kind.value,
        "title": exhibit.title,
        "comment": exhibit.comment,
        "added": iso(exhibit.added_at),
        "added_by": exhibit.added_by,
        "file": name_inside(piece),
        "sha256": exhibit.sha256,
        "shows": shown if exhibit.stream else None,
    }
