"""Opens the database: WAL, one writer at a time, migrated to the newest schema.

Readers never wait. A writer takes SQLite's write lock at once (``BEGIN IMMEDIATE``), so that two
processes queue up instead of failing half-way, and commits with ``synchronous=FULL``: what was
committed survives a power cut.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from core.errors import Sentence, StorageError, StoreBusyError
from store.secrets import OPTION, SecretBox

_BUSY_MS = 60_000
_MIGRATIONS = Path(__file__).parent / "migrations"
# Of each connection. A live stream writes and reads what is new; a search of a million utterances reads their inner
# pages again and again.
LIVE_CACHE_KIB = 2_000
SEARCH_CACHE_KIB = 16_000


class Database:
    """A SQLite file with one writer lock. Thread-safe; share one per process."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._write_lock = threading.Lock()
        self.path = path

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write; committed at the end, rolled back on any exception.

        Raises `StorageError` when the disk is full or read-only, `StoreBusyError` when another process writes for long.
        """
        with self._write_lock, self._translated(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot to read from; never blocks and is never blocked by the writer."""
        with self._translated(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    def empty_wal(self) -> bool:
        """Move the write-ahead log into the file and cut it to nothing; False when somebody still reads from it."""
        with self._write_lock, self._translated(), self._engine.connect() as connection:
            # Others' readers are waited for by the caller, not by SQLite while it holds the write lock.
            connection.exec_driver_sql("PRAGMA busy_timeout=200")
            try:
                busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_MS}")
            return not busy

    def vacuum(self) -> None:
        """Write the file anew without its free pages. Raises `StorageError` when the disk is too full for that."""
        with self._write_lock, self._translated(), self._engine.connect() as connection:
            connection.exec_driver_sql("VACUUM")

    def close(self) -> None:
        """Release all connections."""
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            raise _storage_error(error, self.path) from error
        except PoolTimeoutError as error:
            raise _busy_error(str(error), self.path) from error


def _storage_error(error: DatabaseError, path: Path) -> Exception:
    reason = str(error.orig)
    if isinstance(error, OperationalError) and "is locked" in reason:
        return _busy_error(reason, path)
    if isinstance(error, OperationalError) and ("full" in reason or "readonly" in reason or "disk I/O" in reason):
        return StorageError(
            "store_unwritable",
            f"数据库 {path} 写不进去（{reason}）。",
            f"The database {path} cannot be written ({reason}).",
            hint=Sentence("请腾出磁盘空间或检查权限后再试。", "Free disk space or check permissions, then try again."),
        )
    if "not a database" in reason or "malformed" in reason:
        return StorageError(
            "store_damaged",
            f"数据库 {path} 已损坏或不是 SQLite 文件（{reason}）。",
            f"The database {path} is damaged or is not an SQLite file ({reason}).",
        )
    return error


def _busy_error(reason: str, path: Path) -> StoreBusyError:
    return StoreBusyError(
        "store_busy",
        f"数据库 {path} 正忙（{reason}）。",
        f"The database {path} is busy ({reason}).",
        hint=Sentence("请稍后再试；整理数据库（VACUUM）时要等久一些。", "Try again later; a vacuum takes a while."),
    )


def _prepare(connection: SqliteConnection, _record: object) -> None:
    # SQLAlchemy's own transaction handling is switched off: `Database` issues BEGIN itself.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # What is deleted is overwritten, not only unlinked: retention would be a word otherwise.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _cache(kib: int, connection: SqliteConnection, _record: object) -> None:
    connection.execute(f"PRAGMA cache_size=-{kib}")


def _config(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["engine"] = engine
    return config


def _schema_is_current(engine: Engine, config: Config) -> bool:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == (
            ScriptDirectory.from_config(config).get_current_head()
        )


def _migrate(engine: Engine, path: Path) -> None:
    config = _config(engine)
    if not _schema_is_current(engine, config):
        with FileLock(str(path) + ".migrate"):
            try:
                command.upgrade(config, "head")
            except CommandError as error:  # a revision that this program does not know
                raise _newer_error(path) from error


def open_database(path: Path, *, cache_kib: int = LIVE_CACHE_KIB) -> Database:
    """Open, or create, the database at ``path`` and bring its schema up to date.

    ``cache_kib`` is the memory that each connection may keep pages in.
    Raises `StorageError` when the folder cannot be written or the file is not a database, or one of a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _folder_error(path.parent, error) from error
    arguments: dict[str, Any] = {"check_same_thread": False, "timeout": _BUSY_MS / 1000}
    box = SecretBox(path.parent / "keys")
    engine = create_engine(f"sqlite:///{path}", connect_args=arguments, execution_options={OPTION: box})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "connect", partial(_cache, cache_kib))
    database = Database(engine, path)
    try:
        _migrate(engine, path)
    except DatabaseError as error:
        database.close()
        raise _open_error(error, path) from error
    except OSError as error:
        database.close()
        raise _folder_error(path.parent, error) from error
    except StorageError:
        database.close()
        raise
    return database


def _open_error(error: DatabaseError, path: Path) -> Exception:
    if "unable to open" in str(error.orig):
        return _folder_error(path.parent, error)
    return _storage_error(error, path)


def _newer_error(path: Path) -> StorageError:
    return StorageError(
        "store_newer",
        f"数据库 {path} 由更新版本的 LiveWitness 写成，当前版本不能打开。",
        f"The database {path} was written by a newer version of LiveWitness; this one cannot open it.",
        hint=Sentence(
            "请升级程序，或恢复升级前的备份。", "Update the program, or restore the backup made before the update."
        ),
    )


def _folder_error(folder: Path, error: Exception) -> StorageError:
    return StorageError(
        "store_folder",
        f"数据目录 {folder} 无法使用（{error}）。",
        f"The data directory {folder} cannot be used ({error}).",
        hint=Sentence("用 --data 指定一个可写的目录。", "Name a writable directory with --data."),
    )
