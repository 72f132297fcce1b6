"""The thread that keeps webhooks supplied: looks at the outbox, hands queues to workers, takes turns with others.

Of all processes on one data directory one delivers at a time (a file lock); when it ends, another takes over.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy.exc import SQLAlchemyError

from core.clock import utc_now
from core.errors import StorageError
from pipeline.delivery import Courier, RetryPolicy
from pipeline.webhook_sender import Send
from store import outbox
from store import webhooks as hooks
from store.engine import Database
from store.pruning import prune
from store.webhooks import LetterState, Webhook

_log = logging.getLogger(__name__)
_POLL_S = 0.1
_RELOAD_S = 1.0
_WORKERS = 16
_PER_TARGET = 4
_LETTER_WORKERS = 4
_TURN = 50
_TURN_S = 10.0
_PRUNE_EVERY = timedelta(minutes=1)

Queue = tuple[str, str]
"""Target and stream."""


class DeliveryLoop:
    """Delivers until stopped. ``start`` and ``stop`` once each."""

    def __init__(
        self,
        db: Database,
        data_dir: Path,
        send: Send,
        *,
        clock: Callable[[], datetime] = utc_now,
        policy: RetryPolicy | None = None,
        keep: timedelta = timedelta(days=30),
    ) -> None:
        rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._courier = Courier(db, send, clock, rng, policy or RetryPolicy())
        self._db = db
        self._clock = clock
        self._keep = keep
        self._lock = FileLock(str(data_dir / ".delivery.lock"))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self._webhooks: dict[str, Webhook] = {}
        self._seen = 0
        # When each queue with something to send may be tried; a queue in work is not listed.
        self._due: dict[Queue, datetime] = {}
        self._busy: dict[Future[datetime | None], Queue] = {}
        # Targets whose letters are being sent again, and when each last had its turn.
        self._letters: dict[Future[None], str] = {}
        self._turns: dict[str, int] = {}
        self._turn = count(1)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, settle_s: float = 0.0) -> None:
        """Give what is due now ``settle_s`` seconds to leave, then end; what is left is delivered next time."""
        if settle_s:
            self._settle(settle_s)
        self._stopping.set()
        self._thread.join()

    def _settle(self, seconds: float) -> None:
        pause = threading.Event()
        for _ in range(int(seconds / _POLL_S)):
            if not self._thread.is_alive() or not self._anything_due():
                return
            pause.wait(_POLL_S)

    def _anything_due(self) -> bool:
        with self._db.read() as connection:
            for webhook in hooks.list_webhooks(connection):
                queues = {q.stream: q for q in hooks.list_queues(connection) if q.webhook == webhook.name}
                for stream in filter(webhook.wants, outbox.streams_after(connection, webhook.since_cursor)):
                    queue = queues.get(stream) or hooks.get_queue(connection, webhook, stream)
                    if not queue.attempts and outbox.after(connection, queue.cursor, 1, stream):
                        return True
        return False

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._lock.acquire(timeout=0):
                    self._deliver()
            except Timeout:
                self._stopping.wait(_RELOAD_S)
            except Exception:  # noqa: BLE001 - without this thread nothing is delivered any more
                _log.exception("deliveries begin again")
                self._stopping.wait(_RELOAD_S)

    def _deliver(self) -> None:
        """Our turn: until stopped."""
        since_reload, prune_at = _RELOAD_S, self._clock()
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="webhook") as workers:
            while not self._stopping.is_set():
                try:
                    if since_reload >= _RELOAD_S:
                        since_reload = 0.0
                        self._reload()
                        self._begin_letters(workers)
                    self._look()
                    self._begin(workers)
                    if self._clock() >= prune_at:
                        prune_at = self._clock() + _PRUNE_EVERY
                        self._prune()
                except (StorageError, SQLAlchemyError):
                    # A full disk stops the noting, so the sending waits for it too.
                    _log.exception("deliveries wait for the database")
                    self._stopping.wait(_RELOAD_S)
                self._collect()
                since_reload += _POLL_S
                self._stopping.wait(_POLL_S)

    def _prune(self) -> None:
        """Forget a batch of what everybody has had for long."""
        with self._db.write() as connection:
            prune(connection, self._clock() - self._keep)

    def _reload(self) -> None:
        """Targets as they are now; a new one is given a look at everything it may get."""
        with self._db.read() as connection:
            now = {webhook.name: webhook for webhook in hooks.list_webhooks(connection)}
            for webhook in now.values():
                if self._webhooks.get(webhook.name) != webhook:
                    for stream in filter(webhook.wants, outbox.streams_after(connection, webhook.since_cursor)):
                        self._due.setdefault((webhook.name, stream), self._clock())
        self._webhooks = now
        self._due = {queue: at for queue, at in self._due.items() if queue[0] in now}

    def _look(self) -> None:
        """Streams that something was told of since the last look."""
        with self._db.read() as connection:
            newest = outbox.newest(connection)
            fresh = outbox.streams_after(connection, self._seen) if newest > self._seen else set()
        self._seen = newest
        for stream in fresh:
            for webhook in self._webhooks.values():
                if webhook.wants(stream):
                    self._due.setdefault((webhook.name, stream), self._clock())

    def _begin(self, workers: ThreadPoolExecutor) -> None:
        now = self._clock()
        working = list(self._busy.values())
        self._due = {queue: at for queue, at in self._due.items() if queue[0] in self._webhooks}
        for queue in [queue for queue, at in self._due.items() if at <= now and queue not in working]:
            if sum(name == queue[0] for name, _ in working) < _PER_TARGET:
                del self._due[queue]
                working.append(queue)
                self._busy[workers.submit(self._work, self._webhooks[queue[0]], queue[1])] = queue

    def _work(self, webhook: Webhook, stream: str) -> datetime | None:
        """Some events of one queue in a row; when to come back."""
        for _ in range(_TURN):
            back = self._courier.deliver_next(webhook, stream)
            if back is None or back > self._clock() or self._stopping.is_set():
                return back
        return self._clock()

    def _begin_letters(self, workers: ThreadPoolExecutor) -> None:
        """One worker a target and few in all, so that letters to a target that hangs keep nobody's alerts waiting."""
        with self._db.read() as connection:
            asked = hooks.resending(connection)
        working = set(self._letters.values())
        waiting = sorted(asked - working, key=lambda name: self._turns.get(name, 0))
        for name in waiting[: _LETTER_WORKERS - len(working)]:
            self._turns[name] = next(self._turn)
            self._letters[workers.submit(self._resend, name)] = name

    def _resend(self, name: str) -> None:
        """Some letters of one target in a row."""
        until = time.monotonic() + _TURN_S
        with self._db.read() as connection:
            letters = hooks.list_dead(connection, webhook=name, state=LetterState.RESENDING.value, limit=_TURN)
        for letter in letters:
            if self._stopping.is_set() or time.monotonic() > until:
                return
            self._courier.resend(letter)

    def _collect(self) -> None:
        """Take back finished queues. A defect in one delivery costs that queue a pause, no other anything."""
        for letter in [future for future in self._letters if future.done()]:
            del self._letters[letter]
            if letter.exception() is not None:
                _log.error("dead letters", exc_info=letter.exception())
        for future in [future for future in self._busy if future.done()]:
            queue = self._busy.pop(future)
            failure = future.exception()
            if failure is not None:
                _log.error("delivery to %s of %s", *queue, exc_info=failure)
                self._due[queue] = self._clock() + RetryPolicy().delay(6, random.Random())  # noqa: S311 - jitter
                continue
            back = future.result()
            if back is not None:
                self._due[queue] = min(back, self._due.get(queue, back))
