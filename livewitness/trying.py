"""Tries a rule pack on what was said, in a process of its own: live streams must not wait for it."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from core.errors import BadInputError, LiveWitnessError
from core.shapes import Json

MOST_CHANGES = 200
_LOOK_S = 0.2
_NICE = ("nice", "-n", "10")


def dry_run(data: Path, pack: Path, stream: str, given_up: Callable[[], bool]) -> Json:
    """What ``livewitness rules rerun`` tells of ``pack``: counts, and the first `MOST_CHANGES` changes.

    Ends early, with nothing, when ``given_up`` says so. Raises `LiveWitnessError` where the command fails.
    """
    arguments = ["rules", "rerun", "--pack", str(pack), "--json", "--data", str(data)]
    arguments += ["--stream", stream] if stream else []
    low = _NICE if shutil.which("nice") else ()
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as told:
        command = [*low, sys.executable, "-m", "livewitness", *arguments]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=told)
        try:
            while process.poll() is None and not given_up():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_S)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        told.seek(0)
        if given_up():
            return {}
        if process.returncode:
            raise _failure(told.read().decode("utf-8", "replace"))
        return _summary(line for line in said.read().decode("utf-8").splitlines() if line.startswith("{"))


def _summary(lines: Iterable[str]) -> Json:
    found = [json.loads(line) for line in lines]
    changes = [entry for entry in found if "change" in entry][:MOST_CHANGES]
    whole = next(entry for entry in reversed(found) if entry.get("event") == "rerun")
    return {name: whole[name] for name in ("utterances", "new", "gone", "changed")} | {"changes": changes}


def _failure(text: str) -> LiveWitnessError:
    last = (text.strip().splitlines() or [""])[-1][:300]
    return BadInputError("dry_run_failed", f"试运行没有成功：{last}", f"The dry run failed: {last}")
