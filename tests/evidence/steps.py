"""Kills a process at steps of it that touch the disk: ``python steps.py SCENARIO FOLDER HOW_MANY``.

A step is a write, fsync, truncation, link, removal, renaming, new folder, or the commit of a transaction. For each the
scenario's pristine folder is copied and the scenario run in a process of its own, which is killed (SIGKILL) before the
step, and once more in the middle of it where it is a write; then the scenario is run again to its end and checked.
Chance picks HOW_MANY steps of all (0: every one). Prints how many there are and how often it was killed; the exit code
is 1 when a check failed.
"""

import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy

from tests.counts import chance

STEPS = ("write", "fsync", "ftruncate", "link", "unlink", "replace", "rename", "rmdir", "mkdir")


class Scenario(Protocol):
    """What is killed. ``act`` may be called again after a kill and has to end in a state that ``check`` accepts."""

    def prepare(self, data: Path) -> None: ...

    def act(self, data: Path, tell: Callable[[str], None]) -> None: ...

    def check_killed(self, data: Path, told: list[str]) -> None: ...

    def check(self, data: Path, told: list[str]) -> None: ...


def kill_at(number: int, torn: bool) -> list[int]:
    """Have this process killed before step ``number``; with ``torn`` in the middle of it. Counts the steps taken."""
    lock, count = threading.Lock(), [0]

    def step(call: Callable[..., Any], half: Callable[..., Any] | None) -> Callable[..., Any]:
        def stepped(*arguments: Any, **options: Any) -> Any:
            with lock:
                count[0] += 1
                if count[0] == number:
                    if torn and half is not None:
                        half(*arguments, **options)
                    if not torn or half is not None:
                        os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return stepped

    real_write = os.write
    for name in STEPS:
        half = (lambda fd, data: real_write(fd, bytes(data)[: len(data) // 2])) if name == "write" else None
        setattr(os, name, step(getattr(os, name), half))
    sqlalchemy.Connection.commit = step(sqlalchemy.Connection.commit, None)
    return count


def in_a_process(work: Callable[[], None]) -> int:
    """Run ``work`` in a fork; its wait status."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - a fork must not run on into its parent's work
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return os.waitpid(pid, 0)[1]


def told_lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def one_step(scenario: Scenario, pristine: Path, work: Path, number: int, torn: bool) -> str:
    """``killed``, ``ended`` (there is no such step) or ``failed``."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(pristine, work)
    notes = work.with_suffix(".told")
    notes.unlink(missing_ok=True)

    def killed() -> None:
        told = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        write = os.write
        kill_at(number, torn)
        scenario.act(work, lambda text: write(told, f"{text}\n".encode()) and None)

    status = in_a_process(killed)
    if os.WIFEXITED(status):
        return "ended" if os.WEXITSTATUS(status) == 0 else "failed"
    told = told_lines(notes)

    def again() -> None:
        scenario.check_killed(work, told)
        scenario.act(work, told.append)
        scenario.check(work, told)

    return "killed" if in_a_process(again) == 0 else "failed"


def count_steps(scenario: Scenario, pristine: Path, work: Path) -> int:
    """How many steps there are when nothing is killed; 0 when it failed."""
    shutil.copytree(pristine, work)
    note = work.with_suffix(".count")

    def counted() -> None:
        count = kill_at(0, False)
        scenario.act(work, lambda _text: None)
        taken = count[0]
        note.write_text(str(taken))

    return int(note.read_text()) if in_a_process(counted) == 0 else 0


def main(scenario: Scenario, folder: Path, how_many: int) -> int:
    pristine, work = folder / "pristine", folder / "work"
    if in_a_process(lambda: scenario.prepare(pristine)) != 0:
        return 1
    steps = count_steps(scenario, pristine, work)
    numbers = range(1, steps + 1)
    kills = 0
    for number in sorted(chance("steps").sample(numbers, how_many)) if how_many else numbers:
        for torn in (False, True):
            outcome = one_step(scenario, pristine, work, number, torn)
            if outcome == "failed":
                print(f"failed at step {number}{' torn' if torn else ''}", file=sys.stderr)
                return 1
            kills += outcome == "killed"
    print(steps, kills)
    return 0


if __name__ == "__main__":
    from tests.evidence.step_scenarios import SCENARIOS

    sys.exit(main(SCENARIOS[sys.argv[1]](), Path(sys.argv[2]), int(sys.argv[3])))
