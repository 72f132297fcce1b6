"""What a running service does for evidence every minute: signs the audit chain, and fetches tokens that are missing.

Tokens may be missing for good otherwise: a stream that ended while the authority did not answer asks no more.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from core.errors import LiveWitnessError
from evidence.audit_seal import AUDIT_FOLDER, parse_audit_checkpoint, seal_audit
from evidence.checkpoints import FOLDER, checkpoint_paths, write_new
from evidence.live_log import SealOptions, stamp_pending
from evidence.stamping import request_token

_log = logging.getLogger(__name__)


def stamp_everything(
    data_dir: Path, url: str, *, most: int = 20, complete: dict[Path, int] | None = None, over: Event | None = None
) -> int:
    """Fetch at most ``most`` missing tokens for each stream and the audit chain; how many were seen to be missing.

    Stops where the authority gives none, and when ``over`` is set. ``complete`` remembers folders that lacked nothing
    by their time, so that the next call passes over them.
    """
    complete = {} if complete is None else complete
    waiting = stamp_audit(data_dir, url, most=most)
    for folder in sorted((data_dir / "streams").glob(f"*/{FOLDER}")):
        changed = folder.stat().st_mtime_ns
        if complete.get(folder) == changed:
            continue
        before = _missing(folder)
        left = stamp_pending(folder, url, most=most) if before else 0
        waiting += left
        if left == 0:
            complete[folder] = folder.stat().st_mtime_ns
        if (before and left == before) or (over is not None and over.is_set()):
            break
    return waiting


def _missing(folder: Path) -> int:
    return sum(not path.with_suffix(".tsr").exists() for path in checkpoint_paths(folder))


_seen: dict[Path, tuple[int, int, datetime | None]] = {}
"""Checkpoint folders as they were when last looked at: mtime, tokens missing, since when. Most never change again."""


def waiting_tokens(data_dir: Path) -> tuple[int, datetime | None]:
    """How many checkpoints of streams and of the audit chain have no token yet, and since when the oldest waits."""
    count, oldest = 0, None
    for folder in [data_dir / AUDIT_FOLDER, *(data_dir / "streams").glob(f"*/{FOLDER}")]:
        missing, since = _waiting_in(folder) if folder.is_dir() else (0, None)
        count += missing
        oldest = min((moment for moment in (oldest, since) if moment), default=None)
    return count, oldest


def _waiting_in(folder: Path) -> tuple[int, datetime | None]:
    changed = folder.stat().st_mtime_ns
    known = _seen.get(folder)
    if known is None or known[0] != changed:
        names = {path.name for path in folder.iterdir()}
        missing = [name for name in names if name.endswith(".txt") and f"{name[:-4]}.tsr" not in names]
        times = [(folder / name).stat().st_mtime for name in missing]
        since = datetime.fromtimestamp(min(times), UTC) if times else None
        known = _seen[folder] = (changed, len(missing), since)
    return known[1], known[2]


def stamp_audit(data_dir: Path, url: str, *, most: int = 20) -> int:
    """Fetch missing tokens over checkpoints of the audit chain, the newest first; how many are still missing."""
    paths = sorted((data_dir / AUDIT_FOLDER).glob("[0-9]*.txt"))
    waiting = [path for path in paths if not path.with_suffix(".tsr").exists()]
    for path in reversed(waiting[-most:]):
        text = path.read_bytes()
        if parse_audit_checkpoint(text) is None:
            continue
        try:
            write_new(path.with_suffix(".tsr"), request_token(url, text))
        except LiveWitnessError as error:
            _log.warning("%s", error)
            break
    return sum(not path.with_suffix(".tsr").exists() for path in waiting)


@contextmanager
def upkeep(data_dir: Path, seal: SealOptions) -> Iterator[None]:
    """Look after evidence while this is open, and once more at its end."""
    over = threading.Event()
    thread = threading.Thread(target=_look_after, args=(data_dir, seal, over), name="upkeep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _look_after(data_dir: Path, seal: SealOptions, over: threading.Event) -> None:
    complete: dict[Path, int] = {}
    while True:
        ending = over.wait(seal.every_s)
        try:
            seal_audit(data_dir)
            if seal.tsa_url:
                # At the end the signature is what counts; a token that is missing is fetched after the next start.
                stamp_everything(data_dir, seal.tsa_url, most=1 if ending else 20, complete=complete, over=over)
        except (LiveWitnessError, OSError) as error:
            # Tried again in a minute; what is not signed yet is told by the health check.
            _log.error("upkeep: %s", error)
        if ending:
            return
