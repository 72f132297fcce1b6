"""Do the rule packs load, with every rule's own sentences judged right."""

from claims.checker import load_checker
from core.errors import Sentence
from core.health import CheckResult
from core.settings import Settings


def check(settings: Settings) -> CheckResult:
    """Holds when all packs load."""
    packs = load_checker(settings.all_packs).packs
    count = sum(len(pack.rules) for pack in packs)
    names = ", ".join(f"{pack.id} {pack.version}" for pack in packs)
    detail = Sentence(f"{count} 条规则：{names}", f"{count} rules: {names}")
    return CheckResult(
        "rules", count > 0, detail, Sentence("livewitness rules check 文件", "livewitness rules check FILE")
    )
