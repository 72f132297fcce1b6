"""Keys stay with their owner, and say from when to when they count."""

import stat
import subprocess
import threading
from pathlib import Path

import pytest

from core.errors import BadInputError, ConflictError, LiveWitnessError, NotFoundError
from evidence.keys import KEY_VARIABLE, Keyring, read_public, write_public


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", {})


def private_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "keys").glob("*.pem")
    return path


def test_the_first_key_is_made_when_needed_and_kept(ring: Keyring, tmp_path: Path) -> None:
    first = ring.signing_key()
    assert ring.signing_key().public == first.public
    assert first.public.verifies(b"data", first.sign(b"data"))
    assert not first.public.verifies(b"other", first.sign(b"data"))
    assert stat.S_IMODE(private_file(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_only_one_first_key_is_made_however_many_start_at_once(tmp_path: Path) -> None:
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.append(Keyring(tmp_path / "keys", {}).signing_key().public.id))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert len(set(made)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o666])
def test_a_key_that_others_can_read_is_refused(ring: Keyring, tmp_path: Path, mode: int) -> None:
    ring.signing_key()
    private_file(tmp_path).chmod(mode)
    with pytest.raises(LiveWitnessError) as caught:
        ring.signing_key()
    assert caught.value.code == "key_permissions"
    assert "chmod 600" in caught.value.hint.en


def test_rotation_ends_the_old_and_revocation_ends_trust(ring: Keyring) -> None:
    old = ring.signing_key().public
    new = ring.rotate().public
    assert ring.signing_key().public.id == new.id != old.id
    by_id = {key.id: key for key in ring.known()}
    assert by_id[old.id].not_after is not None
    assert by_id[new.id].not_after is None
    revoked = ring.revoke(new.id, "电脑失窃")
    assert revoked.revoked is not None
    assert revoked.reason == "电脑失窃"
    with pytest.raises(ConflictError) as caught:
        ring.signing_key()
    assert caught.value.code == "no_valid_key"
    with pytest.raises(NotFoundError):
        ring.revoke("0" * 16)


def test_a_key_from_the_environment_signs_and_nothing_is_written(ring: Keyring, tmp_path: Path) -> None:
    ring.signing_key()
    text = private_file(tmp_path).read_text()
    elsewhere = Keyring(tmp_path / "none", {KEY_VARIABLE: text})
    assert elsewhere.signing_key().public.id == ring.signing_key().public.id
    assert [key.id for key in elsewhere.known()] == [ring.signing_key().public.id]
    assert not (tmp_path / "none").exists()
    with pytest.raises(BadInputError):
        Keyring(tmp_path / "none", {KEY_VARIABLE: "不是密钥"}).signing_key()


def test_the_public_file_carries_all_keys_with_their_times(ring: Keyring, tmp_path: Path) -> None:
    ring.signing_key()
    ring.rotate()
    ring.revoke(ring.known()[0].id)
    file = tmp_path / "public.pem"
    file.write_text(write_public(ring.known()))
    read = read_public(file)
    assert [(k.id, k.not_before, k.not_after, k.revoked) for k in read] == [
        (k.id, k.not_before, k.not_after, k.revoked) for k in ring.known()
    ]
    assert "PRIVATE" not in file.read_text()


def test_openssl_agrees(ring: Keyring, tmp_path: Path) -> None:
    key = ring.signing_key()
    paths = {name: tmp_path / name for name in ("public.pem", "data", "sig")}
    paths["public.pem"].write_text(write_public([key.public]))
    paths["data"].write_bytes(b"checkpoint")
    paths["sig"].write_bytes(key.sign(b"checkpoint"))
    verify = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", paths["public.pem"]]
    verify += ["-in", paths["data"], "-sigfile", paths["sig"]]
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 0
    paths["data"].write_bytes(b"checkpoinT")
    assert subprocess.run(verify, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("content", ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "中文"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "k.pem"
    file.write_text(content)
    with pytest.raises(BadInputError):
        read_public(file)
