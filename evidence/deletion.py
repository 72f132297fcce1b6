"""Carries out a retention plan, so that a kill at any point leaves something that the next run finishes.

Order of a stream: under its lock, one transaction decides (rows of text go, segments are listed as deleted); a leaf
in the stream's log says what was deleted, and a checkpoint signs it; then files go; then the audit entry. When all
streams are done the database is rid of remains, and only then a deletion counts as finished.
"""

import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from core.clock import iso, parse_iso, utc_now
from core.errors import ConflictError, LiveWitnessError, Sentence, StorageError
from core.records import ModelIdentity, Segment
from evidence import retention_plan
from evidence.audit import Actor, append_audit, audited_deletions
from evidence.checkpoints import FOLDER
from evidence.holds import standing_in
from evidence.keys import Keyring
from evidence.leaves import Session, delete_leaf
from evidence.live_log import LiveLog, SealOptions, make_checkpoint, stamp_pending
from evidence.retention import RetentionPolicy
from evidence.retention_plan import CLIPS, Plan, StreamPlan, clips_of, make_plan, plan_stream, ranges_of, record_of
from evidence.segment_log import SegmentLog, log_path, read_log
from index.snapshot import snapshot_root
from ingest.layout import OPEN, epoch_path, stream_path
from ingest.lock import StreamLock
from store import deletions, recordings, streams
from store.deletions import Deletion
from store.engine import Database
from store.erasure import erase_remains

logger = logging.getLogger(__name__)
DELETED = "retention.delete"


@dataclass(frozen=True, slots=True)
class RetentionContext:
    """What a run works with."""

    db: Database
    data_dir: Path
    seal: SealOptions
    actor: Actor
    policy: RetentionPolicy


def finish_interrupted(context: RetentionContext) -> list[Deletion]:
    """Carry deletions that were decided, but not finished, to their end; which those were."""
    with context.db.read() as connection:
        waiting = deletions.list_deletions(connection, unfinished=True)
    for deletion in waiting:
        with StreamLock(stream_path(context.data_dir, deletion.stream)):
            _carry_out(context, deletion)
    _finish(context, waiting)
    return waiting


def run_plan(context: RetentionContext, plan_hash: str, now: datetime) -> Iterator[tuple[StreamPlan, Deletion]]:
    """Delete what the plan of that hash names, stream by stream; interrupted deletions are finished first.

    Raises `ConflictError` when the plan is another one by now, when a stream changed while the run was under way, is
    being recorded, or is read by another process for too long. What was yielded by then is deleted.
    """
    finish_interrupted(context)
    plan = make_plan(context.db, context.data_dir, now, context.policy)
    if plan_hash not in {plan.hash, _whole_hash(context, plan, plan_hash)}:
        raise _changed(plan)
    done = []
    for entry in plan.streams:
        done.append(_delete(context, entry, plan_hash, now))
        yield entry, done[-1]
    _finish(context, done)


def run_announced(
    context: RetentionContext, announced: Mapping[str, str], now: datetime
) -> Iterator[tuple[StreamPlan, Deletion | LiveWitnessError]]:
    """Delete of what is due now the streams that were ``announced``, unchanged since (stream to hash of its entry).

    Yields each with its deletion, or with the error that kept it: the others go on.
    """
    plan = make_plan(context.db, context.data_dir, now, context.policy)
    entries = [entry for entry in plan.streams if announced.get(entry.stream) == entry.hash]
    hashed = retention_plan.plan_hash(entry.hash for entry in entries)
    done = []
    for entry in entries:
        outcome: Deletion | LiveWitnessError
        try:
            outcome = _delete(context, entry, hashed, now)
            done.append(outcome)
        except LiveWitnessError as error:
            logger.error("%s: %s", entry.stream, error)
            outcome = error
        yield entry, outcome
    _finish(context, done)


def _whole_hash(context: RetentionContext, rest: Plan, plan_hash: str) -> str:
    """The hash of a plan of which an interrupted run has done a part: what it did, and the rest."""
    with context.db.read() as connection:
        done = [d.record["entry"] for d in deletions.list_deletions(connection) if d.plan == plan_hash]
    return retention_plan.plan_hash([*done, *(entry.hash for entry in rest.streams)])


def _delete(context: RetentionContext, entry: StreamPlan, plan_hash: str, now: datetime) -> Deletion:
    with StreamLock(stream_path(context.data_dir, entry.stream)):
        _make_sure_it_is_logged(context, entry)
        with context.db.write() as connection:
            holds = standing_in(connection, context.data_dir)
            again = plan_stream(connection, context.data_dir, entry.stream, holds, now, context.policy)
            if again != entry:
                raise _stream_changed(entry.stream)
            deletion = Deletion(
                id=uuid4().hex[:12],
                stream=entry.stream,
                decided_at=parse_iso(iso(utc_now())),
                decided_by=context.actor.name,
                plan=plan_hash,
                record=record_of(entry) | {"entry": entry.hash},
            )
            deletions.decide(connection, deletion, entry.decision.segments, entry.doomed, whole=entry.whole)
        _carry_out(context, deletion)
    return deletion


