"""One watcher a stream: an advisory lock on a file, freed by the kernel when its holder dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from core.errors import ConflictError, StorageError

LOCK_NAME = ".lock"


class StreamLock:
    """Context manager that holds ``folder/.lock`` exclusively.

    Raises `ConflictError` when another process (or another lock in this one) holds it, and
    `StorageError` when the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._fd = -1

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageError(
                "storage_unwritable",
                f"无法写入数据目录：{self._path.parent}（{error.strerror}）",
                f"The data directory cannot be written: {self._path.parent} ({error.strerror})",
            ) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise ConflictError(
                "stream_busy",
                f"该直播正由另一个进程录制：{self._path.parent.name}",
                f"Another process is already recording this stream: {self._path.parent.name}",
            ) from None
        self._fd = fd
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)
        self._fd = -1
