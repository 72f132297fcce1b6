"""Keeps a stream's segment log while it is recorded, and makes checkpoints of it every minute.

The database is written first and this log second; what the database lists and the log lacks, after a kill between
the two, is appended (marked ``late``) when the log is opened, in order and never in between.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from core.clock import ms_between, utc_now
from core.errors import LiveWitnessError
from core.records import Gap, ModelIdentity, Segment
from evidence.audit import append_audit, audit_head, local_actor
from evidence.checkpoints import (
    FOLDER,
    Checkpoint,
    checkpoint_paths,
    load_checkpoint,
    log_origin,
    store_checkpoint,
    write_new,
)
from evidence.keys import Keyring
from evidence.leaves import (
    How,
    Leaf,
    Rules,
    Session,
    canonical,
    change_leaves,
    clock_leaf,
    end_leaf,
    gap_leaf,
    segment_leaf,
    session_leaf,
    skip_leaf,
)
from evidence.merkle import root
from evidence.segment_log import SegmentLog, log_path
from evidence.stamping import request_token
from store import recordings
from store.engine import Database

logger = logging.getLogger(__name__)

_CLOCK_STEP_MS = 1_000
_STAMPS_A_ROUND = 20
_STAMPS_S = 30.0


@dataclass(frozen=True, slots=True)
class SealOptions:
    """How checkpoints are made: how often, and by which authority they are stamped (none where empty).

    ``program``: name and version of the recorder, for the log.
    """

    every_s: float = 60.0
    tsa_url: str = ""
    program: str = "livewitness"


class LiveLog:
    """The log of one stream in one run. Use it as a context under the stream's lock; thread-safe.

    Nothing is written before the first call: a source that cannot be opened leaves no log.
    """

    def __init__(self, db: Database, data_dir: Path, session: Session, options: SealOptions) -> None:
        self._db = db
        self._data_dir = data_dir
        self._session = session
        self._options = options
        self._folder = log_path(data_dir, session.stream.name).parent
        self._keyring = Keyring(data_dir / "keys")
        self._lock = threading.RLock()
        self._log: SegmentLog | None = None
        self._sequence: int | None = None
        self._before: Leaf | None = None
        self._gaps: set[bytes] = set()
        self._over = threading.Event()
        self._timer = threading.Thread(target=self._tick, name="checkpoints", daemon=True)
        self._clock = (utc_now(), time.monotonic())
        self._reason = "failed"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._timer.is_alive():
            self._timer.join()
        with self._lock:
            if self._log is None:
                return
            try:
                self._log.append(end_leaf(self._reason))
                self.seal()
            except LiveWitnessError as failure:
                logger.error("%s: the log has no last checkpoint: %s", self._session.stream.name, failure)
            finally:
                self._log.close()
                self._log = None

    def ended(self, reason: str) -> None:
        """Say how the recording ended, before the context is left."""
        self._reason = reason

    def started(self) -> None:
        """A source is connected.

        Raises `StorageError` when log or key cannot be used, `ConflictError` when the log is damaged.
        """
        with self._lock:
            if self._log is None:
                self._open()

    def segment(self, segment: Segment) -> None:
        """A segment is closed, hashed and listed."""
        with self._lock:
            log = self._log or self._open()
            self._look_at_clock(log)
            self._append_segment(log, segment, self._session.how, late=False)

    def gap(self, gap: Gap) -> None:
        """A stretch was not recorded."""
        with self._lock:
            self._append_gap(self._log or self._open(), gap)

    def judged_by(self, model: ModelIdentity, rules: tuple[Rules, ...]) -> None:
        """What model and rule packs judge by from now on; a change in the midst of a live is on record at once.

        It is on record in the audit chain as well.
        """
        with self._lock:
            session = replace(self._session, model=model, rules=rules)
            if session == self._session or self._log is None:
                return
            before, now = session_leaf(self._session), session_leaf(session)
            self._log.extend([*change_leaves(before, now), now])
            self._session = session
        detail = {"stream": session.stream.name, "model": now["model"], "rules": now["rules"]}
        append_audit(self._data_dir, local_actor("watch"), "rules.changed", detail)

    def catch_up(self) -> None:
        """Append what the database lists and the log lacks, after it could not be written for a while."""
        with self._lock:
            if self._log is not None:
                self._take_up(self._log, self._session.how)

    def seal(self) -> Path | None:
        """Make a checkpoint now and have it stamped; ``None`` when the log has not grown since the last."""
        with self._lock:
            log = self._log or self._open()
            made = make_checkpoint(self._data_dir, self._folder, log.hashes, self._keyring)
        if self._options.tsa_url:
            stamp_pending(self._folder / FOLDER, self._options.tsa_url)
        return made

    def _open(self) -> SegmentLog:
        key = self._keyring.signing_key()
        self._folder.mkdir(parents=True, exist_ok=True)
        log = SegmentLog(self._folder / "log.jsonl", self._find)
        logger.info("%s: log of %d leaves, key %s", self._session.stream.name, len(log.hashes), key.public.id)
        before, now = self._before, session_leaf(self._session)
        if before is None:
            # The first leaf names the log, so it names the stream. Recordings older than their log count as received.
            log.append(now)
            self._take_up(log, "received")
        else:
            self._take_up(log, before["how"])
            log.extend([*change_leaves(before, now), now])
        self._log = log
        self._timer.start()
        return log

    def _find(self, leaf: Leaf) -> None:
        """What must be known of a leaf that the log holds already."""
        if leaf["kind"] == "session":
            self._before = leaf
        elif leaf["kind"] == "segment":
            self._sequence = max(leaf["sequence"], -1 if self._sequence is None else self._sequence)
        elif leaf["kind"] == "gap":
            self._gaps.add(_gap_key(leaf))

    def _take_up(self, log: SegmentLog, how: How) -> None:
        """Append what the database lists and the log lacks."""
        with self._db.read() as connection:
            segments = recordings.segments_after(connection, self._session.stream.name, self._sequence)
            gaps = recordings.list_gaps(connection, self._session.stream.name)
        records: list[Gap | Segment] = [*gaps, *segments]
        for record in sorted(records, key=_by_time):
            if isinstance(record, Gap):
                self._append_gap(log, record)
            else:
                self._append_segment(log, record, how, late=True)

    def _append_segment(self, log: SegmentLog, segment: Segment, how: How, *, late: bool) -> None:
        last = self._sequence
        if last is not None and segment.sequence <= last:
            return
        skipped = (
            [skip_leaf(last + 1, segment.sequence - 1)] if last is not None and segment.sequence > last + 1 else []
        )
        now = utc_now()
        log.extend([*skipped, segment_leaf(segment, how, now, late=late)], now)
        self._sequence = segment.sequence

    def _append_gap(self, log: SegmentLog, gap: Gap) -> None:
        leaf = gap_leaf(gap)
        if _gap_key(leaf) not in self._gaps:
            log.append(leaf)
            self._gaps.add(_gap_key(leaf))

    def _look_at_clock(self, log: SegmentLog) -> None:
        wall, steady = utc_now(), time.monotonic()
        step = clock_step_ms(self._clock, (wall, steady))
        self._clock = (wall, steady)
        if abs(step) >= _CLOCK_STEP_MS:
            log.append(clock_leaf(step))

    def _tick(self) -> None:
        while not self._over.is_set():
            try:
                self.seal()
            except LiveWitnessError as error:
                # Recording goes on: the next checkpoint covers this one's leaves as well.
                logger.error("%s: no checkpoint: %s", self._session.stream.name, error)
            self._over.wait(self._options.every_s)


def _by_time(record: Gap | Segment) -> tuple[int, int]:
    return record.start_ms, 0 if isinstance(record, Gap) else 1


def _gap_key(leaf: Leaf) -> bytes:
    return canonical({name: leaf[name] for name in ("start_ms", "end_ms", "reason")})


def clock_step_ms(before: tuple[datetime, float], now: tuple[datetime, float]) -> int:
    """How much further the wall clock went than time did, between two looks at (wall, monotonic seconds)."""
    return ms_between(before[0], now[0]) - round((now[1] - before[1]) * 1000)


def make_checkpoint(data_dir: Path, folder: Path, hashes: Sequence[bytes], keyring: Keyring) -> Path | None:
    """Sign the log's present state; ``None`` when there is nothing new. Raises `StorageError`, `ConflictError`."""
    if not hashes or (folder / FOLDER / f"{len(hashes):012d}.txt").exists():
        return None
    key = keyring.signing_key()
    checkpoint = Checkpoint(
        origin=log_origin(folder.name, hashes[0].hex()),
        size=len(hashes),
        root=root(hashes).hex(),
        time=utc_now(),
        audit=audit_head(data_dir),
        key=key.public.id,
    )
    return store_checkpoint(folder / FOLDER, checkpoint, key)


def stamp_pending(folder: Path, url: str, *, most: int = _STAMPS_A_ROUND) -> int:
    """Fetch tokens for checkpoints that have none, the newest first; how many are still without.

    An authority that does not answer is asked again at the next checkpoint: the token then shows how late it came.
    """
    waiting = [path for path in checkpoint_paths(folder) if not path.with_suffix(".tsr").exists()]
    deadline = time.monotonic() + _STAMPS_S
    for path in reversed(waiting[-most:]):
        if time.monotonic() > deadline:
            break
        stored = load_checkpoint(path)
        if stored is None:
            continue
        try:
            write_new(path.with_suffix(".tsr"), request_token(url, stored.text))
        except LiveWitnessError as error:
            logger.warning("%s", error)
            break
    return sum(not path.with_suffix(".tsr").exists() for path in waiting)
