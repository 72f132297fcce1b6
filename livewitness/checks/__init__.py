"""Checks of the machine, a file each; `doctor` and `/health` show the same list."""

from collections.abc import Callable
from functools import partial

from core.errors import LiveWitnessError, Sentence
from core.health import CheckResult
from core.settings import Settings
from livewitness.checks import clock, disk, evidence, ffmpeg, guard, model, packages, port, retention, rules

Check = Callable[[Settings], CheckResult]

CHECKS: tuple[Check, ...] = (
    packages.check,
    ffmpeg.check,
    guard.check,
    model.check_whisper,
    model.check_embedder,
    rules.check,
    disk.check,
    retention.check,
    evidence.check,
    clock.check,
    port.check,
)

SERVING = tuple(check for check in CHECKS if check is not port.check)
"""The checks inside a running service, which holds its port itself."""


def run_checks(settings: Settings, checks: tuple[Check, ...] = CHECKS) -> list[CheckResult]:
    """Every check, in order; one that raises an error for people counts as not held."""
    return [_run(partial(check, settings), check.__module__.rpartition(".")[2]) for check in checks]


def _run(check: Callable[[], CheckResult], name: str) -> CheckResult:
    try:
        return check()
    except LiveWitnessError as error:
        return CheckResult(name, False, error.sentence, error.hint or Sentence("见上文。", "See above."))
