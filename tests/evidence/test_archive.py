"""What is damaged, missing or foreign is named; a pass that was broken off goes on where it stood."""

import hashlib
import time
from itertools import islice
from pathlib import Path

import pytest

from core.clock import utc_now
from evidence.archive import ArchiveCheck
from evidence.leaves import received_leaf
from evidence.segment_log import SegmentLog
from ingest.lock import StreamLock
from tests.evidence.logged import Recording, make_recording


@pytest.fixture
def recording(tmp_path: Path):
    made = make_recording(tmp_path / "data")
    yield made
    made.db.close()


def check(recording: Recording, **options: float) -> ArchiveCheck:
    made = ArchiveCheck(recording.data, **options)
    assert sum(made.run()) >= 0
    return made


def segments(recording: Recording) -> list[Path]:
    return sorted(recording.folder.glob("0000/*.ts"))


def named(done: ArchiveCheck) -> list[tuple[str, str]]:
    return [(damage.file.rpartition("/")[2], damage.en) for damage in done.state.damages]


def test_an_untouched_archive_holds(recording: Recording) -> None:
    done = check(recording)
    assert done.state.damages == []
    assert done.state.segments == len(segments(recording))
    assert done.state.bytes == done.total_bytes() == sum(p.stat().st_size for p in segments(recording))


def test_damaged_missing_and_foreign_files_are_named(recording: Recording) -> None:
    first, second, third = segments(recording)[:3]
    content = bytearray(first.read_bytes())
    content[1000] ^= 1
    first.write_bytes(content)
    second.unlink()
    (first.parent / "00000099.ts").write_bytes(third.read_bytes())
    assert named(check(recording)) == [
        ("00000099.ts", "is not in the log"),
        (first.name, "is not what the log fixed"),
        (second.name, "is missing"),
    ]


def test_a_rewritten_or_shortened_log_does_not_fit_its_checkpoints(recording: Recording) -> None:
    log = recording.folder / "log.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole.replace(b'"epoch":0', b'"epoch":1'))
    assert {reason for _, reason in named(check(recording)) if "rewritten" in reason}
    log.write_bytes(b"".join(whole.splitlines(keepends=True)[:-2]))
    assert any("are left" in reason for _, reason in named(check(recording)))
    log.write_bytes(whole.replace(b'"index":3', b'"index":4'))
    assert "Line 4" in named(check(recording))[0][1]


def test_a_checkpoint_signed_by_nobody_known_is_named(recording: Recording) -> None:
    signature = sorted(recording.folder.glob("checkpoints/*.sig"))[0]
    content = bytearray(signature.read_bytes())
    content[5] ^= 1
    signature.write_bytes(content)
    assert [reason for _, reason in named(check(recording))] == ["its signature does not hold"]


def test_a_pass_broken_off_goes_on_and_keeps_what_it_found(recording: Recording) -> None:
    segments(recording)[0].unlink()
    first = ArchiveCheck(recording.data)
    list(islice(first.run(), 3))
    first.save()
    second = ArchiveCheck(recording.data)
    assert second.resumed
    done = len(list(second.run()))
    assert done == len(segments(recording)) + 1 - 2
    assert second.state.segments == len(segments(recording)) + 1
    assert len(second.state.damages) == 1
    assert not ArchiveCheck(recording.data).resumed
    assert not ArchiveCheck(recording.data, restart=True).resumed


def test_the_rate_is_kept(recording: Recording) -> None:
    began = time.monotonic()
    done = check(recording, rate=sum(p.stat().st_size for p in segments(recording)) / 1.5)
    assert done.state.damages == []
    assert 1.2 < time.monotonic() - began < 4


def test_whatever_lies_in_a_stream_s_folder_unlisted_is_foreign(recording: Recording) -> None:
    for name in ("0000/notes.txt", "secret/00000001.ts", "checkpoints/1.txt", "copy.jsonl"):
        path = recording.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    found = {damage.file.partition("/")[2].partition("/")[2] for damage in check(recording).state.damages}
    assert found == {"0000/notes.txt", "secret/00000001.ts", "checkpoints/1.txt", "copy.jsonl"}


def test_what_is_recorded_meanwhile_is_not_foreign(recording: Recording) -> None:
    fresh = recording.folder / "0001" / "00000099.ts"
    fresh.parent.mkdir()
    fresh.write_text("closed a moment ago, listed in a moment")
    with StreamLock(recording.folder):
        assert check(recording).state.damages == []
    assert [reason for _, reason in named(check(recording))] == ["is not in the log"]


def test_received_files_are_checked_like_segments(recording: Recording) -> None:
    chat = recording.folder / "received" / "chat.json"
    chat.parent.mkdir()
    chat.write_text("{}")
    fields = {
        "file": "received/chat.json",
        "sha256": hashlib.sha256(b"{}").hexdigest(),
        "bytes": 2,
        "name": "chat.json",
    }
    log = SegmentLog(recording.folder / "log.jsonl")
    log.append(received_leaf(fields, utc_now()))
    log.close()
    assert check(recording).state.damages == []
    chat.write_text("{ }")
    assert named(check(recording)) == [("chat.json", "is not what the log fixed")]
