"""Rule packs of the data folder: drafts as they were uploaded with what their own sentences gave, and those in force.

``packs/drafts/ID.yaml`` and ``ID.json``, where ID begins the content's SHA-256; ``packs/active/NAME.yaml`` is what
every process of the data folder judges by. A file is replaced as a whole or not at all.
"""

import hashlib
import json
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from api.errors import BusyError
from api.packreport import pack_head
from api.packtrial import try_pack
from claims.checker import bundled_packs
from claims.pack import pack_files, read_pack
from claims.rules import Pack
from core.clock import iso, utc_now
from core.errors import ConflictError, NotFoundError
from core.shapes import Json
from evidence.cutting import written_whole

MOST_DRAFTS = 200
_UNSAFE = re.compile(r"[^0-9A-Za-z._\-\u4e00-\u9fff]+")
_DRAFT = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class InForce:
    """A pack that is judged by, and where it comes from: ``bundled``, ``settings`` or ``activated``."""

    path: Path
    pack: Pack
    origin: str

    def as_dict(self) -> Json:
        """For the API."""
        return pack_head(self.pack) | {"origin": self.origin}


class PackRoom:
    """Takes in drafts, runs their sentences, puts one of each pack in force. Thread-safe; one upload at a time."""

    def __init__(self, data_dir: Path, named: Sequence[Path] = ()) -> None:
        self._drafts = data_dir / "packs" / "drafts"
        self._active = data_dir / "packs" / "active"
        self._named = tuple(named)
        self._turn = threading.Lock()
        self._read: dict[tuple[str, ...], Pack] = {}

    def take(self, data: bytes, by: str) -> tuple[Json, bool]:
        """Keep a draft, and whether it is new. Raises `BadInputError` with the line that is unfit, and `BusyError`."""
        key = hashlib.sha256(data).hexdigest()[:16]
        if self._record(key).exists():
            return self.draft(key), False
        with self._one_at_a_time(), tempfile.TemporaryDirectory() as folder:
            if len(self.drafts()) >= MOST_DRAFTS:
                raise ConflictError("packs_many", "草稿太多，请先删去一些。", "Too many drafts; remove some first.")
            file = Path(folder) / "pack.yaml"
            file.write_bytes(data)
            tried = try_pack(file)
            self._drafts.mkdir(parents=True, exist_ok=True)
            about = tried["head"] | {"size": len(data), "uploaded_by": by, "uploaded_at": iso(utc_now())}
            about |= {"id": key, "report": tried["report"]}
            with written_whole(self._file(key)) as partial:
                partial.write_bytes(data)
            with written_whole(self._record(key)) as partial:
                partial.write_text(json.dumps(about, ensure_ascii=False), "utf-8")
        return self.draft(key), True

    def drafts(self) -> list[Json]:
        """All drafts, the newest first."""
        found = []
        for path in self._drafts.glob("*.json"):
            # One that somebody removes at this moment is none any more.
            with suppress(FileNotFoundError):
                found.append(self._told(path))
        return sorted(found, key=lambda draft: (draft["uploaded_at"], draft["id"]), reverse=True)

    def draft(self, key: str) -> Json:
        """One draft with the report of its sentences. Raises `NotFoundError`."""
        self.file(key)
        return self._told(self._record(key))

    def file(self, key: str) -> Path:
        """The draft as it was uploaded. Raises `NotFoundError`."""
        path = self._file(key)
        if not _DRAFT.fullmatch(key) or not path.is_file() or not self._record(key).is_file():
            raise NotFoundError("pack_unknown", f"没有规则包草稿 {key}。", f"There is no draft {key} of a rule pack.")
        return path

    def remove(self, key: str) -> Json:
        """Forget a draft; what is in force stays in force by its own copy. Raises `ConflictError`, `NotFoundError`."""
        draft = self.draft(key)
        if draft["in_force"]:
            raise ConflictError("pack_in_force", "该版本正在使用，请先停用。", "It is in force; deactivate it first.")
        self._record(key).unlink(missing_ok=True)
        self._file(key).unlink(missing_ok=True)
        return draft

    def activate(self, key: str) -> str:
        """Put a draft in force in place of another version of its pack; that one's SHA-256, empty where there was none.

        Raises `ConflictError` where its sentences came out wrong or its name belongs to a pack from elsewhere.
        """
        draft = self.draft(key)
        _check_report(draft["report"])
        place = self._place(draft["pack"])
        with self._one_at_a_time():
            before = _sha256(place)
            if draft["pack"] in [item.pack.id for item in self.in_force() if item.path != place]:
                raise ConflictError(
                    "rules_twice",
                    f"规则包 {draft['pack']} 不是在这里启用的，不能替换。",
                    f"The rule pack {draft['pack']} was not put in force here and cannot be replaced.",
                )
            # Once more: what it stands on may have changed since it was uploaded.
            _check_report(try_pack(self.file(key))["report"])
            self._active.mkdir(parents=True, exist_ok=True)
            with written_whole(place) as partial:
                shutil.copyfile(self.file(key), partial)
        return before

    def deactivate(self, key: str) -> None:
        """Take a draft out of force. Raises `ConflictError` where it is not in force."""
        draft = self.draft(key)
        if not draft["in_force"]:
            raise ConflictError("pack_idle", "该版本没有在使用。", "It is not in force.")
        self._place(draft["pack"]).unlink(missing_ok=True)

    def in_force(self) -> list[InForce]:
        """What is judged by, in the order it is loaded."""
        placed = [(path, "bundled") for path in bundled_packs()]
        placed += [(path, "settings") for path in self._named]
        placed += [(path, "activated") for path in self._activated()]
        return [InForce(path, self._pack(path), origin) for path, origin in placed]

    def _pack(self, path: Path) -> Pack:
        files = pack_files(path)
        stamp = (str(path), *(f"{file.stat().st_mtime_ns} {file.stat().st_size}" for file in files))
        if stamp not in self._read:
            law = bundled_packs()[0]
            base = None if path == law else self._pack(law)
            self._read = {key: pack for key, pack in self._read.items() if key[0] != stamp[0]}
            self._read[stamp] = read_pack(path, probe=False, base=base)
        return self._read[stamp]

    def _activated(self) -> list[Path]:
        return sorted(self._active.glob("*.yaml"))

    def _told(self, record: Path) -> Json:
        draft: Json = json.loads(record.read_text("utf-8"))
        return draft | {"in_force": _sha256(self._place(draft["pack"])) == draft["sha256"]}

    def _file(self, key: str) -> Path:
        return self._drafts / f"{key}.yaml"

    def _record(self, key: str) -> Path:
        return self._drafts / f"{key}.json"

    def _place(self, pack_id: str) -> Path:
        # A pack's id is a person's choice; its file's name is not.
        mark = hashlib.sha256(pack_id.encode()).hexdigest()[:8]
        return self._active / f"{_UNSAFE.sub('_', pack_id)[:40]}-{mark}.yaml"

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if not self._turn.acquire(blocking=False):
            raise BusyError("packs_busy", "正在处理另一个规则包，请稍后再试。", "Another rule pack is being worked on.")
        try:
            yield
        finally:
            self._turn.release()


def _check_report(report: Json) -> None:
    failed = len(report["failed"])
    if failed:
        raise ConflictError(
            "pack_sentences",
            f"有 {failed} 个例句不符，不能启用。",
            f"{failed} of its sentences came out wrong; it cannot be put in force.",
        )


def rules_sha256(packs: Sequence[InForce]) -> str:
    """One hash for all that is judged by: of the packs' ids, versions and hashes in the order they are loaded."""
    listed = [[item.pack.id, item.pack.version, item.pack.sha256] for item in packs]
    return hashlib.sha256(json.dumps(listed, ensure_ascii=False).encode()).hexdigest()


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
