"""Whether recordings can still be written: enough free disk, and a small file that really gets there."""

import os
import shutil
import threading
import time
from pathlib import Path

from core.errors import StorageError
from ingest.diagnosis import disk_full
from ingest.segments import free_bytes_error

LOOK_EVERY_S = 2.0
_PROBE = b"\0" * 65_536


class Room:
    """Looks after the disk under a data directory, at most every two seconds whoever asks. Thread-safe.

    A quota, a read-only remount or a file size limit leave free bytes that nobody can use, so a file is written.
    """

    def __init__(self, data_dir: Path, min_free_bytes: int) -> None:
        self._data_dir = data_dir
        self._min_free_bytes = min_free_bytes
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._found: StorageError | None = None

    def trouble(self) -> StorageError | None:
        """Why nothing more can be recorded; ``None`` while all is well.

        Once there was too little, somewhat more than the least is asked for, so that recording does not flap.
        """
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_EVERY_S:
                self._found = self._look()
                self._looked = time.monotonic()
            return self._found

    def _look(self) -> StorageError | None:
        wanted = self._min_free_bytes + (self._min_free_bytes // 8 if self._found else 0)
        free = shutil.disk_usage(self._data_dir).free
        if free < wanted:
            return free_bytes_error(self._data_dir, free, wanted)
        return None if can_write(self._data_dir) else disk_full(str(self._data_dir))


def can_write(folder: Path) -> bool:
    """Whether 64 KiB can be written to a folder and reach the disk; they are removed at once."""
    path = folder / f".room-{os.getpid()}-{threading.get_ident()}"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            written = os.write(fd, _PROBE)
            os.fsync(fd)
        finally:
            os.close(fd)
            path.unlink(missing_ok=True)
    except OSError:
        return False
    return written == len(_PROBE)
