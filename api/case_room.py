"""Makes what takes long for a case: the whole of it, masked editions, negative results."""

import json
import secrets
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from api.context import ApiContext
from api.exhibits import ExhibitRoom, Stretch, shown
from core.clock import iso, utc_now
from core.errors import BadInputError, NotFoundError, StorageError
from evidence.audit import Actor
from evidence.case_exports import EXPORTS
from evidence.case_package import Piece, export_case
from evidence.cutting import written_whole
from evidence.masks import Box, MaskRequest, Range
from evidence.negative import export_negative
from evidence.negative_search import searched_of
from evidence.package import export_package
from index.request import SearchRequest
from store import cases
from store.cases import Case, Exhibit


class CaseRoom:
    """Beside the `ExhibitRoom`, which keeps the exhibits; called on the thread of the `ExportDesk`."""

    def __init__(self, context: ApiContext, room: ExhibitRoom) -> None:
        self._context = context
        self._room = room

    def whole(self, case: Case, actor: Actor, reason: str) -> str:
        """Export the whole case; the id under which it lies. Raises what `export_case` raises."""
        with self._context.db.read() as connection:
            exhibits = cases.list_exhibits(connection, case.id)
        pieces = [Piece(one, self._room.path_of(one) if one.file else None) for one in exhibits]
        folder = self._exports(case.id)
        folder.mkdir(parents=True, exist_ok=True)
        self._check_room(folder, sum(piece.path.stat().st_size for piece in pieces if piece.path))
        name = secrets.token_hex(8)
        made = export_case(self._room.exporting(actor), case, pieces, folder / f"{name}.zip", reason)
        about = {"sha256": made.sha256, "size": made.size, "exhibits": made.exhibits, "packages": made.packages}
        about |= {"at": iso(utc_now()), "by": actor.name or "local", "name": name, "case": case.id}
        with written_whole(folder / f"{name}.json") as partial:
            partial.write_text(json.dumps(about, ensure_ascii=False), "utf-8")
        return name

    def _check_room(self, folder: Path, wanted: int) -> None:
        """Exports never take the disk that recorders need. Raises `StorageError`."""
        if shutil.disk_usage(folder).free - wanted < self._context.min_free_bytes:
            raise StorageError(
                "export_disk", "磁盘剩余空间不够做这份导出。", "There is too little disk left for this export."
            )

    def exported(self, number: str) -> list[dict[str, Any]]:
        """What was exported of a case, the newest first."""
        found = []
        for path in self._exports(number).glob("*.json"):
            # One that is removed at this moment is none any more.
            with suppress(FileNotFoundError):
                found.append(json.loads(path.read_text("utf-8")))
        return sorted(found, key=lambda about: (about["at"], about["name"]), reverse=True)

    def export_path(self, number: str, name: str) -> Path:
        """Where an exported case lies. Raises `NotFoundError`."""
        path = self._exports(number) / f"{name}.zip"
        if not path.is_file():
            raise NotFoundError("export_unknown", "没有这份导出。", "There is no such export.")
        return path

    def masked(  # noqa: PLR0917 - what, of what, by whom, and what is hidden
        self,
        draft: Exhibit,
        stretch: Stretch,
        actor: Actor,
        mute: tuple[Range, ...],
        boxes: tuple[Box, ...],
        faces: bool,
    ) -> str:
        """Both editions as exhibits; the id of the masked one. Raises what `export_package` raises."""
        full = self._room.new_path(draft, ".zip")
        hidden = replace(draft, id=secrets.token_hex(8), title=f"{draft.title}（遮蔽版）")
        masks = MaskRequest(self._room.new_path(hidden, ".zip"), mute, boxes, faces)
        made = export_package(self._room.exporting(actor), stretch.request(draft.case_id), full, masks)
        if made.masked is None:
            raise AssertionError("masks were asked for")
        original = shown(draft, stretch, made)
        about = {**(original.about or {}), "edition": "masked", "masks": made.masked.masks, "original": draft.id}
        edition = replace(original, id=hidden.id, title=hidden.title, about=about)
        self._room.keep(original)
        self._room.keep(replace(edition, file=made.masked.path.name, sha256=made.masked.sha256, size=made.masked.size))
        return hidden.id

    def negative(self, draft: Exhibit, asked: SearchRequest, actor: Actor, threshold: float, reason: str) -> str:
        """Search, and keep the result where it is negative. Raises `ConflictError` naming what was found."""
        if self._context.embedder is None:
            raise BadInputError("negative_no_model", "没有可用的检索模型。", "There is no model to search with.")
        answer = self._context.searcher.search(asked)
        searched = searched_of(asked, answer, self._context.embedder, threshold)
        path = self._room.new_path(draft, ".zip")
        made = export_negative(self._room.exporting(actor), searched, path, draft.case_id, reason)
        about = {"query": asked.query, "streams": made.streams, "best": round(made.best, 4), "stamped": made.stamped}
        about |= {"seconds": round(answer.searched.recorded_ms / 1000, 1), "gaps": answer.searched.gaps}
        kept = replace(draft, file=path.name, sha256=made.sha256, size=made.size, about=about)
        return self._room.keep(kept).id

    def _exports(self, number: str) -> Path:
        return self._room.folder_of(number) / EXPORTS
