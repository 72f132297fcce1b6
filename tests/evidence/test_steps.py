"""kill -9 between two steps of the log, and of a deletion: run again, everything is whole (see steps.py)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.counts import times

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("scenario", "least"), [("log", 60), ("retention", 40)])
def test_killed_at_any_step_it_is_whole_after_the_next_run(scenario: str, least: int, tmp_path: Path) -> None:
    how_many = times(8, 0)
    command = [sys.executable, str(Path(__file__).with_name("steps.py")), scenario, str(tmp_path), str(how_many)]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    steps, kills = map(int, done.stdout.split())
    assert steps >= least
    assert kills >= (how_many or steps)