def _make_sure_it_is_logged(context: RetentionContext, entry: StreamPlan) -> None:
    """A recording older than its log is taken up first: the hash has to stay when the media goes."""
    missing = {s.sequence for s in entry.decision.segments}
    if missing and missing <= read_log(log_path(context.data_dir, entry.stream)).segments().keys():
        return
    if not missing:
        return
    with context.db.read() as connection:
        stream = streams.get_stream(connection, entry.stream)
    if stream is None:
        raise AssertionError("a stream with segments is listed")
    session = Session(stream, "database", "received", context.seal.program, ModelIdentity("", ""))
    with LiveLog(context.db, context.data_dir, session, context.seal) as log:
        log.started()
        log.ended("taken_up")


def _carry_out(context: RetentionContext, deletion: Deletion) -> None:
    """Everything after the decision; each step may have been done before. Under the stream's lock."""
    with context.db.read() as connection:
        taken = deletions.segments_of(connection, deletion.id)
    if taken or deletion.record["received"]:
        _log(context, deletion, taken)
    _remove_files(context, deletion, taken)
    if deletion.id not in audited_deletions(context.data_dir, DELETED):
        detail = {"stream": deletion.stream, "deletion": deletion.id, "plan": deletion.plan, **deletion.record}
        append_audit(context.data_dir, context.actor, DELETED, detail)


def _log(context: RetentionContext, deletion: Deletion, taken: list[Segment]) -> None:
    """The leaf that says what was deleted, signed before any file goes."""
    folder = stream_path(context.data_dir, deletion.stream)
    said: set[str | None] = set()
    log = SegmentLog(log_path(context.data_dir, deletion.stream), lambda leaf: said.add(leaf.get("deletion")))
    try:
        if deletion.id not in said:
            log.append(_leaf(deletion, taken))
        make_checkpoint(context.data_dir, folder, log.hashes, Keyring(context.data_dir / "keys"))
    finally:
        log.close()
    if context.seal.tsa_url:
        stamp_pending(folder / FOLDER, context.seal.tsa_url)


def _leaf(deletion: Deletion, taken: list[Segment]) -> dict[str, Any]:
    return delete_leaf(
        deletion.id,
        ranges_of(taken),
        retention=deletion.record["class"],
        due=deletion.record["due"],
        plan=deletion.plan,
        files=deletion.record["received"],
    )


def _remove_files(context: RetentionContext, deletion: Deletion, taken: list[Segment]) -> None:
    data_dir = context.data_dir
    try:
        for segment in taken:
            (data_dir / segment.path).unlink(missing_ok=True)
        for name in deletion.record["received"]:
            (stream_path(data_dir, deletion.stream) / name).unlink(missing_ok=True)
        with context.db.read() as connection:
            staying = {segment.sequence for segment in recordings.list_segments(connection, deletion.stream)}
        for clip in clips_of(data_dir, deletion.stream, staying):
            # The record last: without it nobody would find the media again.
            (data_dir / CLIPS / f"{clip}.mp4").unlink(missing_ok=True)
            (data_dir / CLIPS / f"{clip}.json").unlink(missing_ok=True)
        _tidy(data_dir, deletion.stream, {segment.epoch for segment in taken})
    except OSError as error:
        raise StorageError(
            "deletion_failed",
            f"删除 {error.filename} 失败（{error.strerror}）；排除后再运行一次即可继续。",
            f"{error.filename} cannot be deleted ({error.strerror}); run again to go on.",
        ) from error


def _tidy(data_dir: Path, stream: str, epochs: set[int]) -> None:
    """Epoch folders that hold nothing listed any more go with what a killed recorder left open in them."""
    for number in epochs:
        folder = epoch_path(data_dir, stream, number)
        if not folder.is_dir() or any(path.is_file() for path in folder.iterdir()):
            continue
        shutil.rmtree(folder / OPEN, ignore_errors=True)
        if not any(folder.iterdir()):
            folder.rmdir()


def _finish(context: RetentionContext, done: list[Deletion]) -> None:
    """Rid caches and database files of what is deleted, then call the deletions finished."""
    if not done:
        return
    # Made anew from the database when search next starts; a running one drops the rows by itself.
    shutil.rmtree(snapshot_root(context.db), ignore_errors=True)
    erase_remains(context.db)
    for deletion in done:
        with context.db.write() as connection:
            deletions.finish(connection, deletion.id, utc_now())


def _changed(plan: Plan) -> ConflictError:
    return ConflictError(
        "plan_changed",
        f"现在的计划已不是那一份（现为 {plan.hash[:16]}…），什么都没有删除。",
        f"The plan is another one by now ({plan.hash[:16]}…); nothing was deleted.",
        hint=Sentence("重新运行 livewitness retention plan 并核对。", "Run livewitness retention plan and look again."),
    )


def _stream_changed(stream: str) -> ConflictError:
    return ConflictError(
        "plan_changed",
        f"“{stream}”在执行期间有变化，没有删除它。",
        f"“{stream}” changed while the run was under way; it was not deleted.",
        hint=Sentence("重新运行 livewitness retention plan。", "Run livewitness retention plan again."),
    )
