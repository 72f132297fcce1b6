"""kill -9 at any instant: what was told stays in the log, nothing there changes, and every checkpoint fits."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evidence.checkpoints import FOLDER, checkpoint_paths, load_checkpoint
from evidence.merkle import root
from evidence.segment_log import log_path, read_log
from store import recordings
from store.engine import open_database
from tests.counts import chance, times

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def run_and_kill(data: Path, after_s: float) -> list[int]:
    """The sequence numbers told before the kill, ``after_s`` after the first."""
    command = [sys.executable, str(Path(__file__).parent / "log_forever.py"), str(data)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline())]
        time.sleep(after_s)
        process.kill()
        rest = process.stdout.read().split(b"\n")[:-1]
    return told + [int(line) for line in rest]


def test_killed_again_and_again_the_log_stays_whole(tmp_path: Path) -> None:
    rng = chance("killed")
    told: list[int] = []
    before: tuple[bytes, ...] = ()
    for _ in range(times(3, 8)):
        told += run_and_kill(tmp_path, rng.random() * 0.4)
        view = read_log(log_path(tmp_path, "s"))
        assert view.lines[: len(before)] == before, "a line that was there has changed"
        assert set(told) <= view.segments().keys(), "a segment that was told is lost"
        before = view.lines
    logged = [leaf["sequence"] for leaf in view.leaves if leaf["kind"] == "segment"]
    assert logged == sorted(set(logged)), "doubled or out of order"
    db = open_database(tmp_path / "livewitness.db")
    with db.read() as connection:
        listed = {segment.sequence for segment in recordings.list_segments(connection, "s")}
    db.close()
    assert len(listed - set(logged)) <= 1, "only the very last may wait for the next start"
    checkpoints = checkpoint_paths(log_path(tmp_path, "s").parent / FOLDER)
    assert checkpoints
    for path in checkpoints:
        stored = load_checkpoint(path)
        assert stored is not None
        assert stored.checkpoint.root == root(view.hashes[: stored.checkpoint.size]).hex()
