"""How retention stands: what is due, what is held, what was left unfinished."""

from collections import Counter

from core.clock import iso, utc_now
from core.errors import Sentence
from core.health import CheckResult
from core.settings import Settings
from evidence.retention import Reason, RetentionPolicy
from evidence.retention_job import JobState, read_state
from evidence.retention_plan import decisions
from livewitness.wiring import database_of
from store import deletions, holds
from store.retention import RetentionClass


def check(settings: Settings) -> CheckResult:
    """Holds unless a deletion was begun and not finished."""
    repair = Sentence(
        "livewitness retention plan，核对后 livewitness retention run --plan 编号",
        "livewitness retention plan, look at it, then livewitness retention run --plan HASH",
    )
    if not settings.database.exists():
        return CheckResult("retention", True, Sentence("还没有录像", "nothing is recorded yet"), repair)
    policy = RetentionPolicy(settings.retention_years, RetentionClass(settings.retention_class))
    with database_of(settings) as db, db.read() as connection:
        holding = holds.list_holds(connection, standing=True)
        found = Counter(decision.reason for decision in decisions(connection, holding, utc_now(), policy))
        unfinished = len(deletions.list_deletions(connection, unfinished=True))
    job = read_state(settings.data.absolute())
    waiting = sum(found.values()) - found[Reason.DUE] - found[Reason.NO_CLASS]
    detail = Sentence(
        f"期满 {found[Reason.DUE]} 场，未满或保全中 {waiting} 场，永久保存 {found[Reason.NO_CLASS]} 场；"
        f"保全 {len(holding)} 项，未完成的删除 {unfinished} 项",
        f"{found[Reason.DUE]} streams are past their time, {waiting} are not or are held, "
        f"{found[Reason.NO_CLASS]} are kept for good; {len(holding)} holds stand, "
        f"{unfinished} deletions are unfinished",
    )
    return CheckResult("retention", unfinished == 0 and not job.failures, told_of_job(detail, job), repair)


def told_of_job(detail: Sentence, job: JobState) -> Sentence:
    """What was found, and what the daily job did last."""
    if job.ran is None:
        return detail
    zh = f"{detail.zh}；{iso(job.ran)} 处理：公告待删 {len(job.announced)} 场，删除 {job.deleted} 场"
    en = f"{detail.en}; at {iso(job.ran)} {len(job.announced)} stood announced, {job.deleted} were deleted"
    wrong_zh = "；".join(failure.zh for failure in job.failures)
    wrong_en = "; ".join(failure.en for failure in job.failures)
    return Sentence(f"{zh}：{wrong_zh}", f"{en}: {wrong_en}") if job.failures else Sentence(zh, en)
