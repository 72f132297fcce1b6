"""One watcher a stream."""

import pytest

from core.errors import ConflictError, StorageError
from ingest.lock import StreamLock


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path):
    folder = tmp_path / "streams/room"
    with StreamLock(folder):
        with pytest.raises(ConflictError, match="stream_busy"), StreamLock(folder):
            pass
        with StreamLock(tmp_path / "streams/other"):
            pass
    with StreamLock(folder):
        pass


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "streams").touch()
    with pytest.raises(StorageError, match="storage_unwritable"), StreamLock(tmp_path / "streams/room"):
        pass
