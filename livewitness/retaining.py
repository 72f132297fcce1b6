"""Retention under the settings: its clocks, what a run works with, and the daily job of the service."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.settings import Settings
from evidence.audit import Actor, local_actor
from evidence.case_exports import ExportLimits
from evidence.deletion import RetentionContext
from evidence.retention import RetentionPolicy
from evidence.retention_job import Daily, daily
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
    """The daily job while this is open; the settings may turn off what it does about streams."""
    work = Daily(
        streams=settings.retention_job != "off",
        delete=settings.retention_job == "delete",
        exports=ExportLimits(settings.export_days, settings.export_bytes),
    )
    with daily(retention_context(settings, db, local_actor("service")), settings.retention_hour, work):
        yield
