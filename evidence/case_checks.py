"""Whether a case package is what was signed: its exhibits as listed, and every package inside holds by itself."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evidence.case_package import CASE, FORMAT, HISTORY, SEALED_KINDS
from evidence.checking import Anchors, Failure, RefusedError, Run, Verdict, read_file, read_object
from evidence.leaves import parse_leaf

_OTHERS = frozenset({CASE, HISTORY, "report.zh.html", "report.en.html", "verify.sh"})
_SEALED = {kind.value for kind in SEALED_KINDS}
Verifier = Callable[[Path, Anchors], Verdict]


def check_case(run: Run, verify: Verifier) -> list[Failure]:
    """Failures of the packages inside, named ``exhibits/FILE: FILE``; each is unpacked and verified by ``verify``.

    Raises `RefusedError` where the case itself is not what it says.
    """
    case = read_object(run, CASE)
    listed = _listed(case)
    for name in sorted(run.sums):
        if name not in listed and name not in _OTHERS and not name.startswith("export/"):
            raise RefusedError(name, "不属于这类证据包", "does not belong into this kind of package")
    for name, exhibit in listed.items():
        if run.sums.get(name) != exhibit.get("sha256"):
            raise RefusedError(name, "不是案卷所列的文件", "is not the file that the case lists")
    _check_history(run)
    packages = [name for name, exhibit in listed.items() if str(exhibit.get("kind")) in _SEALED]
    failures: list[Failure] = []
    counts = {"segments": 0, "checkpoints": 0, "received": 0, "late": 0}
    for name in packages:
        verdict = _inner(run, name, verify)
        failures += [Failure(f"{name}: {failure.file}", failure.zh, failure.en) for failure in verdict.failures]
        run.unchecked = run.unchecked or verdict.unchecked
        run.checkpoints += verdict.checkpoints
        counts = {key: value + int(verdict.facts.get(key, 0)) for key, value in counts.items()}
    run.facts |= counts | {"clip": "none", "log": f"{len(packages)} packages", "packages": len(packages)}
    run.facts |= {"exhibits": len(case["exhibits"]), "case": str(case.get("number"))}
    return failures


def _listed(case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The exhibits that are files, by their names inside."""
    exhibits = case.get("exhibits")
    if case.get("format") != FORMAT or not isinstance(exhibits, list) or not all(isinstance(e, dict) for e in exhibits):
        raise RefusedError(CASE, "格式不对", "is not in its form")
    files = [exhibit for exhibit in exhibits if exhibit.get("file")]
    if not all(str(exhibit["file"]).startswith("exhibits/") for exhibit in files):
        raise RefusedError(CASE, "所列文件不在 exhibits/ 下", "lists a file outside exhibits/")
    return {str(exhibit["file"]): exhibit for exhibit in files}


def _check_history(run: Run) -> None:
    before = -1
    for line in read_file(run, HISTORY).split(b"\n")[:-1]:
        entry = parse_leaf(line)
        if entry is None or entry["index"] <= before:
            raise RefusedError(HISTORY, "有不合形式或次序的记录", "has an entry that is not in its form or place")
        before = entry["index"]


def _inner(run: Run, name: str, verify: Verifier) -> Verdict:
    with tempfile.NamedTemporaryFile(prefix="livewitness-", suffix=".zip") as file:
        for block in run.stored.blocks(name):
            file.write(block)
        file.flush()
        verdict = verify(Path(file.name), run.anchors)
    if verdict.kind == "case":
        raise RefusedError(name, "案卷里不能再有案卷", "is a case within a case")
    return verdict
