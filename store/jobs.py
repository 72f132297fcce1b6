"""Backfill jobs: one per file content, so that the same recording is never done twice."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from core.clock import iso, utc_now
from store.tables import jobs, streams


class JobState(StrEnum):
    """``running`` after a crash means: resume."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One file to record and transcribe; identity is its content, not its path."""

    content_sha256: str
    path: str
    stream: str
    state: JobState
    error: str = ""


def put_job(connection: Connection, job: Job) -> None:
    """Insert a job or change its path, state and error; its stream stays."""
    row = {
        "content_sha256": job.content_sha256,
        "path": job.path,
        "stream": job.stream,
        "state": job.state.value,
        "error": job.error,
        "updated_at": iso(utc_now()),
    }
    changed = {name: row[name] for name in ("path", "state", "error", "updated_at")}
    connection.execute(insert(jobs).values(row).on_conflict_do_update(index_elements=["content_sha256"], set_=changed))


def get_job(connection: Connection, content_sha256: str) -> Job | None:
    """The job for this content, if there is one."""
    row = connection.execute(select(jobs).where(jobs.c.content_sha256 == content_sha256)).mappings().one_or_none()
    if row is None:
        return None
    return Job(row["content_sha256"], row["path"], row["stream"], JobState(row["state"]), row["error"])


def name_taken(connection: Connection, stream: str) -> bool:
    """Whether a job or a stream already uses this name."""
    by_job = connection.execute(select(jobs.c.stream).where(jobs.c.stream == stream)).first()
    return (
        by_job is not None
        or connection.execute(select(streams.c.name).where(streams.c.name == stream)).first() is not None
    )
