"""Retention under the settings: its clocks, what a run works with, and the daily job of the service."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.settings import Settings
from evidence.audit import Actor, local_actor
from evidence.deletion import RetentionContext
from evidence.retention import RetentionPolicy
from evidence.retention_job import daily
from livewitness.wiring import seal_options
from store.engine import Database
from store.retention import RetentionClass


def policy_of(settings: Settings) -> RetentionPolicy:
    """The clocks under these settings."""
    return RetentionPolicy(settings.retention_years, RetentionClass(settings.retention_class))


def retention_context(settings: Settings, db: Database, actor: Actor) -> RetentionContext:
    """What a run works with under these settings."""
    return RetentionContext(db, settings.data.absolute(), seal_options(settings), actor, policy_of(settings))


@contextmanager
def retention_job_of(settings: Settings, db: Database) -> Iterator[None]:
    """The daily job while this is open, unless the settings turn it off."""
    if settings.retention_job == "off":
        yield
        return
    context = retention_context(settings, db, local_actor("service"))
    with daily(context, settings.retention_hour, delete=settings.retention_job == "delete"):
        yield
