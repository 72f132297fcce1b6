"""The chain breaks where it is touched, and cannot be made shorter than what a checkpoint signed."""

import threading
from pathlib import Path

import pytest

from core.errors import ConflictError
from evidence.audit import Actor, append_audit, audit_head, hash_at, read_audit
from evidence.audit_seal import check_audit
from evidence.checkpoints import NO_AUDIT, Checkpoint, store_checkpoint
from evidence.keys import Keyring
from tests.timecode import MOMENT

ACTOR = Actor("法官", "court", "cli")


def entry(data: Path, number: int) -> None:
    append_audit(data, ACTOR, "search", {"query": f"三天祛斑 {number}"})


def test_entries_are_chained_also_from_many_threads(tmp_path: Path) -> None:
    assert audit_head(tmp_path) == NO_AUDIT
    threads = [threading.Thread(target=entry, args=(tmp_path, n)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = read_audit(tmp_path)
    assert len(lines) == 20
    assert audit_head(tmp_path) == (20, hash_at(lines, 20))
    assert check_audit(tmp_path) == (20, [])


@pytest.mark.parametrize("change", ["edited", "dropped", "swapped", "inserted"])
def test_every_change_is_found(tmp_path: Path, change: str) -> None:
    for number in range(5):
        entry(tmp_path, number)
    path = tmp_path / "audit.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    changed = {
        "edited": [lines[0], lines[1].replace("三天".encode(), "七天".encode()), *lines[2:]],
        "dropped": lines[:1] + lines[2:],
        "swapped": [lines[0], lines[2], lines[1], *lines[3:]],
        "inserted": [*lines[:2], lines[1], *lines[2:]],
    }[change]
    path.write_bytes(b"".join(changed))
    with pytest.raises(ConflictError):
        read_audit(tmp_path)
    count, problems = check_audit(tmp_path)
    assert count == 0
    assert problems[0].zh


def test_a_torn_line_is_cut_by_the_next_entry(tmp_path: Path) -> None:
    entry(tmp_path, 0)
    path = tmp_path / "audit.jsonl"
    path.write_bytes(path.read_bytes() + b'{"index":1,"pre')
    assert len(read_audit(tmp_path)) == 1
    entry(tmp_path, 1)
    assert len(read_audit(tmp_path)) == 2


def test_a_chain_cut_short_or_rewritten_does_not_fit_the_checkpoints(tmp_path: Path) -> None:
    for number in range(4):
        entry(tmp_path, number)
    key = Keyring(tmp_path / "keys", {}).signing_key()
    checkpoint = Checkpoint("s/0", 3, "0" * 64, MOMENT, audit_head(tmp_path), key.public.id)
    assert store_checkpoint(tmp_path / "streams" / "s" / "checkpoints", checkpoint, key) is not None
    assert check_audit(tmp_path) == (4, [])
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    assert len(check_audit(tmp_path)[1]) == 1
    entry(tmp_path, 99)
    assert len(check_audit(tmp_path)[1]) == 1
