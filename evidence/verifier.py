"""Verifies a package against trust anchors from outside: keys, a CA and a limit. Nothing inside is trusted.

Checks run from the outside in: form of the container, hashes, seal, checkpoints, leaves, segments, clip. Each failure
names its file and says why in Chinese and English; a failure stops what builds on it, never the program.
"""

from collections.abc import Mapping
from pathlib import Path

from core.errors import BadInputError, NotFoundError
from evidence.case_checks import check_case
from evidence.checking import LIMIT_S, Anchors, Failure, RefusedError, Run, Verdict, check_files, check_seal
from evidence.clip_checks import check_clip
from evidence.container import open_stored
from evidence.custody_checks import check_custody
from evidence.editions import check_bindings
from evidence.log_checks import check_checkpoints, check_received, check_segments, check_stretch
from evidence.negative_checks import check_negative

__all__ = ["LIMIT_S", "Anchors", "Failure", "Verdict", "find_forks", "verify_package"]


def verify_package(path: Path, anchors: Anchors) -> Verdict:
    """Check everything. Raises `NotFoundError` when there is no such file; any content gives a verdict."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise NotFoundError(
            "package_missing", f"打不开 {path}（{error.strerror}）。", f"{path} cannot be opened ({error.strerror})."
        ) from error
    with file:
        try:
            run = Run(open_stored(file), anchors)
        except BadInputError as error:
            return Verdict((Failure(path.name, error.sentence.zh, error.sentence.en),), unchecked=False, facts={})
        failures: list[Failure] = []
        try:
            check_files(run)
            check_seal(run)
            failures += _check_kind(run)
        except RefusedError as refusal:
            failures.append(refusal.failure)
    return Verdict(tuple(failures), run.unchecked, run.facts, tuple(run.checkpoints), run.kind)


def _check_kind(run: Run) -> list[Failure]:
    run.facts["kind"] = run.kind
    check_custody(run)
    if run.kind == "case":
        return check_case(run, verify_package)
    if run.kind == "negative":
        check_negative(run)
        return []
    log = check_checkpoints(run, "log")
    leaves = check_stretch(run, log)
    check_segments(run, log, leaves)
    if run.kind == "masked":
        check_bindings(run)
    else:
        check_received(run, log)
        check_clip(run, leaves)
    return []


def find_forks(verdicts: Mapping[str, Verdict]) -> list[Failure]:
    """Packages, by name, of one log that was signed with two roots for one size: two histories, told to two sides."""
    seen: dict[tuple[str, int], tuple[str, str]] = {}
    found: list[Failure] = []
    for name, verdict in verdicts.items():
        for checkpoint in verdict.checkpoints:
            root, other = seen.setdefault((checkpoint.origin, checkpoint.size), (checkpoint.root, name))
            if root != checkpoint.root:
                size = checkpoint.size
                found.append(
                    Failure(
                        name,
                        f"与 {other} 在日志长度 {size} 处的根不同：日志有两个版本",
                        f"has another root than {other} at log size {size}: the log was told in two versions",
                    )
                )
    return found
