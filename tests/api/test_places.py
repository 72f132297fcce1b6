"""What costs much has so many places, and so many may wait; all others are told at once."""

import threading
import time

import pytest

from api.errors import BusyError
from api.places import Places
from api.stills import places


def test_whoever_finds_no_place_to_wait_is_told_at_once() -> None:
    room = Places(1, 1, lambda: BusyError("busy", "忙", "busy"))
    done: list[str] = []

    def wait() -> None:
        with room.taken():
            done.append("waited")

    with room.taken():
        waiting = threading.Thread(target=wait)
        waiting.start()
        while not room.full:
            time.sleep(0.01)
        with pytest.raises(BusyError), room.taken():
            pass
        assert done == []
    waiting.join(5)
    assert done == ["waited"]
    assert not room.full


def test_pictures_leave_threads_to_the_rest_of_the_service() -> None:
    room = places()
    holding = threading.Event()
    taken = [threading.Thread(target=lambda: _hold(room, holding), daemon=True) for _ in range(40)]
    for thread in taken:
        thread.start()
    deadline = time.monotonic() + 5
    while sum(thread.is_alive() for thread in taken) > 24 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sum(thread.is_alive() for thread in taken) == 24
    holding.set()
    for thread in taken:
        thread.join(10)


def _hold(room: Places, holding: threading.Event) -> None:
    try:
        with room.taken():
            holding.wait(4)
    except BusyError:
        return
