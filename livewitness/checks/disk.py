"""Is there room to record, and may we write."""

import shutil
from pathlib import Path

from core.errors import Sentence
from core.health import CheckResult
from core.settings import Settings

# What a 720p selling stream needs in an hour, for a figure a person can use.
_GB_PER_HOUR = 0.9


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def check(settings: Settings) -> CheckResult:
    """Holds when the data directory can be written and keeps more than the minimum free."""
    folder = settings.data.absolute()
    free = shutil.disk_usage(_nearest(folder)).free
    hours = free / 1e9 / _GB_PER_HOUR
    detail = Sentence(
        f"{folder} 可用 {free / 1e9:.1f} GB，约可录 {hours:.0f} 小时（每小时按 {_GB_PER_HOUR} GB 估计）",
        f"{folder} has {free / 1e9:.1f} GB free, about {hours:.0f} hours at {_GB_PER_HOUR} GB an hour",
    )
    repair = Sentence("腾出空间，或用 --data 换一块磁盘", "free space, or name another disk with --data")
    return CheckResult("disk", free > settings.min_free_bytes, detail, repair)
