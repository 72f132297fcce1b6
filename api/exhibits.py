"""Makes the exhibits of a case: packages cut from the recording, files handed in; each verified where it lies."""

import hashlib
import re
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.context import ApiContext
from api.errors import BusyError
from core.clock import seconds, utc_now
from core.errors import BadInputError, NotFoundError
from evidence.audit import Actor
from evidence.case_exports import FOLDER
from evidence.cutting import written_whole
from evidence.keys import Keyring
from evidence.package import ExportContext, ExportRequest, Package, export_package
from evidence.verifier import LIMIT_S, Anchors, Verdict, verify_package
from store import cases
from store.cases import Exhibit, ExhibitKind

_PLACES, _EACH = 3, 2
# What people hand in, told by its first bytes: a name or a media type proves nothing.
_KINDS = ((b"\x89PNG\r\n\x1a\n", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"%PDF-", ".pdf"))
_UNSAFE = re.compile(r"[^0-9A-Za-z._\-\u4e00-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Stretch:
    """What to export: a range of a stream in milliseconds, and why."""

    stream: str
    start_ms: int
    end_ms: int
    reason: str

    def request(self, case_id: str) -> ExportRequest:
        """As the export takes it."""
        return ExportRequest(self.stream, self.start_ms, self.end_ms, case_id, self.reason)


class ExhibitRoom:
    """Makes and finds the files of exhibits under ``<data>/cases``; a few are made at a time."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._making: Counter[str] = Counter()

    def package(self, draft: Exhibit, stretch: Stretch, actor: Actor) -> Exhibit:
        """Export the stretch as a package into the case. Raises what `export_package` raises, and `BusyError`."""
        path = self.new_path(draft, ".zip")
        with self._place(draft.added_by):
            made = export_package(self.exporting(actor), stretch.request(draft.case_id), path)
        return self.keep(shown(draft, stretch, made))

    def exporting(self, actor: Actor) -> ExportContext:
        """What an export by ``actor`` works with."""
        context = self._context
        return ExportContext(context.db, context.data_dir, context.seal, actor, context.ffmpeg, context.ffmpeg_user)

    def receive(self, draft: Exhibit, data: bytes) -> Exhibit:
        """Keep a file that was handed in, hashed on receipt. Raises `BadInputError` for other than PNG, JPEG, PDF."""
        suffix = next((suffix for magic, suffix in _KINDS if data.startswith(magic)), "")
        if not suffix:
            raise BadInputError(
                "upload_kind", "只接收 PNG、JPEG 图片和 PDF。", "Only PNG and JPEG pictures and PDF are taken."
            )
        path = self.new_path(draft, suffix)
        with written_whole(path) as partial:
            partial.write_bytes(data)
        about = {"received": True}
        sha256 = hashlib.sha256(data).hexdigest()
        return self.keep(replace(draft, file=path.name, sha256=sha256, size=len(data), about=about))

    def note(self, draft: Exhibit) -> Exhibit:
        """An exhibit that is words only."""
        return self.keep(draft)

    def path_of(self, exhibit: Exhibit) -> Path:
        """Where its file lies. Raises `NotFoundError` when it has none or it is gone."""
        path = self.folder_of(exhibit.case_id) / exhibit.file
        if not exhibit.file or not path.is_file():
            raise NotFoundError("exhibit_file", "这件证据没有文件。", "This exhibit has no file.")
        return path

    def verify(self, exhibit: Exhibit) -> Verdict:
        """Check a package against this installation's own keys and authority, as ``livewitness verify`` does."""
        return self.verify_file(self.path_of(exhibit))

    def verify_file(self, path: Path) -> Verdict:
        """The same for a file that is no exhibit."""
        keys = tuple(Keyring(self._context.data_dir / "keys").known())
        return verify_package(path, Anchors(keys, self._context.authorities, LIMIT_S))

    def keep(self, exhibit: Exhibit) -> Exhibit:
        """Put an exhibit at the end of its case."""
        with self._context.db.write() as connection:
            position = cases.next_position(connection, exhibit.case_id)
            kept = replace(exhibit, position=position)
            cases.add_exhibit(connection, kept)
        return kept

    def new_path(self, draft: Exhibit, suffix: str) -> Path:
        """Where the file of an exhibit is to lie."""
        folder = self.folder_of(draft.case_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{draft.id}{suffix}"

    def folder_of(self, case_id: str) -> Path:
        """Where the files of a case lie."""
        # A case's number is a person's choice; its folder name is not.
        name = _UNSAFE.sub("_", case_id)[:40]
        mark = hashlib.sha256(case_id.encode()).hexdigest()[:8]
        return self._context.data_dir / FOLDER / f"{name}-{mark}"

    @contextmanager
    def _place(self, by: str) -> Iterator[None]:
        with self._lock:
            if self._making.total() >= _PLACES or self._making[by] >= _EACH:
                raise BusyError(
                    "export_busy", "正在导出的证据太多，请稍后再试。", "Too many exports run; try again soon."
                )
            self._making[by] += 1
        try:
            yield
        finally:
            with self._lock:
                self._making -= Counter({by: 1})


def shown(draft: Exhibit, stretch: Stretch, made: Package) -> Exhibit:
    """The exhibit that a package is."""
    about: dict[str, Any] = {
        "segments": made.segments,
        "checkpoints": made.checkpoints,
        "alerts": made.alerts,
        "stamped": made.stamped,
        "clip_start": seconds(made.clip.start_ms),
    }
    placed = replace(draft, stream=stretch.stream, start_ms=stretch.start_ms, end_ms=stretch.end_ms, about=about)
    return replace(placed, file=made.path.name, sha256=made.sha256, size=made.size)


def draft(case_id: str, kind: ExhibitKind, title: str, comment: str, by: str) -> Exhibit:
    """An exhibit before there is anything of it."""
    return Exhibit(secrets.token_hex(8), case_id, 0, kind, title.strip(), comment.strip(), by, utc_now())
