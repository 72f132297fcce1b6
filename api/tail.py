"""One watch over the outbox for all who listen: looks for new events, wakes everybody, keeps the number bounded."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

from api.errors import BusyError
from store import outbox
from store.engine import Database

_T = TypeVar("_T")
_THREADS = 4
_SHARE = 4
"""One person takes up a fourth of the places at most: nobody blinds the others."""
_MINE = ("event_clients_mine", "您同时收听的窗口太多。", "You listen in too many places at once.")
_BUSY = ("event_clients", "同时收听的客户端太多，请稍后重试。", "Too many clients listen at once; try again soon.")


class OutboxTail:
    """Tells listeners that the outbox grew, also when another process wrote to it.

    One cheap look (the largest key of a table) every ``poll_s`` seconds serves all listeners; none is made while
    nobody listens. What several ask for at the same moment is read once, on threads that no other request takes:
    a flood of searches, say, holds up no event.
    """

    def __init__(self, db: Database, *, poll_s: float, most: int, stopping: threading.Event) -> None:
        self._db = db
        self._poll_s = poll_s
        self._most = most
        self._stopping = stopping
        self._listeners = 0
        self._of: Counter[str] = Counter()
        self._grown = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._threads: CapacityLimiter | None = None
        self._reads: dict[Hashable, asyncio.Task[Any]] = {}
        self.newest = 0

    @property
    def closed(self) -> bool:
        """Whether the service is ending."""
        return self._stopping.is_set()

    def check_room(self, who: str) -> None:
        """Raises `BusyError` when all places are taken, or ``who`` (empty: the machine's user) has enough of them."""
        if self._listeners >= self._most:
            raise BusyError(*_BUSY)
        if who and self._of[who] >= max(1, self._most // _SHARE):
            raise BusyError(*_MINE)

    @asynccontextmanager
    async def listening(self, who: str) -> AsyncIterator[None]:
        """A place among the listeners."""
        self._listeners += 1
        self._of[who] += 1
        try:
            yield
        finally:
            self._listeners -= 1
            self._of -= Counter({who: 1})
            if not self._listeners and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def wait(self, cursor: int, seconds: float) -> bool:
        """Wait until there is something after ``cursor``; False after ``seconds`` or when the service ends."""
        if self._looking is None or self._looking.done():
            self._grown = asyncio.Event()
            self._looking = asyncio.create_task(self._look(), name="outbox-tail")
        deadline = asyncio.get_running_loop().time() + seconds
        while self.newest <= cursor and not self.closed:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(self._grown.wait(), left)
            except TimeoutError:
                return False
        return not self.closed

    async def read(self, key: Hashable, read: Callable[[], _T]) -> _T:
        """What ``read`` gives, on a thread; whoever asks for the same ``key`` meanwhile shares it."""
        task = self._reads.get(key)
        if task is None:
            task = asyncio.create_task(self._apart(read), name="outbox-read")
            self._reads[key] = task
            task.add_done_callback(lambda _: self._reads.pop(key))
        found: _T = await asyncio.shield(task)
        return found

    async def _apart(self, act: Callable[[], _T]) -> _T:
        if self._threads is None:
            self._threads = CapacityLimiter(_THREADS)
        return await to_thread.run_sync(act, limiter=self._threads)

    async def _look(self) -> None:
        while True:
            newest = await self._apart(self._newest)
            if newest != self.newest or self.closed:
                self.newest = newest
                self._grown.set()
                self._grown = asyncio.Event()
            await asyncio.sleep(self._poll_s)

    def _newest(self) -> int:
        with self._db.read() as connection:
            return outbox.newest(connection)
