"""Makes deleted text leave the database file: out of the full-text index, the free pages and the write-ahead log.

Deleted cells and freed pages are overwritten as they are freed (``secure_delete``, set for every connection). Two
places keep old text longer: full text, whose deletions are marks until segments are merged, and the write-ahead log,
whose old frames lie in the file until it is emptied.
"""

import time

from sqlalchemy import Connection, text

from core.errors import ConflictError, Sentence
from store.engine import Database

_MERGE_PAGES = 200
_MERGES = 100_000
_PATIENCE_S = 20.0
_PAUSE_S = 0.2
_MERGE = text("INSERT INTO postings(postings, rank) VALUES ('merge', :pages)")


def erase_remains(database: Database, patience_s: float = _PATIENCE_S) -> None:
    """Merge the full-text index and empty the write-ahead log; what was deleted before is in no file then.

    Others may read and write meanwhile: the merge goes in small transactions. Raises `ConflictError` when somebody
    reads an old state of the database for longer than ``patience_s``; deleted text may be in the log until then.
    """
    for _ in range(_MERGES):
        with database.write() as connection:
            if not _merge(connection):
                break
    deadline = time.monotonic() + patience_s
    while not database.empty_wal():
        if time.monotonic() > deadline:
            raise ConflictError(
                "erasure_waits",
                f"数据库 {database.path} 正被其他进程读取，已删除的文字暂时仍在其日志文件里。",
                f"Another process reads an old state of {database.path}; deleted text is in its log file until then.",
                hint=Sentence("稍后再运行一次即可完成。", "Run it again later to finish."),
            )
        time.sleep(_PAUSE_S)


def _merge(connection: Connection) -> bool:
    """One step towards a single full-text segment, which holds no deleted terms; False when there is none to take."""
    before = _changes(connection)
    # A negative number of pages merges segments of every level, also where there is little to gain but erasure.
    connection.execute(_MERGE, {"pages": -_MERGE_PAGES})
    return _changes(connection) - before >= 2


def _changes(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT total_changes()").scalar_one())
