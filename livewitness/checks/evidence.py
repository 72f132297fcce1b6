"""Is what was recorded signed and stamped: time-stamp tokens still waited for, audit entries not signed yet."""

from core.clock import utc_now
from core.errors import Sentence
from core.health import CheckResult
from core.settings import Settings
from evidence.audit_seal import unsigned_entries
from evidence.upkeep import waiting_tokens

_LATE_S = 3_600
"""The authority answers within seconds, and is asked again every minute."""


def check(settings: Settings) -> CheckResult:
    """Holds unless a token has been waited for longer than an hour."""
    data_dir = settings.data.absolute()
    unsigned = unsigned_entries(data_dir)
    zh, en = f"操作记录中 {unsigned} 条待签", f"{unsigned} audit entries are to be signed"
    late = False
    if settings.tsa_url:
        waiting, oldest = waiting_tokens(data_dir)
        age_s = (utc_now() - oldest).total_seconds() if oldest else 0.0
        late = age_s > _LATE_S
        zh = f"{zh}；{waiting} 个检查点待加时间戳" + (f"，最久 {age_s / 60:.0f} 分钟" if waiting else "")
        en = f"{en}; {waiting} checkpoints wait for a token" + (f", {age_s / 60:.0f} min at most" if waiting else "")
    else:
        zh, en = f"{zh}；未设时间戳服务", f"{en}; no time-stamping authority is set"
    repair = Sentence(
        "检查 LIVEWITNESS_TSA_URL 能否访问，再运行 livewitness archive stamp",
        "see that LIVEWITNESS_TSA_URL can be reached, then livewitness archive stamp",
    )
    return CheckResult("evidence", not late, Sentence(zh, en), repair)
