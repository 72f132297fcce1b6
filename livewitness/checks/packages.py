"""Are our packages ours, and is Python new enough."""

import platform

from core.errors import Sentence
from core.health import CheckResult
from core.settings import Settings
from livewitness.shadow import ROOT, find_shadowed


def check(_settings: Settings) -> CheckResult:
    """Holds when no other distribution hides one of our packages."""
    shadowed = find_shadowed()
    version = platform.python_version()
    fine = Sentence(f"Python {version}，代码在 {ROOT}", f"Python {version}, code in {ROOT}")
    detail = fine if shadowed is None else Sentence(shadowed, "")
    repair = Sentence(f"设置 PYTHONPATH={ROOT}", f"set PYTHONPATH={ROOT}")
    return CheckResult("packages", shadowed is None, detail, repair)
