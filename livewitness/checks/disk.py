"""Is there room to record, may we write, and until when will there be room."""

import shutil
from datetime import timedelta
from pathlib import Path

from core.clock import utc_now
from core.errors import Sentence
from core.forecast import WEEK_S, full_by
from core.health import CheckResult
from core.settings import Settings
from ingest.room import can_write
from livewitness.wiring import database_of
from store import recordings

# What a 720p selling stream needs in an hour, for a figure a person can use.
_GB_PER_HOUR = 0.9


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def check(settings: Settings) -> CheckResult:
    """Holds when the data directory can be written and keeps more than the minimum free.

    Tells when the disk will be full if recording goes on as in the last seven days.
    """
    folder = settings.data.absolute()
    free = shutil.disk_usage(_nearest(folder)).free
    hours = free / 1e9 / _GB_PER_HOUR
    zh, en = _forecast(settings, free - settings.min_free_bytes)
    writable = can_write(_nearest(folder))
    if not writable:
        zh, en = f"{zh}；写不进去", f"{en}; it cannot be written"
    detail = Sentence(
        f"{folder} 可用 {free / 1e9:.1f} GB，约可录 {hours:.0f} 小时（每小时按 {_GB_PER_HOUR} GB 估计）；{zh}",
        f"{folder} has {free / 1e9:.1f} GB free, about {hours:.0f} hours at {_GB_PER_HOUR} GB an hour; {en}",
    )
    repair = Sentence(
        "腾出空间，或用 --data 换一块磁盘；录像不会因磁盘满而被删除，到期的用 livewitness retention plan 查看",
        "free space, or name another disk with --data; recordings are never deleted for room, see what is due with "
        "livewitness retention plan",
    )
    return CheckResult("disk", writable and free > settings.min_free_bytes, detail, repair)


def _forecast(settings: Settings, free: float) -> tuple[str, str]:
    """The date by which the disk is full (zh, en)."""
    full = full_by(utc_now(), free, _recorded_in_a_week(settings))
    if full is None:
        return "近七日没有录制，无从估计何时写满", "nothing was recorded in seven days, so no date to be full by"
    return f"按近七日的录制量，{full:%Y-%m-%d} 前后写满", f"full around {full:%Y-%m-%d} at the pace of seven days"


def _recorded_in_a_week(settings: Settings) -> int:
    if not settings.database.exists():
        return 0
    with database_of(settings) as db, db.read() as connection:
        return recordings.bytes_since(connection, utc_now() - timedelta(seconds=WEEK_S))
