"""Exported cases lie ready for a while and take so much room: the case itself stays, and can be exported again."""

import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from evidence.audit import Actor, append_audit

FOLDER, EXPORTS = "cases", "exports"
"""``<data>/cases/CASE/exports/NAME.zip`` with ``NAME.json`` beside it, which says what it is."""
REMOVED = "export.removed"
_LEFT_S = 86_400.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExportLimits:
    """How long an exported case lies ready, and how many bytes all of them may take together."""

    days: int
    most_bytes: int


def sweep_exports(data_dir: Path, limits: ExportLimits, actor: Actor, now: datetime) -> int:
    """Remove what is past its days, then the oldest until the rest fits; how many. Each is noted in the audit chain.

    What an export that was killed left behind goes after a day. Raises ``OSError``, `StorageError`, `ConflictError`.
    """
    for path in list(_left_behind(data_dir, now)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    kept = sorted(data_dir.glob(f"{FOLDER}/*/{EXPORTS}/[!.]*.zip"), key=_made, reverse=True)
    oldest = (now - timedelta(days=limits.days)).timestamp()
    taken = removed = 0
    for path in kept:
        taken += path.stat().st_size
        if taken > limits.most_bytes or _made(path) < oldest:
            _remove(data_dir, path, actor)
            removed += 1
    return removed


def _remove(data_dir: Path, path: Path, actor: Actor) -> None:
    """The note first, as with all that is deleted; then the record, so that nothing is listed that is not there."""
    record = path.with_suffix(".json")
    try:
        about = json.loads(record.read_text("utf-8"))
    except (OSError, ValueError):
        about = {}
    detail = {"case": str(about.get("case", "")), "export": path.stem, "sha256": str(about.get("sha256", ""))}
    append_audit(data_dir, actor, REMOVED, detail)
    record.unlink(missing_ok=True)
    path.unlink()
    _log.info("removed the exported case %s", path.stem)


def _left_behind(data_dir: Path, now: datetime) -> Iterator[Path]:
    for path in data_dir.glob(f"{FOLDER}/*/{EXPORTS}/*"):
        unfinished = path.name.startswith(".") or (path.suffix == ".json" and not path.with_suffix(".zip").exists())
        if unfinished and now.timestamp() - _made(path) > _LEFT_S:
            yield path


def _made(path: Path) -> float:
    return path.stat().st_mtime
