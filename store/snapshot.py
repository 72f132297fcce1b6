"""A consistent copy of the database while others read and write (SQLite's online backup)."""

import sqlite3
from contextlib import closing
from pathlib import Path

from core.errors import BadInputError, StorageError
from store.engine import Database

_PAGES = 4096


def copy_database(db: Database, target: Path) -> None:
    """Write a copy of ``db`` as it is at one moment to ``target``. Raises `StorageError`."""
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        source, copy = sqlite3.connect(db.path), sqlite3.connect(partial)
        try:
            source.backup(copy, pages=_PAGES)
        finally:
            source.close()
            copy.close()
        partial.replace(target)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        raise StorageError(
            "backup_database", f"数据库备份失败（{error}）。", f"The database could not be copied ({error})."
        ) from error


def check_database(path: Path) -> None:
    """Raises `BadInputError` unless the file is a whole SQLite database."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            (said,) = connection.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    if said != "ok":
        raise BadInputError(
            "backup_damaged", f"备份中的数据库已损坏（{said}）。", f"The copied database is damaged ({said})."
        )
