"""The web server of ``livewitness serve``: uvicorn that ends open event streams before it waits for requests."""

import asyncio
import socket
import threading
from collections.abc import Sequence

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

_GRACE_S = 10
_HEADERS_S = 20.0
"""A connection without a whole request is closed after this, or twice as long."""


class _Connection(H11Protocol):
    """Ends where no request comes: whoever opens connections and says nothing, or a byte now and then, holds none."""

    _next_look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the class above
        """Begin to look at it."""
        super().connection_made(transport)
        self._look(object())

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        super().connection_lost(exc)
        if self._next_look is not None:
            self._next_look.cancel()

    def _look(self, seen: object) -> None:
        """Close it where it waits for the same request as at the last look."""
        waits = self.cycle is None or self.cycle.response_complete
        if waits and seen is self.cycle:
            self.transport.close()
        else:
            self._next_look = self.loop.call_later(_HEADERS_S, self._look, self.cycle if waits else object())


class Service(uvicorn.Server):
    """One application. ``stopping`` is set the moment the server begins to end.

    Only ``proxies`` say where a request comes from (X-Forwarded-For); of all others their own address counts.
    """

    def __init__(
        self, app: FastAPI, host: str, port: int, stopping: threading.Event, proxies: Sequence[str] = ()
    ) -> None:
        super().__init__(
            # Its records go where all others go, and look like them.
            uvicorn.Config(
                app,
                http=_Connection,
                host=host,
                port=port,
                log_config=None,
                log_level="warning",
                timeout_graceful_shutdown=_GRACE_S,
                # Given here, the variable FORWARDED_ALLOW_IPS of the server below us counts for nothing.
                proxy_headers=bool(proxies),
                forwarded_allow_ips=list(proxies),
            )
        )
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End event streams, then what uvicorn does."""
        self._stopping.set()
        await super().shutdown(sockets)
