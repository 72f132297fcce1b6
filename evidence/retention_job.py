"""What a running service does daily about streams past their class: announces what would go, deletes it a day later.

Nothing goes that was not announced, unchanged, for a day before: time for a person to look at the plan and to place a
hold, and no clock that leaps ahead for a moment deletes anything. The state, beside the database, is what health shows.
"""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from core.clock import iso, parse_iso, utc_now
from core.errors import LiveWitnessError, Sentence
from evidence.audit import append_audit
from evidence.audit_seal import try_to_seal
from evidence.case_exports import ExportLimits, sweep_exports
from evidence.cutting import written_whole
from evidence.deletion import RetentionContext, finish_interrupted, run_announced
from evidence.retention_plan import StreamPlan, make_plan
from evidence.stamping import check_clock

STATE = "retention-job.json"
ANNOUNCED = "retention.announce"
NOTICE = timedelta(hours=20)
"""Announced at the same hour of the day before, give or take what a run may last."""
_BEIJING = timezone(timedelta(hours=8))
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobState:
    """When the job last ran, what it has announced (stream to hash and time), how many it deleted, what went wrong."""

    ran: datetime | None = None
    announced: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    deleted: int = 0
    failures: tuple[Sentence, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Flat form for JSON."""
        return {
            "ran": iso(self.ran) if self.ran else None,
            "announced": {name: [was, iso(since)] for name, (was, since) in self.announced.items()},
            "deleted": self.deleted,
            "failures": [[failure.zh, failure.en] for failure in self.failures],
        }


def read_state(data_dir: Path) -> JobState:
    """The state of the last run; an empty one where there was none, or where it cannot be read."""
    try:
        fields = json.loads((data_dir / STATE).read_text(encoding="utf-8"))
        announced = {name: (was, parse_iso(since)) for name, (was, since) in fields["announced"].items()}
        ran = parse_iso(fields["ran"]) if fields["ran"] else None
        return JobState(ran, announced, fields["deleted"], tuple(Sentence(*pair) for pair in fields["failures"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return JobState()


def run_job(context: RetentionContext, now: datetime, *, delete: bool) -> JobState:
    """Announce what is due and, with ``delete``, delete what was announced a day ago and is the same still.

    A stream that cannot be deleted now (recorded, read for too long) does not keep the others from it.
    Raises what making the plan raises, and `ConflictError` for a clock that is ahead of the authority's.
    """
    before = read_state(context.data_dir)
    if delete:
        finish_interrupted(context)
    plan = make_plan(context.db, context.data_dir, now, context.policy)
    known = before.announced if before.ran is None or before.ran <= now else {}
    announced = {entry.stream: _since(known, entry, now) for entry in plan.streams}
    _announce(context, [entry for entry in plan.streams if announced[entry.stream][1] == now])
    ripe = {entry.stream: entry.hash for entry in plan.streams if announced[entry.stream][1] <= now - NOTICE}
    done: list[str] = []
    failures: list[Sentence] = []
    if delete and ripe:
        if context.seal.tsa_url:
            check_clock(context.seal.tsa_url, plan.hash.encode())
        for entry, outcome in run_announced(context, ripe, now):
            if isinstance(outcome, LiveWitnessError):
                failures.append(outcome.sentence)
            else:
                done.append(entry.stream)
    _seal(context, bool(done))
    left = {name: told for name, told in announced.items() if name not in done}
    state = JobState(now, left, len(done), tuple(failures))
    _write_state(context.data_dir, state)
    return state


def _since(known: dict[str, tuple[str, datetime]], entry: StreamPlan, now: datetime) -> tuple[str, datetime]:
    """Since when exactly this was announced."""
    was, since = known.get(entry.stream, ("", now))
    return (entry.hash, since if was == entry.hash and since <= now else now)


def _announce(context: RetentionContext, new: list[StreamPlan]) -> None:
    if new:
        append_audit(context.data_dir, context.actor, ANNOUNCED, {entry.stream: entry.hash for entry in new})
    _seal(context, bool(new))


def _seal(context: RetentionContext, anything: bool) -> None:
    """Sign what was written to the audit chain."""
    if anything and (error := try_to_seal(context.data_dir)):
        _log.error("retention: %s", error)


def _write_state(data_dir: Path, state: JobState) -> None:
    with written_whole(data_dir / STATE) as partial:
        partial.write_text(json.dumps(state.as_dict(), ensure_ascii=False), encoding="utf-8")


def next_run(now: datetime, hour: int) -> datetime:
    """The next time that it is ``hour`` o'clock in Beijing."""
    local = now.astimezone(_BEIJING)
    today = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    return (today if today > local else today + timedelta(days=1)).astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True)
class Daily:
    """What is done each day: streams past their class, if ``streams``, and exported cases past ``exports``."""

    streams: bool = True
    delete: bool = False
    exports: ExportLimits | None = None


@contextmanager
def daily(context: RetentionContext, hour: int, work: Daily) -> Iterator[None]:
    """Do the work every day at ``hour`` while this is open."""
    over = threading.Event()
    thread = threading.Thread(target=_every_day, args=(context, hour, work, over), name="retention", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _every_day(context: RetentionContext, hour: int, work: Daily, over: threading.Event) -> None:
    while not over.wait((next_run(utc_now(), hour) - utc_now()).total_seconds()):
        if work.exports is not None:
            _sweep(context, work.exports)
        if work.streams:
            _run(context, delete=work.delete)


def _sweep(context: RetentionContext, limits: ExportLimits) -> None:
    try:
        sweep_exports(context.data_dir, limits, context.actor, utc_now())
    except (LiveWitnessError, OSError) as error:
        _log.error("exported cases: %s", error)


def _run(context: RetentionContext, *, delete: bool) -> None:
    try:
        state = run_job(context, utc_now(), delete=delete)
        _log.info("retention: %d announced, %d deleted", len(state.announced), state.deleted)
    except (LiveWitnessError, OSError) as error:
        _log.error("retention: %s", error)
        _note_failure(context.data_dir, error)
    except Exception:  # noqa: BLE001 - the next day must come, and health must tell of this one
        _log.exception("retention")
        failed = ("retention_failed", "内部出错，详见日志。", "It failed inside; see the log.")
        _note_failure(context.data_dir, LiveWitnessError(*failed))


def _note_failure(data_dir: Path, error: LiveWitnessError | OSError) -> None:
    """Kept for `health`; what was announced stays announced."""
    text = str(error.strerror) if isinstance(error, OSError) else ""
    sentence = error.sentence if isinstance(error, LiveWitnessError) else Sentence(text, text)
    before = read_state(data_dir)
    try:
        _write_state(data_dir, JobState(utc_now(), before.announced, 0, (sentence,)))
    except LiveWitnessError as second:
        _log.error("retention: %s", second)
