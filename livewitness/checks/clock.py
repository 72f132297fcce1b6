"""Is the clock plausible: evidence carries its time."""

import time
from pathlib import Path

from core.clock import iso, utc_now
from core.errors import Sentence
from core.health import CheckResult
from core.settings import Settings

_SOURCE = Path(__file__)
_SYNCED = Path("/run/systemd/timesync/synchronized")


def check(_settings: Settings) -> CheckResult:
    """Holds when the wall clock is not before this file was written. Says whether it is known to be synchronised."""
    plausible = time.time() >= _SOURCE.stat().st_mtime - 86_400
    zh = "已与时间服务器同步" if _SYNCED.exists() else "是否与时间服务器同步：未知"
    en = "synchronised with a time server" if _SYNCED.exists() else "not known to be synchronised"
    now = iso(utc_now())
    repair = Sentence("启用 NTP（chrony 或 systemd-timesyncd）", "turn on NTP (chrony or systemd-timesyncd)")
    return CheckResult("clock", plausible, Sentence(f"{now}，{zh}", f"{now}, {en}"), repair)
