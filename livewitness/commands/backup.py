"""``livewitness backup`` and ``livewitness restore``: everything of a data directory, while it is in use."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import click
from rich.progress import Progress

from core.errors import BadInputError, NotFoundError, Sentence, StorageError
from evidence.audit import append_audit, local_actor
from livewitness.cli import data_option
from livewitness.console import say, stderr
from livewitness.wiring import database_of, settings_for
from store import recordings, streams
from store.engine import Database, open_database
from store.snapshot import check_database, copy_database

DATABASE = "livewitness.db"
_PASSING = (".lock", ".partial", ".migrate", "-wal", "-shm", "-journal", ".tmp")


@click.command(name="backup")
@click.argument("folder", type=click.Path(path_type=Path))
@data_option
def command(folder: Path, data: Path | None) -> None:
    """备份到 FOLDER；再次运行只复制新增的 / Copy everything to FOLDER; run again to copy what is new."""
    settings = settings_for(data)
    if not settings.database.exists():
        raise NotFoundError("data_missing", f"{settings.data} 里没有数据。", f"There is no data in {settings.data}.")
    if folder.resolve().is_relative_to(settings.data.resolve()):
        raise BadInputError("backup_inside", "备份不能放在数据目录里。", "A backup cannot lie in the data directory.")
    append_audit(settings.data, local_actor(), "backup", {"folder": str(folder)})
    with database_of(settings) as db:
        _made(folder)
        # First the database, then the files: whatever the database speaks of is on disk by then.
        copy_database(db, folder / DATABASE)
    count, size = _copy(settings.data, folder)
    say(
        f"已备份：新复制 {count} 个文件，{size / 1e6:.1f} MB。",
        f"Backed up: {count} files copied, {size / 1e6:.1f} MB.",
    )


@click.command(name="restore")
@click.argument("folder", type=click.Path(path_type=Path))
@data_option
def restore(folder: Path, data: Path | None) -> None:
    """从 FOLDER 恢复到一个空的数据目录 / Restore from FOLDER into an empty data directory."""
    settings = settings_for(data)
    if not (folder / DATABASE).is_file():
        raise NotFoundError("backup_missing", f"{folder} 不是备份。", f"{folder} is no backup.")
    if settings.data.exists() and any(settings.data.iterdir()):
        raise BadInputError(
            "restore_target",
            f"{settings.data} 不是空目录。",
            f"{settings.data} is not empty.",
            hint=Sentence("用 --data 指定一个空目录。", "Name an empty folder with --data."),
        )
    check_database(folder / DATABASE)
    _made(settings.data)
    _copy(folder, settings.data)
    shutil.copy2(folder / DATABASE, settings.database)
    db = open_database(settings.database)
    try:
        missing = _missing(db, settings.data)
    finally:
        db.close()
    append_audit(settings.data, local_actor(), "restore", {"folder": str(folder), "missing": len(missing)})
    if missing:
        raise StorageError(
            "restore_incomplete",
            f"已恢复，但备份里缺 {len(missing)} 个录像分段，例如 {missing[0]}。",
            f"Restored, but the backup lacks {len(missing)} recorded segments, such as {missing[0]}.",
            hint=Sentence("用 livewitness archive verify 逐个核对。", "See livewitness archive verify."),
        )
    say(f"已恢复到 {settings.data}。", f"Restored to {settings.data}.")


def _copy(source: Path, target: Path) -> tuple[int, int]:
    """Copy what ``target`` lacks or holds otherwise, each file whole or not at all; how many, and how many bytes."""
    count = size = 0
    with Progress(console=stderr, transient=True) as progress:
        task = progress.add_task("复制 / copying", total=None)
        for path in _files(source):
            place = target / path.relative_to(source)
            state = path.stat()
            if place.exists() and (place.stat().st_size, place.stat().st_mtime_ns) == (
                state.st_size,
                state.st_mtime_ns,
            ):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            partial = place.with_name(place.name + ".partial")
            # Keys keep their narrow permissions, files their times.
            shutil.copy2(path, partial)
            partial.replace(place)
            count, size = count + 1, size + state.st_size
            progress.advance(task)
    return count, size


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(DATABASE) and not path.name.endswith(_PASSING):
            yield path


def _missing(db: Database, data: Path) -> list[str]:
    with db.read() as connection:
        names = [stream.name for stream in streams.list_streams(connection, limit=1_000_000)]
        return [
            s.path for name in names for s in recordings.list_segments(connection, name) if not (data / s.path).exists()
        ]


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError("backup_folder", f"{folder} 无法写入。", f"{folder} cannot be written.") from error
