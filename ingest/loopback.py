"""Small servers on loopback between ffmpeg and the network: each connection has a thread of its own, within limits."""

import contextlib
import select
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from core.errors import LiveWitnessError

MAX_CONNECTIONS = 32
IDLE_S = 120.0
_CHUNK = 64 * 1024
_MAX_NOTES = 20

Change = Callable[[bytes], bytes]
"""What becomes of bytes on their way; may hold some back. Raises ``ConnectionError`` to end the connection."""


class LoopbackServer:
    """Context manager that listens on a free port of 127.0.0.1 and hands every connection to `serve`.

    More than ``MAX_CONNECTIONS`` at a time are closed unserved. Leaving ends all of them.
    """

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._workers: set[threading.Thread] = set()
        self._closing = False
        self._notes: deque[str] = deque(maxlen=_MAX_NOTES)
        self._acceptor = threading.Thread(target=self._accept, name="egress-accept", daemon=True)

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return int(self._listening.getsockname()[1])

    @property
    def notes(self) -> list[str]:
        """The last reasons, in English, why something was not connected to; oldest first."""
        return list(self._notes)

    def note(self, what: str, error: Exception) -> None:
        """Keep the reason why ``what`` failed."""
        reason = error.sentence.en if isinstance(error, LiveWitnessError) else str(error)
        self._notes.append(f"{what}: {reason}")

    def serve(self, client: socket.socket) -> None:
        """Serve one connection. What it raises as ``OSError`` or `LiveWitnessError` is noted and ends it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._closing = True
            workers = list(self._workers)
            for connection in (self._listening, *self._open):
                _shut(connection)
        for thread in (self._acceptor, *workers):
            thread.join()
        self._listening.close()

    @contextlib.contextmanager
    def held(self, connection: socket.socket) -> Iterator[socket.socket]:
        """Close ``connection`` at the end; when the server is left, it is shut down at once."""
        with connection:
            with self._lock:
                self._open.add(connection)
                if self._closing:
                    _shut(connection)
            try:
                yield connection
            finally:
                with self._lock:
                    self._open.discard(connection)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            worker = threading.Thread(target=self._work, args=(client,), name="egress", daemon=True)
            with self._lock:
                taken = not self._closing and len(self._workers) < MAX_CONNECTIONS
                if taken:
                    self._workers.add(worker)
            if taken:
                worker.start()
            else:
                client.close()

    def _work(self, client: socket.socket) -> None:
        try:
            with self.held(client):
                client.settimeout(IDLE_S)
                self.serve(client)
        except (OSError, LiveWitnessError) as error:
            if not self._closing:
                self.note("egress", error)
        finally:
            with self._lock:
                self._workers.discard(threading.current_thread())


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def as_it_is(data: bytes) -> bytes:
    """No `Change`."""
    return data


def pump(client: socket.socket, upstream: socket.socket, *, up: Change = as_it_is, down: Change = as_it_is) -> None:
    """Copy both ways until either side closes or nothing moves for ``IDLE_S``."""
    ways = {client.fileno(): (client, upstream, up), upstream.fileno(): (upstream, client, down)}
    poll = select.poll()
    for descriptor in ways:
        poll.register(descriptor, select.POLLIN)
    while ready := poll.poll(IDLE_S * 1000):
        for descriptor, _ in ready:
            source, target, change = ways[descriptor]
            if not _copy(source, target, change):
                return


def _copy(source: socket.socket, target: socket.socket, change: Change) -> bool:
    while True:
        data = source.recv(_CHUNK)
        if not data:
            return False
        target.sendall(change(data))
        if not (hasattr(source, "pending") and source.pending()):  # what TLS has decrypted already, poll does not see
            return True
