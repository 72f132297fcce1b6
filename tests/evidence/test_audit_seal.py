"""The chain is signed by itself too: what was signed cannot be shortened, and what was cut off is vouched for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import StorageError
from evidence import audit, live_log
from evidence.audit import AUDIT_NAME, Actor, append_audit, audit_head, first_index, read_audit
from evidence.audit_seal import AUDIT_FOLDER, check_audit, cut_old, old_entries, parse_audit_checkpoint, seal_audit
from evidence.checkpoints import FOLDER, Checkpoint, store_checkpoint
from evidence.keys import Keyring
from evidence.live_log import SealOptions
from evidence.stamping import read_ca, request_token, verify_token
from evidence.upkeep import stamp_audit, stamp_everything, upkeep
from tests.evidence.authority import Authority

ACTOR = Actor("法官", "court", "cli")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def entries(data: Path, count: int) -> None:
    for number in range(count):
        append_audit(data, ACTOR, "search", {"query": f"三天祛斑 {number}"})


def cut_tail(data: Path, count: int) -> None:
    path = data / AUDIT_NAME
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-count]))


def test_a_chain_is_sealed_when_it_has_grown(tmp_path: Path) -> None:
    assert seal_audit(tmp_path) is None
    entries(tmp_path, 3)
    made = seal_audit(tmp_path)
    assert made is not None
    checkpoint = parse_audit_checkpoint(made.read_bytes())
    assert checkpoint is not None
    assert (checkpoint.count, checkpoint.head) == audit_head(tmp_path)
    assert seal_audit(tmp_path) is None
    assert check_audit(tmp_path) == (3, [])


@pytest.mark.parametrize("gone", [1, 2])
def test_a_tail_that_is_cut_off_is_found_without_any_stream(tmp_path: Path, gone: int) -> None:
    entries(tmp_path, 4)
    seal_audit(tmp_path)
    cut_tail(tmp_path, gone)
    assert [problem.en for problem in check_audit(tmp_path)[1]] == [
        "It is not the chain that the checkpoint audit-checkpoints/000000000004.txt signed."
    ]
    entries(tmp_path, gone)
    assert len(check_audit(tmp_path)[1]) == 1, "other entries in their place do not help"


def test_a_checkpoint_that_nobody_known_signed_is_named(tmp_path: Path) -> None:
    entries(tmp_path, 2)
    made = seal_audit(tmp_path)
    assert made is not None
    signature = made.with_suffix(".sig")
    signature.write_bytes(bytes(64))
    assert "does not hold" in check_audit(tmp_path)[1][0].en
    made.write_text("nothing")
    assert "is no checkpoint" in check_audit(tmp_path)[1][0].en


def test_a_running_service_signs_and_stamps(tmp_path: Path) -> None:
    data = tmp_path / "data"
    entries(data, 2)
    with Authority(tmp_path / "tsa", answering=False) as authority:
        with upkeep(data, SealOptions(3600, authority.url)):
            pass
        (text,) = (data / AUDIT_FOLDER).glob("*.txt")
        assert not text.with_suffix(".tsr").exists()
        authority.answering = True
        assert stamp_audit(data, authority.url) == 0
        stamp = verify_token(text.with_suffix(".tsr").read_bytes(), text.read_bytes(), read_ca(authority.ca))
    assert stamp.time is not None


def test_old_entries_are_cut_off_and_vouched_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "utc_now", lambda: NOW - timedelta(days=366 * 4))
    entries(tmp_path, 5)
    append_audit(tmp_path, ACTOR, "hold.place", {"hold": "h1"})
    entries(tmp_path, 2)
    monkeypatch.setattr(audit, "utc_now", lambda: NOW)
    entries(tmp_path, 2)
    assert old_entries(tmp_path, NOW, 3, {"h1"}) == 5, "what a standing hold rests on stays"
    count = old_entries(tmp_path, NOW, 3, set())
    assert count == 8
    assert cut_old(tmp_path, count, ACTOR) == 8
    lines = read_audit(tmp_path)
    assert (first_index(lines), len(lines)) == (8, 3)
    assert check_audit(tmp_path) == (3, [])
    entries(tmp_path, 1)
    assert audit_head(tmp_path)[0] == 12
    (tmp_path / AUDIT_FOLDER / "000000000008.txt").unlink()
    assert "vouches" in check_audit(tmp_path)[1][0].en


def test_a_front_that_is_cut_off_by_hand_is_found(tmp_path: Path) -> None:
    entries(tmp_path, 4)
    path = tmp_path / AUDIT_NAME
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[2:]))
    assert "vouches" in check_audit(tmp_path)[1][0].en


def test_an_entry_that_does_not_fit_the_disk_leaves_the_chain_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries(tmp_path, 2)
    before = (tmp_path / AUDIT_NAME).read_bytes()

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(StorageError, match="audit_unwritable"):
            entries(tmp_path, 1)
    assert (tmp_path / AUDIT_NAME).read_bytes() == before


def test_long_entries_are_read_back_from_the_end(tmp_path: Path) -> None:
    append_audit(tmp_path, ACTOR, "search", {"query": "长" * 100_000})
    append_audit(tmp_path, ACTOR, "search", {"query": "长" * 100_000})
    assert audit_head(tmp_path)[0] == 2
    assert check_audit(tmp_path) == (2, [])


def test_tokens_of_streams_that_have_ended_are_fetched_and_a_silent_authority_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    key = Keyring(data / "keys").signing_key()
    for name in "ab":
        for size in (1, 2):
            text = Checkpoint(f"{name}/0", size, "0" * 64, NOW, (0, "0" * 64), key.public.id)
            store_checkpoint(data / "streams" / name / FOLDER, text, key)
    with Authority(tmp_path / "tsa", answering=False) as authority:
        asked: list[bytes] = []
        monkeypatch.setattr(live_log, "request_token", lambda url, data: asked.append(data) or request_token(url, data))
        assert stamp_everything(data, authority.url) == 2
        assert len(asked) == 1
        authority.answering = True
        complete: dict[Path, int] = {}
        assert stamp_everything(data, authority.url, complete=complete) == 0
        assert len(list(data.rglob("*.tsr"))) == 4
        assert len(complete) == 2
