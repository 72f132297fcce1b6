"""What lies beside a recording is taken in with it, and the recording's own hash."""

import hashlib
from pathlib import Path

from core.settings import Settings
from evidence.segment_log import read_log
from livewitness.receiving import Receiver
from pipeline.backfill import Task
from store.jobs import Job, JobState
from tests.evidence.logged import STREAM, make_recording


def test_files_beside_a_recording_are_received_once_with_its_hash(tmp_path: Path) -> None:
    made = make_recording(tmp_path / "data")
    video = tmp_path / "live.mp4"
    video.write_bytes(b"the original")
    (tmp_path / "live.srt").write_text("1")
    (tmp_path / "live-订单.png").write_bytes(b"\x89PNG")
    digest = hashlib.sha256(b"the original").hexdigest()
    task = Task(Job(digest, str(video), STREAM, JobState.DONE), video)
    receiver = Receiver(Settings(data=made.data), made.db)
    assert (receiver.take(task), receiver.take(task)) == (2, 0)
    leaves = [leaf for leaf in read_log(made.folder / "log.jsonl").leaves if leaf["kind"] == "received"]
    assert {(leaf["what"], bool(leaf["file"])) for leaf in leaves} == {
        ("recording", False), ("order", True), ("transcript", True),
    }  # fmt: skip
    assert next(leaf["sha256"] for leaf in leaves if leaf["what"] == "recording") == digest
    made.db.close()


def test_what_cannot_be_received_leaves_the_recording(tmp_path: Path) -> None:
    made = make_recording(tmp_path / "data")
    log = made.folder / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"kind":"segment"', b'"kind":"segmenT"', 1)[:-1] + b"x\n")
    video = tmp_path / "live.mp4"
    video.write_bytes(b"x")
    task = Task(Job("0" * 64, str(video), STREAM, JobState.DONE), video)
    assert Receiver(Settings(data=made.data), made.db).take(task) == 0
    made.db.close()
